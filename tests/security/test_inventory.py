"""R11, V2, V18, V36: what a build is and may do, asked from inside by 140 probes, in every kind of build.

The same program asks as an ordinary user outside, where much succeeds: so it is known to be able to tell.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from errno import (
    EACCES,
    EAFNOSUPPORT,
    EBADF,
    ECONNREFUSED,
    EINVAL,
    ENETUNREACH,
    ENOENT,
    ENOSPC,
    ENOSYS,
    ENOTSUP,
    ENOTTY,
    ENXIO,
    EPERM,
    EROFS,
    ESRCH,
    EXDEV,
)
from pathlib import Path
from typing import NamedTuple

import pytest

from larix.builder import local, realise
from larix.derivation import derivation
from larix.protocol import BuildLog, BuildOptions, BuildTarget, Event
from larix.store import open_local_store
from security.den import (
    BYSTANDER,
    SYSTEM,
    Den,
    as_user,
    compiled,
    flat,
    needs_root,
    program_source,
)

pytestmark = pytest.mark.slow

PROMISE = b"as promised\n"
NO_CAPABILITY = "0" * 16
IPC_CREAT, IPC_RMID = 0o1000, 0
MQ_OPEN, MQ_UNLINK = 240, 241
HOST_FILES = (
    *("dev-kmsg", "dev-kvm", "dev-fuse", "dev-tun", "dev-console"),
    *("passwords", "home-of-root", "sys", "sockets-of-the-host"),
)

# What each probe must find: a text, or the errors of which it must be one.
EXPECTED: dict[str, str | tuple[int, ...]] = {
    # who
    "uids": "1000 1000 1000 1000",
    "gids": "100 100 100 100",
    "groups": "0",
    "status-Groups": "none",
    "become-root": (EINVAL, EPERM),
    "become-other": (EINVAL, EPERM),
    "become-group": (EINVAL, EPERM),
    "set-groups": (EPERM,),
    "setgroups": "deny",
    "map-again": (EPERM, EACCES),
    # rights
    **{f"status-Cap{kind}": NO_CAPABILITY for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")},
    "status-NoNewPrivs": "1",
    "status-Seccomp": "2",
    "take-capabilities": (EPERM,),
    "ambient-capability": (EPERM,),
    "bounding-set": "0",
    "allow-new-rights": (EINVAL,),
    "priority": (EACCES, EPERM),
    "real-time": (EPERM,),
    "core-limit": "0 0",
    "raise-core-limit": (EPERM,),
    "umask": "18",
    # network
    "interfaces": "lo",
    "reach-away": (ENETUNREACH,),
    "socket-raw": (EPERM,),
    "socket-packet": (EPERM,),
    "bind-low-port": (EACCES,),
    "reach-abstract": (ECONNREFUSED,),
    "change-interface": (EPERM,),
    # messages between processes
    "shared-memory": (ENOENT,),
    "queue": (ENOENT,),
    "shared-file": (ENOENT,),
    "dev-shm": "",
    # terminals
    "session": "1",
    "terminal-name": (ENOTTY,),
    "pseudo-terminal": "0",
    "push-key": (EPERM,),
    "push-key-high": (EPERM,),
    "push-key-standard-input": (EPERM,),
    "select-text": (EPERM,),
    "take-terminal": (ENOTTY, EPERM),
    "dev-tty": (ENXIO,),
    # names, descriptors, time
    "node": "localhost",
    "domain": "(none)",
    "descriptors": "0 1 2",
    "standard-input": "/dev/null",
    "set-clock": (EPERM,),
    "set-time": (EPERM,),
    "adjust-clock": (EPERM,),
    "host-name": (EPERM,),
    # the kernel's files
    "sysrq": (EACCES, ENOENT),
    "core-pattern": (EACCES,),
    "modprobe": (EACCES, ENOENT),
    "forwarding": (EACCES,),
    "kcore": (EACCES, ENOENT),
    "kmsg": (EACCES, EPERM),
    "first-root": (ENOENT,),
    "first-environment": (ENOENT,),
    "first-memory": (ENOENT,),
    "uevent": (EACCES, ENOENT, EROFS),
    "dev-mem": (ENOENT, EACCES),
    **dict.fromkeys(HOST_FILES, (ENOENT,)),
    # files
    "root": "dev etc proc tmp",
    "devices": "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero",
    "mounts-with-set-id": "0",
    "mounts-with-devices": "0",
    "set-uid": (EPERM,),
    "set-gid": (EPERM,),
    "sticky": "0",
    "give-away": (EINVAL, EPERM),
    "device": (EPERM,),
    "attribute": (ENOTSUP,),
    "attributes": (ENOTSUP,),
    "acl": (ENOTSUP,),
    "by-handle": (EPERM,),
    # system calls
    **dict.fromkeys(("openat2", "io-uring", "add-key", "request-key", "keyctl"), (ENOSYS,)),
    **dict.fromkeys(("bpf", "perf", "trace-first", "read-first", "reboot", "swap", "accounting"), (EPERM,)),
    **dict.fromkeys(("init-module", "kexec", "ports"), (EPERM, ENOSYS)),
    "kernel-log": (EPERM,),
    "watch-and-permit": (EPERM, ENOSYS),
    # name spaces
    "unshare-user": (ENOSPC,),
    "clone3-user": (ENOSPC,),
    **{f"unshare-{kind}": (EPERM,) for kind in ("mnt", "pid", "net", "ipc", "uts", "cgroup", "time")},
    "join-first": (ENOENT, EACCES),
    "more-namespaces": (EACCES,),
    # mounts
    **dict.fromkeys(
        (
            *("mount-tmpfs", "mount-bind", "remount-root", "remount-input", "remount-proc", "unmount-proc"),
            *("unmount-input", "chroot", "pivot-root", "open-tree", "fsopen", "mount-setattr"),
        ),
        (EPERM, ENOSYS),
    ),
    **dict.fromkeys(("write-root", "write-etc", "write-dev", "write-input", "chmod-input"), (EROFS,)),
    "rename-input": (EROFS, EXDEV),
}

# Where a kind of build is meant to be otherwise.
NETWORK: dict[str, str | tuple[int, ...]] = {"reach-away": (0, ENETUNREACH), "bind-low-port": (EACCES, 0)}
FIXED = NETWORK | {"reach-abstract": (EBADF, EAFNOSUPPORT)}
BUILTIN: dict[str, str | tuple[int, ...]] = {"signal-all": (ESRCH, 0), "rename-input": (EACCES, EROFS)}
VIEW = (
    BUILTIN
    | NETWORK
    | {
        **dict.fromkeys(HOST_FILES, (ENOENT, EACCES, 0, ENXIO, EROFS)),  # what any user sees there
        "shared-file": (0,),  # it may be read, as any file that all may read
        "reach-abstract": (0, ECONNREFUSED),  # larix's own code, which has no such sockets
        "sticky": (EBADF,),
        "give-away": (EBADF,),
        "device": (EROFS,),
        "dev-mem": (EACCES, ENOENT, EPERM),
        "sysrq": (EACCES, ENOENT, EROFS),
    }
)
NOT_IN_VIEW = {"root", "devices", "mounts-with-devices", "interfaces", "dev-shm"}
KINDS = ["ordinary", "fixed", "failed", "builtin", "download"]


class Outside(NamedTuple):
    """What a bystander has set up for builds to find."""

    words: str


@contextmanager
def outside() -> Iterator[Outside]:
    name = f"larix-test-{os.urandom(6).hex()}"
    libc = ctypes.CDLL(None, use_errno=True)
    key = int.from_bytes(os.urandom(3), "big") | 1 << 24
    segment = libc.shmget(key, 4096, IPC_CREAT | 0o666)
    before = os.umask(0)
    queue = libc.syscall(MQ_OPEN, name.encode(), os.O_RDWR | os.O_CREAT, 0o666, None)
    os.umask(before)
    shared = Path("/dev/shm", name)
    shared.write_text("shared")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name)
        try:
            yield Outside(f"{name} {name} {key} {name}")
        finally:
            shared.unlink()
            libc.shmctl(segment, IPC_RMID, None)
            os.close(queue)
            libc.syscall(MQ_UNLINK, name.encode())


def found_in(lines: list[str]) -> dict[str, str]:
    parts = [line.partition(" ") for line in lines]
    return {name: value for name, _, value in parts if name[:1].islower()}


def from_builder(den: Den, kind: str, words: str) -> dict[str, str]:
    text = f"$inventory {words} $(dirname $0); printf 'as promised\\n' > $out"
    text = text.replace("$(dirname $0)", f"{den.store_dir}/$shell")
    lowered = den.script(
        "inventory",
        f"shell=$(cd {den.store_dir}; echo *-shell); " + text + ("; exit 9" if kind == "failed" else ""),
        programs=["inventory"],
        fixed=flat(PROMISE) if kind == "fixed" else None,
    )
    told = den.build(lowered)
    assert ("exit code 9" in told.error) if kind == "failed" else not told.error
    return found_in(told.lines)


def from_builtin(den: Den, kind: str, words: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    builder = "builtin:download" if kind == "download" else "builtin:probe"
    monkeypatch.setitem(local._BUILTINS, builder.encode(), ("security.probing", "run"))
    tool = program_source(den.store_dir, "inventory", compiled("inventory"))
    lowered = derivation(
        "inventory",
        store_dir=den.store_dir,
        system=SYSTEM,
        builder=builder,
        env={"words": f"{tool.path} {words} {den.store_dir}"},
        sources=[tool],
        fixed=flat(PROMISE) if kind == "download" else None,
    )
    events: list[Event] = []
    with open_local_store(den.daemon.layout) as store:
        store.instantiate([lowered])
        realise(store, [BuildTarget(lowered.path)], BuildOptions(), events.append)
    return found_in([event.line.decode() for event in events if isinstance(event, BuildLog)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_build_is_and_may_no_more_than_this(den: Den, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with outside() as there:
        found = (
            from_builtin(den, kind, there.words, monkeypatch)
            if kind in {"builtin", "download"}
            else from_builder(den, kind, there.words)
        )
        check(found, kind)
        check_names(den, found, kind)


def check(found: dict[str, str], kind: str) -> None:
    others = {"fixed": FIXED, "builtin": BUILTIN, "download": VIEW}.get(kind, {})
    left_out = NOT_IN_VIEW if kind == "download" else {"interfaces"} if kind == "fixed" else set()
    wrong: dict[str, str] = {}
    probes = 0
    for name, expected in (EXPECTED | others).items():
        if name in left_out:
            continue
        value = found.get(name, "missing")
        probes += 1
        if name in {"root", "devices"}:
            value = " ".join(sorted(value.split()))
        is_right = (
            value == expected if isinstance(expected, str) else value in {str(each) for each in expected}
        )
        if not is_right:
            wrong[name] = f"{value}, expected {expected}"
    assert wrong == {}
    assert probes >= 110


def check_names(den: Den, found: dict[str, str], kind: str) -> None:
    """What differs from place to place."""
    for space in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"):
        same = os.readlink(f"/proc/self/ns/{space}") == found[f"namespace-{space}"]
        assert same == (space == "net" and kind in {"fixed", "download"}), space
    for ids in ("uid-map", "gid-map"):
        inside, outside_, count = [word for word in found[ids].split("_") if word]
        assert inside in {"1000", "100"}
        assert int(outside_) >= 60_000
        assert count == "1"
    assert 1 <= int(found["processes"]) <= 3
    if kind not in {"builtin", "download"}:
        fixed = {"NIX_OUTPUT_CHECKED"} if kind == "fixed" else set()
        assert set(found["environment"].split()) == fixed | {
            *("HOME", "PATH", "TERM", "SHLVL", "out", "inventory", "PWD", "TMP", "TEMP", "TMPDIR", "TEMPDIR"),
            *("NIX_STORE", "NIX_BUILD_CORES", "NIX_BUILD_TOP", "NIX_LOG_FD"),
            *("LARIX_STORE", "LARIX_BUILD_CORES", "LARIX_BUILD_TOP"),
        }


def test_the_probes_can_tell() -> None:
    """An ordinary user of the host succeeds where a build must not."""
    needs_root()
    program = compiled("inventory")
    with outside() as there:
        arguments = [program, *there.words.split(), "/usr"]

        def ask() -> str:
            import subprocess

            return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout

        found = found_in(as_user(BYSTANDER, ask).splitlines())
    for name in ("reach-abstract", "shared-memory", "queue", "shared-file", "sys", "openat2"):
        assert found[name] == "0", name
    assert found["uids"] == " ".join([str(BYSTANDER)] * 4)
    assert found["status-Seccomp"] == "0" or found["status-NoNewPrivs"] == "0"
    assert len(found["interfaces"].split()) >= 1
    with pytest.raises(AssertionError):
        check(found, "ordinary")


def test_a_failed_build_leaves_nothing_of_itself(den: Den) -> None:
    """No mount, no process, no folder, no message queue: what it had is gone with its name spaces."""
    before = Path("/proc/self/mountinfo").read_text().count("\n")
    text = "mkdir -p $out/deep; chmod 000 $out/deep; sleep 1000 & mkfifo pipe; ln -s /etc link; exit 9"
    told = den.build(den.script("failing", text))
    assert "exit code 9" in told.error
    assert Path("/proc/self/mountinfo").read_text().count("\n") == before
    assert list(den.builds.iterdir()) == []
    assert [name for name in os.listdir(den.store_dir) if name.endswith("-failing")] == []
