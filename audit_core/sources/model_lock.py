"""The kernel's lock on the process that is about to load a model: it only goes on, never off.

Standard library only: the worker loads this file by its path. Every layer is tried by itself and believed
only after it was seen to hold from inside; one that this system lacks is reported, and nothing raises.

References
----------
Linux documentation: userspace-api/landlock, userspace-api/seccomp_filter; capabilities(7), prctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import platform
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from audit_core.sources import model_syscalls
else:  # in the worker this file belongs to no package
    _spec = importlib.util.spec_from_file_location(
        "model_syscalls", Path(__file__).with_name("model_syscalls.py")
    )
    model_syscalls = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(model_syscalls)

Mode = Literal["strict", "lax"]

PRIVILEGES: Final = "no_new_privs"
CAPABILITIES: Final = "dropped capabilities"
DUMPABLE: Final = "PR_SET_DUMPABLE"
LANDLOCK: Final = "Landlock"
SECCOMP: Final = "seccomp"

_GET_DUMPABLE, _SET_DUMPABLE, _CAPBSET_DROP, _SET_NO_NEW_PRIVS, _GET_NO_NEW_PRIVS = 3, 4, 24, 38, 39
_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL, _MOST_CAPABILITIES = 47, 4, 64
_CAPABILITY_VERSION: Final = 0x20080522
_FILTER, _ALL_THREADS = 1, 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_PATH_BENEATH: Final = 1
_VERSION: Final = 1
_SIGCHLD, _AF_INET, _SOCK_STREAM = 17, 2, 1
_MARK: Final = "lock-self-test"


class Kernel:
    """System calls by name, on the machines whose numbers are known."""

    def __init__(self) -> None:
        self.machine = platform.machine()
        self._numbers = model_syscalls.NUMBERS[self.machine]
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.syscall.restype = ctypes.c_long

    def call(self, name: str, *arguments: Any) -> int:
        """What the call returns, or its errno as a negative number."""
        words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
        result = int(self._libc.syscall(ctypes.c_long(self._numbers[name]), *words))
        return -ctypes.get_errno() if result == -1 else result

    def prctl(self, option: int, value: int = 0) -> int:
        """The same for one option of prctl."""
        return self.call("prctl", option, value, 0, 0, 0)


def lock(mode: Mode, readable: Sequence[str]) -> dict[str, Any]:
    """What was seen to hold: `mode`, `layers` and `missing`.

    Without Landlock the mode "lax" would open every file to the model; there it is "strict" all the same.

    Parameters
    ----------
    mode
        "strict" leaves no file to read, "lax" those below `readable`.
    """
    held: list[str] = []
    kernel = _kernel()
    if kernel is not None:
        layers: list[tuple[str, Callable[[], bool]]] = [
            (PRIVILEGES, lambda: _bar_privileges(kernel)),
            (DUMPABLE, lambda: _hide_memory(kernel)),
            (CAPABILITIES, lambda: _drop_capabilities(kernel)),
            (LANDLOCK, lambda: _close_files(kernel, readable if mode == "lax" else ())),
            (SECCOMP, lambda: _filter_calls(kernel, files=mode == "lax" and LANDLOCK in held)),
        ]
        for name, close in layers:
            with suppress(Exception):
                if close():
                    held.append(name)
    files = mode == "lax" and LANDLOCK in held
    every = (PRIVILEGES, DUMPABLE, CAPABILITIES, LANDLOCK, SECCOMP)
    missing = [name for name in every if name not in held]
    return {"mode": "lax" if files else "strict", "layers": held, "missing": missing}


def _kernel() -> Kernel | None:
    known = platform.machine() in model_syscalls.NUMBERS and struct.calcsize("P") == 8
    if not sys.platform.startswith("linux") or not known:
        return None
    with suppress(Exception):
        return Kernel()
    return None


def _bar_privileges(kernel: Kernel) -> bool:
    """No program this process could start has more rights than the process."""
    kernel.prctl(_SET_NO_NEW_PRIVS, 1)
    return kernel.prctl(_GET_NO_NEW_PRIVS) == 1


def _hide_memory(kernel: Kernel) -> bool:
    """No other process of the same user reads this one's memory, and nothing is dumped."""
    kernel.prctl(_SET_DUMPABLE, 0)
    return kernel.prctl(_GET_DUMPABLE) == 0


def _drop_capabilities(kernel: Kernel) -> bool:
    """No capability is left, nor (where this process may say so) one that could come back."""
    for number in range(_MOST_CAPABILITIES):
        kernel.prctl(_CAPBSET_DROP, number)
    kernel.call("prctl", _CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION, 0))
    kernel.call("capset", header, ctypes.create_string_buffer(24))
    left = ctypes.create_string_buffer(b"\xff" * 24, 24)
    return kernel.call("capget", header, left) == 0 and left.raw == bytes(24) and _alone()


def _alone() -> bool:
    """Whether this is the only thread: some layers hold for the thread that asks, and those it starts."""
    return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - before anything could be imported late


def _close_files(kernel: Kernel, readable: Sequence[str]) -> bool:
    """No file can be opened, but for reading those below the given paths."""
    version = kernel.call("landlock_create_ruleset", None, 0, _VERSION)
    if version < 1 or not _alone() or not _opens("/"):
        return False
    rights, network, scopes = landlock_rights(version)
    size = 8 if version < 4 else 16 if version < 6 else 24
    wanted = ctypes.create_string_buffer(struct.pack("=QQQ", rights, network, scopes))
    rules = kernel.call("landlock_create_ruleset", wanted, size, 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            _let_read(kernel, rules, path)
        if kernel.call("landlock_restrict_self", rules, 0) != 0:
            return False
    finally:
        os.close(rules)
    return not _opens("/") and not _opens(_MARK, os.O_WRONLY | os.O_CREAT)


def landlock_rights(version: int) -> tuple[int, int, int]:
    """What each version of Landlock can close: rights on files, on TCP ports, and beyond the process."""
    files = 13 + sum(version >= added for added in (2, 3, 5))
    return (1 << files) - 1, 3 if version >= 4 else 0, 3 if version >= 6 else 0


def _let_read(kernel: Kernel, rules: int, path: str) -> None:
    """Leave one folder or file readable; what is not there needs no rule."""
    with suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rights = _READ_FILE | (_READ_DIR if Path(path).is_dir() else 0)
            rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, place))
            kernel.call("landlock_add_rule", rules, _PATH_BENEATH, rule, 0)
        finally:
            os.close(place)


def _opens(path: str, flags: int = os.O_RDONLY) -> bool:
    """Whether the kernel lets this be opened: only its own refusal counts as no."""
    try:
        os.close(os.open(path, flags, 0o600))
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EPERM)
    if flags != os.O_RDONLY:
        Path(path).unlink()
    return True


def _filter_calls(kernel: Kernel, *, files: bool) -> bool:
    """No system call in any thread but those of the list."""
    code = model_syscalls.assembled(model_syscalls.program(kernel.machine, os.getpid(), files=files))
    steps = ctypes.create_string_buffer(code, len(code))
    header = ctypes.create_string_buffer(
        struct.pack("@HP", len(code) // 8, ctypes.addressof(steps)), struct.calcsize("@HP")
    )
    if kernel.call("seccomp", _FILTER, _ALL_THREADS, header) != 0:
        return False
    forked = kernel.call("clone", _SIGCHLD, 0, 0, 0, 0)
    if forked == 0:
        os._exit(0)
    connected = kernel.call("socket", _AF_INET, _SOCK_STREAM, 0)
    opened = _opens("/") or _opens(_MARK, os.O_WRONLY | os.O_CREAT)
    return forked == connected == -errno.EPERM and not opened
