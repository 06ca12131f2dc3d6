"""System calls that the standard library of Python 3.11 lacks, with their numbers and flags.

Every function raises `SetupError`, which names the step; nothing here decides anything.
"""

from __future__ import annotations

import ctypes
import os

__all__ = ["SetupError"]

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_RELATIME = 1 << 21
MS_STRICTATIME = 1 << 24

MOUNT_ATTR_RDONLY = 1
MOUNT_ATTR_NOSUID = 2
MOUNT_ATTR_NODEV = 4
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2

SIGPIPE = 13
SIGXFSZ = 25
SIG_DFL = 0
SIG_IGN = 1

# Numbers of calls that the C library may not wrap; the same on x86_64 and, from 424 on, everywhere.
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}.get(os.uname().machine, 155)
_SYS_MOUNT_SETATTR = 442
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
_libc.signal.restype = ctypes.c_void_p


class SetupError(OSError):
    """A step in making a room failed; `step` says which, in the kernel's words."""

    def __init__(self, step: str, errno: int, detail: str = "") -> None:
        super().__init__(errno, os.strerror(errno))
        self.step = step
        self.detail = detail


def _check(result: int, step: str, detail: str = "") -> None:
    if result < 0:
        raise SetupError(step, ctypes.get_errno(), detail)


def unshare(flags: int, what: str) -> None:
    _check(_libc.unshare(flags), f"unshare({what})")


def set_namespace(descriptor: int, what: str) -> None:
    """Join the namespace that is open as `descriptor`."""
    _check(_libc.setns(descriptor, 0), f"setns({what})")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    result = _libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])
    _check(result, f"mount({kind or 'bind'})", target)


def mount_setattr(target: str, *, recursive: bool = False, add: int = 0, remove: int = 0) -> None:
    """Add and remove attributes of the mount at `target`, and with `recursive` of all mounts below it."""
    attributes = (ctypes.c_uint64 * 4)(add, remove, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        AT_FDCWD,
        os.fsencode(target),
        flags,
        attributes,
        ctypes.c_size_t(32),
    )
    _check(result, "mount_setattr", target)


def pivot_root(new_root: str, put_old: str) -> None:
    result = _libc.syscall(ctypes.c_long(_SYS_PIVOT_ROOT), os.fsencode(new_root), os.fsencode(put_old))
    _check(result, "pivot_root", new_root)


def detach(target: str) -> None:
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), "umount2", target)


def set_domain_name(name: str) -> None:
    text = os.fsencode(name)
    _check(_libc.setdomainname(text, ctypes.c_size_t(len(text))), "setdomainname")


def set_host_name(name: str) -> None:
    text = os.fsencode(name)
    _check(_libc.sethostname(text, ctypes.c_size_t(len(text))), "sethostname")


def prctl(option: int, argument: int, what: str) -> None:
    value = ctypes.c_ulong(argument)
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, value, zero, zero, zero), f"prctl({what})")


def set_capabilities(mask: int) -> None:
    """Make `mask` the permitted and the effective set, and nothing inheritable."""
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    _check(_libc.capset(header, data), "capset")


def permitted_capabilities() -> int:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()
    _check(_libc.capget(header, data), "capget")
    return int(data[1]) | int(data[4]) << 32


def install_filter(program: bytes) -> None:
    """Filter all later system calls of this process and its children by a BPF `program`."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    packed = Program(len(program) // 8, program)
    result = _libc.prctl(
        PR_SET_SECCOMP,
        ctypes.c_ulong(SECCOMP_MODE_FILTER),
        ctypes.byref(packed),
        ctypes.c_ulong(0),
        ctypes.c_ulong(0),
    )
    _check(result, "prctl(PR_SET_SECCOMP)")


def set_signal(number: int, action: int) -> None:
    _libc.signal(number, action)
