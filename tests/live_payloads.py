"""Payloads that really fire when a model is loaded, and the place where their marks would be seen.

Each payload is Python source. Run without the lock it leaves a mark: a new file, a kept file that changed,
a connection, a victim process that was touched, or a word about what it reached. Nothing here harms more
than the folder, the sockets and the victim process that the test made for it.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import pytest

from audit_core.sources import model_process

# What payloads and their setting are written with: imported before the lock, so that the lock itself and
# not a missing module is what stops them.
MODULES = [
    *("joblib", "joblib.numpy_pickle", "numpy", "sklearn", "sklearn.exceptions", "asyncio", "ctypes"),
    *("fcntl", "linecache", "logging", "mmap", "multiprocessing.popen_fork", "multiprocessing.shared_memory"),
    *("pathlib", "pty", "resource", "shutil", "signal", "socket", "sqlite3", "subprocess", "tempfile"),
    *(
        "threading",
        "urllib.request",
        "encodings.idna",
        "stringprep",
        "pandas",
        "pyarrow.pandas_compat",
        "pyarrow.vendored.version",
    ),
]

FILES = {
    "open_write": "open(P, 'w').close()",
    "open_append": "open(P, 'ab').close()",
    "os_open": "os.close(os.open(P, os.O_CREAT | os.O_RDWR))",
    "pathlib_touch": "pathlib.Path(P).touch()",
    "libc_fopen": "libc.fopen(P.encode(), b'w')",
    "raw_open": "raw(2, P.encode(), 0o102, 0o600)",
    "raw_creat": "raw(85, P.encode(), 0o600)",
    "raw_openat": "raw(257, -100, P.encode(), 0o102, 0o600)",
    "raw_openat2": "raw(437, -100, P.encode(), struct.pack('QQQ', 0o102, 0o600, 0), 24)",
    "chdir_then_write": "os.chdir(M); open(NAME, 'w').close()",
    "mkdir": "os.mkdir(P)",
    "makedirs": "os.makedirs(P + '/a/b')",
    "mkfifo": "os.mkfifo(P)",
    "symlink": "os.symlink('/etc', P)",
    "hard_link": "os.link(KEEP, P)",
    "rename": "os.rename(KEEP, P)",
    "unlink": "os.unlink(KEEP)",
    "rmtree": "shutil.rmtree(KEEP + '.d')",
    "truncate": "os.truncate(KEEP, 0)",
    "raw_truncate": "raw(76, KEEP.encode(), 0)",
    "chmod": "os.chmod(KEEP, 0o777)",
    "utime": "os.utime(KEEP, (1, 1))",
    "setxattr": "os.setxattr(KEEP, 'user.mark', b'x'); reached('attribute')",
    "temporary_file": "tempfile.NamedTemporaryFile(dir=M, prefix=NAME + '.', delete=False)",
    "memory_map": "open(P, 'wb').close(); numpy.memmap(P, mode='w+', shape=1)",
    "sqlite": "sqlite3.connect(P).execute('create table t (x)')",
    "log_file": "logging.FileHandler(P)",
    "shared_memory": "import _posixshmem as s; n = '/' + TAG; os.close(s.shm_open(n, 0o102, 0o600)); "
    "s.shm_unlink(n); reached('shared memory')",
    "in_a_thread": "t = threading.Thread(target=open, args=(P, 'w')); t.start(); t.join()",
    "in_a_signal": "signal.signal(10, lambda *_: open(P, 'w').close()); os.kill(os.getpid(), 10)",
    "in_a_finalizer": "type('F', (), {'__del__': lambda f: open(P, 'w').close()})()",
}
PROCESSES = {
    "os_system": "os.system(f'touch {P}')",
    "os_popen": "os.popen(f'touch {P}').close()",
    "subprocess_run": "subprocess.run(['touch', P])",
    "posix_spawn": "os.waitpid(os.posix_spawn('/bin/sh', ['sh', '-c', f'touch {P}'], {}), 0)",
    "fork": "child(os.fork())",
    "fork_pty": "child(pty.fork()[0])",
    "fork_bomb": "[child(os.fork()) for _ in range(10)]",
    "raw_clone": "child(raw(56, 17, 0, 0, 0, 0))",
    "raw_clone3": "child(raw(435, struct.pack('11Q', 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88))",
    "multiprocessing": "c = multiprocessing.get_context('fork').Process(target=open, args=(P, 'w')); "
    "c.start(); c.join()",
    "memory_program": "f = raw(319, b'x', 0); f >= 0 and reached('file in memory')",
}
NETWORK = {
    "connect": "s = socket.create_connection(('127.0.0.1', PORT)); s.send(NAME.encode()); s.close()",
    "url": "urllib.request.urlopen(f'http://127.0.0.1:{PORT}/', NAME.encode(), timeout=0.2)",
    "raw_connect": "s = raw(41, 2, 1, 0); raw(42, s, struct.pack('=H', 2) + struct.pack('>H', PORT) + "
    "b'\\x7f\\0\\0\\1' + bytes(8), 16); os.write(s, NAME.encode()); os.close(s)",
    "udp": "socket.socket(2, 2).sendto(NAME.encode(), ('127.0.0.1', UDP))",
    "unix_socket": "socket.socket(1); reached('socket')",
    "netlink": "socket.socket(16, 3, 0); reached('netlink')",
    "socket_pair": "socket.socketpair(); reached('socket')",
    "event_loop": "asyncio.new_event_loop().close(); reached('loop')",
    "io_uring": "raw(425, 4, bytearray(120)) >= 0 and reached('io_uring')",
}
READING = {
    "read_passwd": "'root:' in open('/etc/passwd').read() and reached('passwd')",
    "read_secret": "reached(open(SECRET).read())",
    "read_by_numpy": "reached(bytes(numpy.fromfile(SECRET, 'u1')).decode())",
    "read_by_map": "f = os.open(SECRET, 0); reached(mmap.mmap(f, 0, prot=1)[:].decode())",
    "read_by_linecache": "line = linecache.getline(SECRET, 1); line and reached(line)",
    "read_by_root_folder": "reached(open('/proc/self/root' + SECRET).read())",
    "read_parent_environ": "len(open(f'/proc/{PARENT}/environ', 'rb').read()) and reached('environ')",
    "read_parent_memory": "open(f'/proc/{VICTIM}/mem', 'rb').seek(ADDRESS); reached('memory')",
    "list_folder": "os.listdir(M) and reached('names')",
}
OTHERS = {
    "ptrace": "raw(101, 0x4206, VICTIM, 0, 0) == 0 and reached('ptrace')",
    "pidfd": "raw(434, VICTIM, 0) >= 0 and reached('pidfd')",
    "write_into_memory": "b = ctypes.create_string_buffer(b'broken'); v = struct.pack('QQ', "
    "ctypes.addressof(b), 6); raw(311, VICTIM, v, 1, struct.pack('QQ', ADDRESS, 6), 1, 0)",
    "limit_victim": "resource.prlimit(VICTIM, resource.RLIMIT_NOFILE, (9, 9))",
    "renice_victim": "os.setpriority(os.PRIO_PROCESS, VICTIM, 19)",
    "signal_parent": "os.kill(PARENT, 0); reached('parent')",
    "userfaultfd": "raw(323, 1) >= 0 and reached('userfaultfd')",
    "keyring": "raw(250, 0, -3, 1) >= 0 and reached('keyring')",
    "perf_event": "raw(298, struct.pack('II', 1, 128) + bytes(120), 0, -1, -1, 0) >= 0 and reached('perf')",
    "new_code_in_memory": "mmap.mmap(-1, 4096, prot=7); reached('code')",
    "own_limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9)); reached('limits')",
    "kill_prey": "os.kill(PREY, 9)",
    "new_namespace": "raw(272, 0x10000000) == 0 and reached('namespace')",
}
SETS = {**FILES, **PROCESSES, **NETWORK, **READING, **OTHERS}

# Each may end its process, or spoil what the next one would see, so each has a process of its own.
ALONE = {
    "replace_process": "os.execv('/bin/sh', ['sh', '-c', f'touch {P}'])",
    "at_exit": "atexit.register(open, P, 'w'); sys.exit()",
    "import_planted": "sys.path.insert(0, M); import planted; planted.go(P)",
    "every_descriptor": "[write(f) for f in range(256)]",
    "endless": "[0 for _ in iter(int, 1)]",
    "swallow_memory": "bytearray(100 << 30)",
    "flood": "[os.write(2, b'x' * 65536) for _ in range(800)]",
    "many_threads": "[threading.Thread(target=time.sleep, args=(60,)).start() for _ in range(20000)]",
    "message": "raise ValueError(open(SECRET).read())",
}

# Called with impossible arguments, a call that the kernel lets through complains about these.
RAW_CALLS = {
    **{"access": 21, "acct": 163, "add_key": 248, "bind": 49, "bpf": 321, "chdir": 80, "chmod": 90},
    **{"chown": 92, "chroot": 161, "connect": 42, "copy_file_range": 326, "creat": 85},
    **{"epoll_create1": 291, "execve": 59, "execveat": 322, "faccessat": 269, "fallocate": 285},
    **{"fanotify_init": 300, "fchmod": 91, "fchmodat": 268, "fchownat": 260},
    **{"flock": 73, "fsconfig": 431, "fsopen": 430, "ftruncate": 77, "futimesat": 261},
    **{"inotify_init1": 294, "io_setup": 206, "io_uring_setup": 425, "ioctl": 16, "ioprio_set": 251},
    **{"kcmp": 312, "keyctl": 250, "link": 86, "linkat": 265, "listen": 50, "lsetxattr": 189},
    **{"memfd_create": 319, "mkdirat": 258, "mknodat": 259, "mount": 165, "mount_setattr": 442},
    **{"move_mount": 429, "name_to_handle_at": 303, "open_by_handle_at": 304, "open_tree": 428},
    **{"openat2": 437, "pidfd_getfd": 438, "pidfd_open": 434, "pidfd_send_signal": 424, "pipe2": 293},
    **{"pivot_root": 155, "process_madvise": 440, "process_vm_readv": 310, "process_vm_writev": 311},
    **{"ptrace": 101, "quotactl": 179, "readlinkat": 267, "renameat2": 316, "request_key": 249},
    **{"rt_sigqueueinfo": 129, "sched_setaffinity": 203, "sched_setattr": 314, "sendmmsg": 307},
    **{"setdomainname": 171, "sethostname": 170, "setns": 308, "setpriority": 141, "settimeofday": 164},
    **{"signalfd4": 289, "socket": 41, "socketpair": 53, "splice": 275, "swapon": 167, "symlinkat": 266},
    **{"timer_create": 222, "timerfd_create": 283, "tkill": 200, "umount2": 166, "unlinkat": 263},
    **{"unshare": 272, "userfaultfd": 323, "utimensat": 280, "vmsplice": 278},
}

# Against files and processes of root these need root's rights, lock or no lock.
NEED_ROOT = {
    *("chmod", "utime", "kill_prey", "limit_victim", "perf_event", "ptrace", "read_parent_environ"),
    *("read_parent_memory", "renice_victim", "signal_parent", "write_into_memory"),
    *("raw acct", "raw fanotify_init", "raw fsopen", "raw move_mount", "raw pivot_root"),
    *("raw setdomainname", "raw sethostname"),
}
# A container may close these by itself.
NEED_FREEDOM = {*OTHERS, *(f"raw {name}" for name in RAW_CALLS), "io_uring", "raw_clone3"}

_SETTING = """
import asyncio, atexit, ctypes, fcntl, json, linecache, logging, mmap, multiprocessing, numpy, os, pathlib
import pty, resource, shutil, signal, socket, sqlite3, struct, subprocess, sys, tempfile, threading, time
import urllib.request
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
said = {}

def raw(number, *words):
    kept = [bytes(word) if isinstance(word, bytearray) else word for word in words]
    given = [ctypes.create_string_buffer(word) if isinstance(word, bytes) else ctypes.c_long(word)
             for word in kept]
    return libc.syscall(ctypes.c_long(number), *given)

def play(names):
    for name in names:
        space = dict(globals(), NAME=name, P=M + '/' + name, KEEP=M + '/keep/' + name)
        space['reached'] = lambda what, name=name: said.__setitem__(name, 'reached ' + str(what)[:80])

        def child(pid, path=space['P']):
            if pid == 0:
                try:
                    open(path, 'w').close()
                finally:
                    os._exit(0)
            pid > 0 and os.waitpid(pid, 0)

        def write(number):
            try:
                os.write(number, b'mark')
            except OSError:
                pass

        space.update(child=child, write=write)
        try:
            exec(PAYLOADS[name], space)
        except BaseException as error:
            said.setdefault(name, type(error).__name__)
            if name == 'message':
                raise

def sweep(calls):
    for name, number in calls.items():
        ctypes.set_errno(0)
        result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 6)
        said['raw ' + name] = 'refused' if result == -1 and ctypes.get_errno() in (1, 38) else 'reached'

class Model:
    classes_, feature_names_in_, n_features_in_ = [0, 1], ['x'], 1
    def predict(self, rows):
        return None
    def predict_proba(self, rows):
        play(AGAIN)
        return numpy.zeros((len(rows), 2))

sweep(CALLS)
play(FIRST)
os.write(2, b'\\n' + json.dumps(said).encode() + b'\\n')
model = Model()
"""


NO_LOCK = 'def lock(mode, readable):\n    return {"mode": mode, "layers": [], "missing": ["all"]}\n'


COMPANIONS = ("model_worker", "model_answers", "model_loaders", "model_room", "model_syscalls", "model_wire")


def use_lock(monkeypatch: pytest.MonkeyPatch, folder: Path, source: str) -> None:
    """Start workers whose files are the product's own, but for the lock."""
    folder.mkdir()
    sources = Path(model_process.__file__).parent
    for name in COMPANIONS:
        shutil.copy(sources / f"{name}.py", folder)
    shutil.copy(sources / "model_lock.py", folder / "real_lock.py")
    (folder / "model_lock.py").write_text(source)
    monkeypatch.setattr(model_process, "_WORKER", folder / "model_worker.py")


class Bomb:
    """An object whose loading runs a program."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __reduce__(self) -> tuple[object, ...]:
        return (eval, (f"[s := {{}}, exec({self.source!r}, s), s['model']][2]",))


class Site:
    """A folder, two sockets and a victim process: all that payloads aim at, and what became of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planted = {"keep", "secret", "planted.py"}
        folder.chmod(0o777)
        (folder / "keep").mkdir(mode=0o777)
        (folder / "keep").chmod(0o777)
        for name in SETS:
            (folder / "keep" / name).write_text("kept")
            (folder / "keep" / name).chmod(0o666)
        (folder / "keep" / "rmtree.d").mkdir()
        (folder / "secret").write_text("canary-of-the-secret")
        (folder / "planted.py").write_text("def go(path):\n    open(path, 'w').close()\n")
        self.before = self._kept()
        self.heard: set[str] = set()
        self.listener, self.packets = (
            socket.create_server(("127.0.0.1", 0)),
            socket.socket(type=socket.SOCK_DGRAM),
        )
        self.packets.bind(("127.0.0.1", 0))
        for ear in (self._hear, self._hear_packets):
            threading.Thread(target=ear, daemon=True).start()
        self._victims: list[subprocess.Popen[str]] = []
        self.prey = self._new_victim()[0]
        self.victim, self.address = self._new_victim()
        self.limits = resource.prlimit(self.victim.pid, resource.RLIMIT_NOFILE)
        self.priority = os.getpriority(os.PRIO_PROCESS, self.victim.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for open_socket in (self.listener, self.packets):
            open_socket.close()
        for victim in self._victims:
            victim.kill()
            victim.communicate()

    def _new_victim(self) -> tuple[subprocess.Popen[str], int]:
        """A process that may be touched, and where its memory says whether it was."""
        program = (
            "import ctypes, sys; b = ctypes.create_string_buffer(b'intact'); "
            "print(ctypes.addressof(b), flush=True); sys.stdin.readline(); print(b.value.decode())"
        )
        victim = subprocess.Popen(
            [sys.executable, "-I", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._victims.append(victim)
        assert victim.stdout is not None
        return victim, int(victim.stdout.readline())

    def program(self, *names: str, calls: dict[str, int] | None = None, again: tuple[str, ...] = ()) -> bytes:
        """A saved "model" that plays these payloads when loaded, and others when it scores."""
        setting = {
            "M": str(self.folder),
            "SECRET": str(self.folder / "secret"),
            "PORT": self.listener.getsockname()[1],
            "UDP": self.packets.getsockname()[1],
            "PARENT": os.getpid(),
            "VICTIM": self.victim.pid,
            "PREY": self.prey.pid,
            "ADDRESS": self.address,
            "TAG": self.folder.name,
            "PAYLOADS": SETS | ALONE,
            "FIRST": names,
            "AGAIN": again,
            "CALLS": calls or {},
        }
        head = "\n".join(f"{name} = {value!r}" for name, value in setting.items())
        return pickle.dumps(Bomb(head + _SETTING))

    def marks(self, said: dict[str, str]) -> set[str]:
        """The payloads that had an effect."""
        found = {name for name, words in said.items() if words.startswith("reached")}
        found |= {
            path.name.partition(".")[0] for path in self.folder.iterdir() if path.name not in self.planted
        }
        now = self._kept()
        found |= {name.partition(".")[0] for name, state in self.before.items() if now.get(name) != state}
        return found | self.heard | self._victim_marks()

    def _victim_marks(self) -> set[str]:
        found = set() if self.prey.poll() is None else {"kill_prey"}
        if resource.prlimit(self.victim.pid, resource.RLIMIT_NOFILE) != self.limits:
            found.add("limit_victim")
        if os.getpriority(os.PRIO_PROCESS, self.victim.pid) != self.priority:
            found.add("renice_victim")
        out, _ = self.victim.communicate("\n", timeout=10)
        return found if out.strip() == "intact" else found | {"write_into_memory"}

    def _kept(self) -> dict[str, tuple[Any, ...]]:
        paths = (self.folder / "keep").iterdir()
        stats = {path.name: path.stat() for path in paths}
        return {name: (s.st_size, s.st_mode, s.st_mtime, s.st_uid) for name, s in stats.items()}

    def _hear(self) -> None:
        while True:
            try:
                talk, _ = self.listener.accept()
                with talk:
                    talk.settimeout(5)
                    words = talk.recv(4096)
                    words += (
                        talk.recv(4096) if words.startswith(b"POST") and words.endswith(b"\r\n\r\n") else b""
                    )
            except TimeoutError:
                continue
            except OSError:
                return
            self.heard.add(words.decode().splitlines()[-1])

    def _hear_packets(self) -> None:
        while True:
            try:
                self.heard.add(self.packets.recv(100).decode())
            except OSError:
                return


def told(stderr: bytes) -> dict[str, str]:
    """What the payloads said of themselves on standard error, in one whole line."""
    for line in stderr.decode(errors="replace").splitlines():
        if line.startswith("{") and line.endswith("}"):
            said: dict[str, str] = json.loads(line)
            return said
    return {}
