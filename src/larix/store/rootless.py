"""An ordinary user's own store, at `/larix/store`, without any set-up of the machine.

Store paths are part of what is built, so the store must be seen at one place by everybody, and only root can
make `/larix`. But any user may have a user and a mount namespace: this process moves into a root of its own
that shows all of the host's root directory, and in it the user's data directory as `/larix`. Programs started
from there see the same. Nothing of this is seen outside, nothing is left when the last process ends.

The user remains who he is: his number maps to itself, and capabilities are given up at the end. Files of
others appear as those of nobody; that is what a namespace of a single user looks like.

ctypes is imported only here, and only when it is needed: the standard library of 3.11 has no `unshare`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from larix.store.errors import StoreError, StoreUnusable, os_failure, quoted
from larix.words import tr

if TYPE_CHECKING:
    import ctypes

__all__ = ["NamespacesUnavailable", "enter_rootless_store", "is_inside", "rootless_data_dir"]

MOUNT_POINT = "/larix"

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_NOSUID, _MS_NODEV = 0x2, 0x4
_MS_BIND, _MS_REC, _MS_UNBINDABLE, _MS_SLAVE = 0x1000, 0x4000, 0x20000, 0x80000
_MNT_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
_CAPABILITY_VERSION_3 = 0x20080522


class NamespacesUnavailable(StoreError):
    """This machine does not let an ordinary user have namespaces; says which switch is off."""


def rootless_data_dir(environ: Mapping[str, str] | None = None) -> str:
    """Where an ordinary user's store is kept: `larix` in the XDG data directory."""
    variables = os.environ if environ is None else environ
    base = variables.get("XDG_DATA_HOME", "")
    if not base.startswith("/"):  # the specification: a relative one is to be ignored
        home = variables.get("HOME", "")
        if not home.startswith("/"):
            raise StoreUnusable(
                tr("cannot tell where your store is: neither HOME nor XDG_DATA_HOME is set"),
                hint=tr("set HOME to your home directory"),
            )
        base = home + "/.local/share"
    return os.path.normpath(base) + "/larix"


def is_inside(data_dir: str) -> bool:
    """Whether this process already sees `data_dir` as `/larix`."""
    try:
        return os.path.samefile(MOUNT_POINT, data_dir)
    except OSError:
        return False


def enter_rootless_store(environ: Mapping[str, str] | None = None) -> str:
    """Move this process to where the user's own store is `/larix`; returns the directory that is shown there.

    Does nothing when already there. The process must have one thread; its working directory, open files and
    environment stay. Raises `NamespacesUnavailable` before anything was changed, when the kernel refuses the
    namespaces; a later failure leaves a process that should end.
    """
    data_dir = rootless_data_dir(environ)
    if is_inside(data_dir):
        return data_dir
    if len(os.listdir("/proc/self/task")) != 1:
        raise NamespacesUnavailable(tr("a process with several threads cannot enter a user namespace"))
    root = _make_directories(data_dir)
    kernel = _Kernel()
    uid, gid = os.geteuid(), os.getegid()
    directory = _working_directory()
    kernel.unshare(_CLONE_NEWUSER | _CLONE_NEWNS)
    _map_ids(uid, gid)
    # Mounts that the host makes later appear here too; ours never appear there.
    kernel.mount(None, "/", None, _MS_REC | _MS_SLAVE)
    kernel.mount("larix", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=1m")
    # Not to be found again inside the binds of the directories above it.
    kernel.mount(None, root, None, _MS_UNBINDABLE)
    _show_host(kernel, root)
    os.mkdir(root + MOUNT_POINT)
    kernel.mount(data_dir, root + MOUNT_POINT, None, _MS_BIND | _MS_REC)
    os.chdir(root)
    kernel.pivot_root(".", ".")
    kernel.unmount(".", _MNT_DETACH)
    os.chdir("/")
    kernel.drop_capabilities()
    with suppress(OSError):  # below the host's own /larix, or not to be entered: "/" is as good as any
        os.chdir(directory)
    return data_dir


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"  # removed meanwhile


def _make_directories(data_dir: str) -> str:
    """The user's store, its state, and the place where the new root is put together."""
    root = data_dir + "/.root"
    for name in (data_dir, root):
        try:
            os.makedirs(name, mode=0o755, exist_ok=True)
        except OSError as error:
            raise os_failure(tr("create"), name, error) from error
    return root


def _map_ids(uid: int, gid: int) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        file = f"/proc/self/{name}"
        try:
            with open(file, "w", encoding="ascii") as stream:
                stream.write(text)
        except OSError as error:
            raise _refusal(tr("writing {file}", file=file), error.errno or 0) from error


def _show_host(kernel: _Kernel, root: str) -> None:
    """Everything in `/` at the same place below `root`, mounts below included; all but `/larix`."""
    with os.scandir("/") as found:
        entries = list(found)
    for entry in entries:
        if entry.path == MOUNT_POINT:
            continue
        target = root + entry.path
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(entry.path), target)
            continue
        if stat.S_ISDIR(mode):
            os.mkdir(target)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        kernel.mount(entry.path, target, None, _MS_BIND | _MS_REC)


class _Kernel:
    """The system calls that Python has no names for; each failure says which it was."""

    def __init__(self) -> None:
        import ctypes

        self._ctypes = ctypes
        self._libc = ctypes.CDLL(None, use_errno=True)

    def _check(self, result: int, what: str) -> None:
        if result != 0:
            raise _refusal(what, self._ctypes.get_errno())

    def unshare(self, flags: int) -> None:
        self._check(self._libc.unshare(flags), "unshare(CLONE_NEWUSER | CLONE_NEWNS)")

    def mount(
        self, source: str | None, target: str, kind: str | None, flags: int, data: str | None = None
    ) -> None:
        def encoded(text: str | None) -> bytes | None:
            return None if text is None else os.fsencode(text)

        result = self._libc.mount(
            encoded(source), encoded(target), encoded(kind), self._ctypes.c_ulong(flags), encoded(data)
        )
        self._check(result, f"mount({quoted(source or 'none')}, {quoted(target)})")

    def unmount(self, target: str, flags: int) -> None:
        self._check(self._libc.umount2(os.fsencode(target), flags), f"umount2({quoted(target)})")

    def pivot_root(self, new: str, old: str) -> None:
        machine = os.uname().machine
        number = _PIVOT_ROOT.get(machine)
        if number is None:
            raise NamespacesUnavailable(
                tr("larix does not know how to call pivot_root on {machine}", machine=machine)
            )
        call: Callable[..., int] = self._libc.syscall
        self._check(
            call(self._ctypes.c_long(number), os.fsencode(new), os.fsencode(old)),
            "pivot_root",
        )

    def drop_capabilities(self) -> None:
        """Be an ordinary process again: what follows must not rest on powers that no program after it has."""
        array: type[ctypes.Array[ctypes.c_uint32]] = self._ctypes.c_uint32 * 6
        header = (self._ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        self._check(self._libc.capset(header, array()), "capset")


# Switch, the value that refuses, the command that mends it.
_SYSCTLS = (
    ("kernel.unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    (
        "kernel.apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("user.max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=10000"),
    ("user.max_mnt_namespaces", "0", "sudo sysctl -w user.max_mnt_namespaces=10000"),
)


def _refusal(what: str, number: int, *, proc: str = "/proc") -> NamespacesUnavailable:
    """The error for a refused call, naming the switch that refused it as far as it can be told."""
    reason = tr(
        "{what} failed: {problem} ({code})",
        what=what,
        problem=os.strerror(number),
        code=errno.errorcode.get(number, number),
    )
    intro = tr("this machine does not give an ordinary user a store of his own: {reason}", reason=reason)
    for name, refusing, command in _SYSCTLS:
        value = _read_line(f"{proc}/sys/{name.replace('.', '/')}")
        if value == refusing:
            return NamespacesUnavailable(
                tr("{intro}; `{name}` is {value}", intro=intro, name=name, value=value),
                hint=tr("have an administrator run `{command}`, or run larix as root", command=command),
            )
    if number == errno.ENOSYS:
        return NamespacesUnavailable(
            tr("{intro}; the kernel is built without user namespaces", intro=intro),
            hint=tr("run larix as root"),
        )
    if number in {errno.ENOSPC, errno.EUSERS}:
        return NamespacesUnavailable(
            tr("{intro}; too many namespaces are in use, or they are nested more than 32 deep", intro=intro),
            hint=tr("raise the limit: `sudo sysctl -w user.max_user_namespaces=10000`"),
        )
    if _is_filtered(proc):
        return NamespacesUnavailable(
            tr("{intro}; a seccomp filter is on, as containers have", intro=intro),
            hint=tr(
                "start the container with a profile that allows `unshare` and `mount`"
                " (for instance `--security-opt seccomp=unconfined`), or run larix as its root"
            ),
        )
    return NamespacesUnavailable(
        tr("{intro}; no switch known to larix is off", intro=intro),
        hint=tr("in a chroot or a container the outer system decides; run larix as root there"),
    )


def _read_line(file: str) -> str | None:
    try:
        with open(file, encoding="ascii", errors="replace") as stream:
            return stream.readline().strip()
    except OSError:
        return None


def _is_filtered(proc: str) -> bool:
    try:
        with open(f"{proc}/self/status", encoding="ascii", errors="replace") as stream:
            return any(line.split() == ["Seccomp:", "2"] for line in stream)
    except OSError:
        return False
