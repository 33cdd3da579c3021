"""What the kernel still does for a locked scoring process: a list of calls, as a seccomp program.

Standard library only: the worker loads this file by its path, beside `model_lock`. Everything that is not
named here is refused, so a call that a later kernel adds is refused as well.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

Instruction = tuple[int, int, int, int]
"""Code, steps to skip when true, steps to skip when false, constant."""
Condition = tuple[int, int, int]
"""Number of a 32-bit word of the arguments, mask, and the value the masked word must have."""

# Linux gives every architecture numbers of its own; first of x86-64, then of aarch64 (-1: none).
_NUMBERS: Final = """
futex 202 98|read 0 63|write 1 64|readv 19 65|writev 20 66|pread64 17 67|lseek 8 62|close 3 57|poll 7 -1
ppoll 271 73|mmap 9 222|munmap 11 215|mremap 25 216|mprotect 10 226|madvise 28 233|brk 12 214|fstat 5 80
exit 60 93|exit_group 231 94|rt_sigaction 13 134|rt_sigprocmask 14 135|rt_sigreturn 15 139
sigaltstack 131 132|restart_syscall 219 128|sched_yield 24 124|sched_getaffinity 204 123
set_robust_list 273 99|rseq 334 293|membarrier 324 283|gettid 186 178|getpid 39 172|getuid 102 174
geteuid 107 175|getgid 104 176|getegid 108 177|getrusage 98 165|times 100 153|getcpu 309 168
clock_gettime 228 113|clock_getres 229 114|clock_nanosleep 230 115|nanosleep 35 101|gettimeofday 96 169
time 201 -1|getrandom 318 278|fcntl 72 25|prctl 157 167|kill 62 129|tgkill 234 131|prlimit64 302 261
clone 56 220|clone3 435 435|open 2 -1|openat 257 56|newfstatat 262 79|stat 4 -1|lstat 6 -1|statx 332 291
getdents64 217 61|getcwd 79 17|socket 41 198|seccomp 317 277|capget 125 90|capset 126 91
landlock_create_ruleset 444 444|landlock_add_rule 445 445|landlock_restrict_self 446 446
"""


def _numbers(column: int) -> Mapping[str, int]:
    rows = [cell.split() for line in _NUMBERS.split("\n") for cell in line.split("|") if cell]
    return MappingProxyType({row[0]: int(row[column]) for row in rows if row[column] != "-1"})


NUMBERS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {"x86_64": _numbers(1), "aarch64": _numbers(2)}
)
AUDIT_ARCH: Final[Mapping[str, int]] = MappingProxyType({"x86_64": 0xC000003E, "aarch64": 0xC00000B7})

# The most frequent stand first: the program is read from the top for every call.
_ALWAYS: Final = (
    *("futex", "read", "write", "munmap", "madvise", "brk", "clock_gettime", "sched_yield", "readv"),
    *("writev", "pread64", "lseek", "close", "poll", "ppoll", "mremap", "fstat", "exit", "exit_group"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    *("sched_getaffinity", "set_robust_list", "rseq", "membarrier", "gettid", "getpid", "getuid"),
    *("geteuid", "getgid", "getegid", "getrusage", "times", "getcpu", "clock_getres"),
    *("clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom"),
)
_READING: Final = ("newfstatat", "stat", "lstat", "statx", "getdents64", "getcwd")

ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
X32: Final = 0x40000000
"""The bit that marks a call of the 32-bit-pointer variant of x86-64."""
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_AT_NUMBER, _AT_ARCH, _AT_ARGUMENTS = 0, 4, 16

_PROT_WRITE, _PROT_EXEC, _MAP_ANONYMOUS = 2, 4, 0x20
# pthread_create of every C library, with or without the old CLONE_DETACHED: a thread and nothing else.
_THREAD, _DETACHED = 0x3D0F00, 0x400000
# Writing, appending, creating, cutting, unnamed files, bare paths and signals on readiness.
_BEYOND_READING: Final = 0o3 | 0o100 | 0o1000 | 0o2000 | 0o20000000 | 0o10000000 | 0o20000
_F_GETFD, _F_GETFL, _PR_SET_NAME, _PR_GET_NAME = 1, 3, 15, 16


def refused(number: int) -> int:
    """The answer that makes a call fail with this errno."""
    return 0x00050000 | number


def _low(argument: int) -> int:
    return 2 * argument


def _high(argument: int) -> int:
    return 2 * argument + 1


def checked(pid: int, files: bool) -> Mapping[str, Sequence[Sequence[Condition]]]:
    """Calls allowed for some arguments only: one of the alternatives must hold, with all its conditions."""
    whole = 0xFFFFFFFF
    only_reads_limits = [(_low(2), whole, 0), (_high(2), whole, 0)]
    no_exec = [(_low(2), _PROT_EXEC, 0)]
    # The code of a library comes from a file that is read, never from memory that was written.
    library = [(_low(2), _PROT_WRITE | _PROT_EXEC, _PROT_EXEC), (_low(3), _MAP_ANONYMOUS, 0)]
    calls: dict[str, Sequence[Sequence[Condition]]] = {
        "mmap": [no_exec, library] if files else [no_exec],
        "mprotect": [no_exec],
        "clone": [[(_low(0), whole ^ _DETACHED, _THREAD)]],
        "kill": [[(_low(0), whole, pid)]],
        "tgkill": [[(_low(0), whole, pid)]],
        "prlimit64": [[(_low(0), whole, target), *only_reads_limits] for target in (0, pid)],
        "fcntl": [[(_low(1), whole, _F_GETFD)], [(_low(1), whole, _F_GETFL)]],
        "prctl": [[(_low(0), whole, _PR_SET_NAME)], [(_low(0), whole, _PR_GET_NAME)]],
    }
    if files:
        calls["openat"] = [[(_low(2), _BEYOND_READING, 0)]]
        calls["open"] = [[(_low(1), _BEYOND_READING, 0)]]
    return calls


def program(machine: str, pid: int, *, files: bool) -> list[Instruction]:
    """The seccomp program for a process of this id.

    Parameters
    ----------
    files
        Whether files may be opened for reading; which ones is Landlock's to say.
    """
    numbers = NUMBERS[machine]
    steps: list[Instruction] = [
        (_LOAD, 0, 0, _AT_ARCH),
        (_IF_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _AT_NUMBER),
    ]
    if machine == "x86_64":
        steps += [(_IF_AT_LEAST, 0, 1, X32), (_RETURN, 0, 0, refused(errno.EPERM))]
    for name in (*_ALWAYS, *(_READING if files else ())):
        if name in numbers:
            steps += [(_IF_EQUAL, 0, 1, numbers[name]), (_RETURN, 0, 0, ALLOW)]
    for name, alternatives in checked(pid, files).items():
        if name in numbers:
            steps += _guarded(numbers[name], alternatives)
    # The C library then starts its thread with clone, whose arguments a program can see.
    steps += [(_IF_EQUAL, 0, 1, numbers["clone3"]), (_RETURN, 0, 0, refused(errno.ENOSYS))]
    return [*steps, (_RETURN, 0, 0, refused(errno.EPERM))]


def _guarded(number: int, alternatives: Sequence[Sequence[Condition]]) -> list[Instruction]:
    """Steps that answer one call by its arguments, and pass over to the next step for any other call."""
    body: list[Instruction] = []
    for conditions in alternatives:
        for at, (word, mask, wanted) in enumerate(conditions):
            rest = 3 * (len(conditions) - at - 1) + 1
            body += [
                (_LOAD, 0, 0, _AT_ARGUMENTS + 4 * word),
                (_AND, 0, 0, mask),
                (_IF_EQUAL, 0, rest, wanted),
            ]
        body.append((_RETURN, 0, 0, ALLOW))
    body.append((_RETURN, 0, 0, refused(errno.EPERM)))
    return [(_IF_EQUAL, 0, len(body), number), *body]


def assembled(steps: Sequence[Instruction]) -> bytes:
    """The program as the kernel reads it."""
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
