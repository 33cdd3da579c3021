"""With the inspection switched off, the kernel's lock alone holds live payloads: none leaves a mark.

The same payloads without the lock do leave their marks, so a test that passes says something.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from audit_core.errors import ModelError
from audit_core.sources import model_lock, model_process, model_syscalls
from audit_core.sources.isolation import Isolation
from audit_core.sources.model_process import ModelProcess, ScoringLimits
from audit_core.sources.waiting import available_isolation
from tests.live_payloads import (
    MODULES,
    NEED_FREEDOM,
    NEED_ROOT,
    NO_LOCK,
    RAW_CALLS,
    SETS,
    Site,
    told,
    use_lock,
)

needs_lock = pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() != "x86_64",
    reason="the payloads use the call numbers of Linux on x86-64",
)
LIMITS = ScoringLimits(seconds_per_batch=30)
EVERY_LAYER = (
    *(model_lock.PRIVILEGES, model_lock.DUMPABLE, model_lock.CAPABILITIES),
    *(model_lock.LANDLOCK, model_lock.SECCOMP),
)
# The real lock, in the worker's own files, with something changed around it.
REAL_LOCK = """
import importlib.util, os, threading, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("real", Path(__file__).with_name("real_lock.py"))
real = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real)
call, lock = real.Kernel.call, real.lock
"""
AS_NOBODY = """
def lock(mode, readable):
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    return real.lock(mode, readable)
"""
ANSWERS = """
real.Kernel.call = lambda kernel, name, *words: {answer} if name == {name!r} else call(kernel, name, *words)
"""


# --- the program of the filter, on both architectures ---------------------------------------------


def answer(machine: str, name: int | str, *words: int, files: bool = False, arch: int | None = None) -> int:
    """What the kernel would do for one call: the program, run step by step."""
    number = model_syscalls.NUMBERS[machine][name] if isinstance(name, str) else name
    data = [number, model_syscalls.AUDIT_ARCH[machine] if arch is None else arch, 0, 0]
    for word in [*words, *[0] * (6 - len(words))]:
        data += [word & 0xFFFFFFFF, word >> 32 & 0xFFFFFFFF]
    steps = model_syscalls.program(machine, 4321, files=files)
    assert len(steps) < 4096
    at, accumulator = 0, 0
    while True:
        code, when_true, when_false, constant = steps[at]
        at += 1
        match code:
            case 0x20:
                accumulator = data[constant // 4]
            case 0x54:
                accumulator &= constant
            case 0x15:
                at += when_true if accumulator == constant else when_false
            case 0x35:
                at += when_true if accumulator >= constant else when_false
            case 0x06:
                return constant
            case _:
                raise AssertionError(f"code {code:#x}")


REFUSED = model_syscalls.refused(errno.EPERM)
ALLOW = model_syscalls.ALLOW


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_what_scoring_takes_and_refuses_the_rest(machine: str) -> None:
    numbers = model_syscalls.NUMBERS[machine]
    always = {"read", "write", "futex", "munmap", "brk", "exit_group", "getrandom", "rt_sigreturn", "madvise"}
    assert {answer(machine, name) for name in always} == {ALLOW}
    allowed = {n for n in range(600) if answer(machine, n, 1 << 40 | 77, 77, 77, 77, 77, 77) == ALLOW}
    assert always <= {name for name, number in numbers.items() if number in allowed}
    assert allowed <= set(numbers.values())
    assert not allowed & {numbers[n] for n in ("socket", "openat", "newfstatat", "seccomp", "clone", "kill")}
    # New numbers of later kernels, negative ones, and x32.
    for number in (600, 10_000, 0x40000000, 0x40000000 + numbers["read"], 0x7FFFFFFF, 0xFFFFFFFF):
        assert answer(machine, number) == REFUSED
    assert answer(machine, "clone3") == model_syscalls.refused(errno.ENOSYS)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_kills_what_speaks_for_another_architecture(machine: str) -> None:
    for arch in (0, 0x40000003, 0x40000028, *model_syscalls.AUDIT_ARCH.values()):
        if arch != model_syscalls.AUDIT_ARCH[machine]:
            assert answer(machine, "read", arch=arch) == model_syscalls.KILL


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize(
    ("name", "words", "strict", "lax"),
    [
        ("mmap", (0, 1, 3, 0x22), True, True),  # reading and writing, in memory
        ("mmap", (0, 1, 5, 2), False, True),  # a library's code
        ("mmap", (0, 1, 5, 0x22), False, False),  # code that comes from no file
        ("mmap", (0, 1, 7, 2), False, False),
        ("mprotect", (0, 1, 3), True, True),
        ("mprotect", (0, 1, 5), False, False),
        ("clone", (0x3D0F00,), True, True),
        ("clone", (0x7D0F00,), True, True),
        ("clone", (17,), False, False),
        ("clone", (0x3D0F00 | 0x10000000,), False, False),
        ("clone", (0x3D0F00 ^ 0x10000,), False, False),
        ("kill", (4321, 11), True, True),
        ("kill", (4320, 11), False, False),
        ("kill", (-1 & 0xFFFFFFFF, 9), False, False),
        ("kill", (0, 9), False, False),
        ("tgkill", (4321, 5, 6), True, True),
        ("tgkill", (1, 1, 6), False, False),
        ("prlimit64", (0, 7, 0, 1), True, True),
        ("prlimit64", (4321, 7, 0, 1), True, True),
        ("prlimit64", (0, 7, 1, 0), False, False),
        ("prlimit64", (0, 7, 1 << 32, 0), False, False),
        ("prlimit64", (1, 7, 0, 1), False, False),
        ("fcntl", (3, 3), True, True),
        ("fcntl", (3, 4), False, False),
        ("prctl", (15, 1), True, True),
        ("prctl", (22, 1), False, False),
        ("openat", (0xFFFFFF9C, 1, 0o2000000), False, True),
        ("openat", (0xFFFFFF9C, 1, 0o1), False, False),
        ("openat", (0xFFFFFF9C, 1, 0o2), False, False),
        ("openat", (0xFFFFFF9C, 1, 0o100), False, False),
        ("openat", (0xFFFFFF9C, 1, 0o1000), False, False),
        ("openat", (0xFFFFFF9C, 1, 0o20200000), False, False),
        ("openat", (0xFFFFFF9C, 1, 0o10000000), False, False),
        ("newfstatat", (), False, True),
        ("getdents64", (), False, True),
    ],
)
def test_the_filter_looks_at_arguments(
    machine: str, name: str, words: tuple[int, ...], strict: bool, lax: bool
) -> None:
    assert answer(machine, name, *words) == (ALLOW if strict else REFUSED)
    assert answer(machine, name, *words, files=True) == (ALLOW if lax else REFUSED)


def test_the_numbers_are_those_of_the_kernel_headers() -> None:
    """x86-64's list is checked by running it; of aarch64's, what Linux's generic table says."""
    generic = model_syscalls.NUMBERS["aarch64"]
    known = {"read": 63, "write": 64, "openat": 56, "close": 57, "futex": 98, "mmap": 222, "mprotect": 226}
    known |= {"clone": 220, "kill": 129, "tgkill": 131, "prctl": 167, "fcntl": 25, "prlimit64": 261}
    known |= {"newfstatat": 79, "getdents64": 61, "statx": 291, "socket": 198, "seccomp": 277}
    assert {name: generic[name] for name in known} == known
    assert len(set(generic.values())) == len(generic)
    assert set(model_syscalls.NUMBERS["x86_64"]) - set(generic) == {"poll", "time", "open", "stat", "lstat"}


@pytest.mark.parametrize(
    ("version", "rights"),
    [
        (1, (0x1FFF, 0, 0)),
        (2, (0x3FFF, 0, 0)),
        (3, (0x7FFF, 0, 0)),
        (4, (0x7FFF, 3, 0)),
        (5, (0xFFFF, 3, 0)),
        (6, (0xFFFF, 3, 3)),
        (7, (0xFFFF, 3, 3)),
        (12, (0xFFFF, 3, 3)),
    ],
)
def test_landlock_closes_what_its_version_knows(version: int, rights: tuple[int, int, int]) -> None:
    assert model_lock.landlock_rights(version) == rights


def test_an_unknown_system_has_no_layer_and_nothing_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, attribute, value in ((platform, "machine", "riscv64"), (sys, "platform", "darwin")):
        with monkeypatch.context() as patch:
            patch.setattr(module, attribute, value if attribute == "platform" else lambda: "riscv64")
            told_of = model_lock.lock("lax", [])
        assert told_of == {"mode": "strict", "layers": [], "missing": list(EVERY_LAYER)}


# --- a kernel without one layer -------------------------------------------------------------------


def locked(mode: str, modules: list[str]) -> tuple[ModelProcess, Isolation]:
    process = ModelProcess("m", LIMITS)
    try:
        process.start(warm=False)
        request = {"format": "joblib", "modules": modules, "names": None, "mode": mode, "positive": None}
        return process, process.lock(request)
    except BaseException:
        process.close()
        raise


@needs_lock
@pytest.mark.parametrize(
    ("call", "said", "missing"),
    [
        ("landlock_create_ruleset", -errno.ENOSYS, model_lock.LANDLOCK),
        ("landlock_restrict_self", -errno.EPERM, model_lock.LANDLOCK),
        ("landlock_restrict_self", 0, model_lock.LANDLOCK),  # says yes and does nothing
        ("seccomp", -errno.EINVAL, model_lock.SECCOMP),
        ("seccomp", 0, model_lock.SECCOMP),
        ("capset", 0, model_lock.CAPABILITIES),
    ],
)
def test_only_what_was_seen_to_hold_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, said: int, missing: str
) -> None:
    if call == "capset" and os.geteuid() != 0:
        pytest.skip("there is no capability to drop")
    use_lock(monkeypatch, tmp_path / "w", REAL_LOCK + ANSWERS.format(name=call, answer=said))
    process, isolation = locked("lax", [])
    process.close()
    assert isolation.missing == (missing,)
    assert isolation.mode == ("strict" if missing == model_lock.LANDLOCK else "lax")
    assert isolation.words() == f"isolation: reduced (this system has no {missing})"


@needs_lock
def test_other_threads_are_not_claimed_to_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thread = "threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
    use_lock(monkeypatch, tmp_path / "w", REAL_LOCK + thread)
    process, isolation = locked("lax", [])
    process.close()
    assert set(isolation.missing) == {model_lock.LANDLOCK, model_lock.CAPABILITIES}
    assert isolation.mode == "strict"  # the filter holds for all threads, so no file opens in any


@needs_lock
def test_this_system_has_every_layer() -> None:
    isolation = available_isolation()
    assert isolation.complete, isolation.words()
    assert isolation.layers == EVERY_LAYER
    assert isolation.words() == "isolation: full (strict)"
    assert available_isolation() is isolation


# --- live payloads --------------------------------------------------------------------------------


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(model_process, "_STDERR_BYTES", 2**20)
    # Not pytest's own folder, which belongs to this user alone: nobody, too, must get there.
    with tempfile.TemporaryDirectory(prefix="site-") as folder, Site(Path(folder)) as made:
        yield made


def played(site: Site, mode: str, *, scores: bool = True) -> set[str]:
    """The marks of all payloads played when loaded, and again when scoring: the process must live on."""
    process, isolation = locked(mode, MODULES)
    try:
        assert isolation.mode == mode
        process.ask([site.program(*SETS, calls=RAW_CALLS, again=tuple(SETS))])
        if scores:
            assert len(process.scores(pa.table({"x": [1.0, 2.0]}))) == 2
        deadline = time.monotonic() + 20
        while not (said := told(process._said)) and time.monotonic() < deadline:
            time.sleep(0.01)  # written before the answer, but read by another thread
    finally:
        process.close()
    assert len(said) > len(RAW_CALLS)  # they did run
    time.sleep(1)  # a signal or a connection may still be on its way
    return site.marks(said)


@needs_lock
@pytest.mark.parametrize("mode", ["strict", "lax"])
def test_no_payload_leaves_a_mark(site: Site, mode: str) -> None:
    assert len(SETS) >= 50
    assert played(site, mode) == set()


@needs_lock
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_no_payload_leaves_a_mark_as_nobody(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_lock(monkeypatch, tmp_path / "w", REAL_LOCK + AS_NOBODY)
    process, isolation = locked("strict", MODULES)
    process.close()
    assert isolation.layers == EVERY_LAYER
    assert played(site, "strict") == set()


@needs_lock
@pytest.mark.parametrize("user", ["this one", "nobody"])
def test_without_the_lock_the_same_payloads_leave_marks(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    if user == "nobody" and os.geteuid() != 0:
        pytest.skip("only root can become nobody")
    nobody = REAL_LOCK + AS_NOBODY.partition("    return")[0] + "    return open_door(mode, readable)\n"
    door = NO_LOCK.replace("def lock", "def open_door")
    use_lock(monkeypatch, tmp_path / "w", door + nobody if user == "nobody" else NO_LOCK)
    quiet = {*SETS, *(f"raw {name}" for name in RAW_CALLS)} - played(site, "lax", scores=False)
    excused = NEED_ROOT if user == "nobody" or os.geteuid() != 0 else set()
    assert quiet - excused - (set() if unconfined() else NEED_FREEDOM) == set()


def unconfined() -> bool:
    """Whether this system closes nothing by itself: no filter of a container, and administrator's rights."""
    lines = Path("/proc/self/status").read_text().splitlines()
    told_of = dict(line.split(":\t") for line in lines if ":\t" in line)
    return told_of.get("Seccomp") == "0" and bool(int(told_of["CapEff"], 16) >> 21 & 1)


def ended(site: Site, mode: str, name: str) -> str:
    """What became of a load, as a sentence."""
    process, _ = locked(mode, MODULES)
    if name == "endless":
        process._limits = ScoringLimits(seconds_per_batch=1)
    try:
        process.ask([site.program(name)])
    except ModelError as error:
        return error.problem
    finally:
        process.close()
        assert process._popen.returncode is not None
    return ""


@needs_lock
@pytest.mark.parametrize(
    ("mode", "name", "words"),
    [
        # Refused or run dry inside, these live on; their answer is believed as little as any.
        ("strict", "replace_process", ""),
        ("lax", "replace_process", ""),
        ("strict", "swallow_memory", ""),
        ("strict", "flood", ""),
        ("strict", "many_threads", ""),
        ("strict", "at_exit", ""),
        ("lax", "import_planted", ""),
        ("strict", "import_planted", "The model needs a module that was not loaded"),
        ("strict", "every_descriptor", "The model's answer can't be read"),
        ("strict", "endless", "The model was stopped: it took longer than 1 s"),
        ("strict", "message", "The model file can't be loaded (PermissionError: Operation not permitted)"),
        ("lax", "message", "The model file can't be loaded (PermissionError: Permission denied)"),
    ],
)
def test_payloads_with_a_process_of_their_own(site: Site, mode: str, name: str, words: str) -> None:
    outcome = ended(site, mode, name)
    assert site.marks({}) == set()
    assert "canary" not in outcome
    assert outcome == words


@needs_lock
@pytest.mark.parametrize("name", ["replace_process", "import_planted", "message"])
def test_without_the_lock_they_have_their_effect(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    use_lock(monkeypatch, tmp_path / "w", NO_LOCK)
    outcome = ended(site, "lax", name)
    assert site.marks({}) == (set() if name == "message" else {name})
    assert ("canary" in outcome) == (name == "message")
