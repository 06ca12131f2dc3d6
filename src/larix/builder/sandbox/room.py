"""The files, network and names that one build sees.

Runs in the process that becomes the first of the build's own process namespace, while it still has every
right over its new namespaces. What a build sees is listed here and nowhere else: the root is an empty
memory file system, and only what is mounted on it exists.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import os
import struct

from . import syscalls as sys_
from .syscalls import SetupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .request import Request

__all__ = [
    "bind",
    "enter_room",
    "enter_view",
    "isolate",
    "make_devices",
    "mount_proc",
    "move_into",
    "restrict",
]

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
)
_TMP = "/tmp"  # noqa: S108 - its name inside the room
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_S_IFMT = 0o170000
_S_IFDIR = 0o040000
_S_IFLNK = 0o120000
_PRIVATE_ATTRIBUTES = sys_.MOUNT_ATTR_NOSUID | sys_.MOUNT_ATTR_NODEV
_INPUT_ATTRIBUTES = _PRIVATE_ATTRIBUTES | sys_.MOUNT_ATTR_RDONLY


def isolate(*, host_network: bool) -> None:
    """Leave the host's mounts, names, message queues and, unless `host_network`, its network."""
    flags = sys_.CLONE_NEWNS | sys_.CLONE_NEWIPC | sys_.CLONE_NEWUTS
    if not host_network:
        flags |= sys_.CLONE_NEWNET
    try:
        sys_.unshare(flags | sys_.CLONE_NEWCGROUP, "")
    except SetupError as error:
        if error.errno == errno.EINVAL:
            sys_.unshare(flags, "mount, ipc, uts and network namespaces")
        else:
            raise SetupError(
                "unshare(mount, ipc, uts, network and cgroup namespaces)", error.errno or 0
            ) from error
    sys_.mount(None, "/", None, sys_.MS_REC | sys_.MS_PRIVATE)
    sys_.set_host_name("localhost")
    sys_.set_domain_name("(none)")
    if not host_network:
        _raise_loopback()


def _raise_loopback() -> None:
    """Bring the interface `lo` up; it is all the network there is."""
    channel = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        answer = fcntl.ioctl(channel.fileno(), _SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack_from("H", answer, 16)[0]
        fcntl.ioctl(channel.fileno(), _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))
    except OSError as error:
        raise SetupError("ioctl(SIOCSIFFLAGS)", error.errno or 0, "lo") from error
    finally:
        channel.close()


def enter_room(request: Request) -> None:
    """Make the build's root and move into it, leaving nothing of the host's root reachable.

    A program sees its inputs in the store and writes its outputs there. A builtin, larix's own code, sees the
    whole store, one mount whatever the number of inputs, and its current folder is the scratch folder.
    """
    is_builtin = request["builtin"] is not None
    root = request["root"]
    store = root + request["store_dir"]
    sys_.mount("larix-build", root, "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, "mode=0755")
    for folder in ("/dev", "/proc", "/etc", _TMP):
        os.mkdir(root + folder)
    sys_.mount(request["scratch"], root + _TMP, None, sys_.MS_BIND)
    restrict(root + _TMP, _PRIVATE_ATTRIBUTES)
    os.makedirs(store)  # after /tmp, for a store may lie below it
    if is_builtin:
        sys_.mount(request["source"], store, None, sys_.MS_BIND | sys_.MS_REC)
        _restrict_all(store)
    else:
        sys_.mount(request["outputs"], store, None, sys_.MS_BIND)
        _bind_inputs(request["source"], store, request["inputs"])
    make_devices(root + "/dev")
    mount_proc(root + "/proc")
    for name, contents in request["etc"].items():
        with open(f"{root}/etc/{name}", "xb") as file:
            file.write(contents)
    for source, name in request["binds"]:
        place = root + name
        os.makedirs(os.path.dirname(place), exist_ok=True)
        bind(source, place)
        restrict(place, _INPUT_ATTRIBUTES)
    move_into(root)
    if is_builtin:
        os.chdir(_TMP)


def _restrict_all(place: str) -> None:
    """Restrict the mount at `place`, and what is mounted below where the kernel can do that."""
    try:
        sys_.mount_setattr(place, recursive=True, add=_INPUT_ATTRIBUTES)
    except SetupError as error:
        if error.errno not in {errno.ENOSYS, errno.EPERM}:
            raise
        restrict(place, _INPUT_ATTRIBUTES)


def enter_view(request: Request) -> int:
    """Keep the host's files in sight, none writable but two folders; give one of them, `shared`, opened.

    The other is the scratch folder, which becomes the current one. Neither can be reached by name any more
    once all rights are gone.

    For the one builtin that fetches from the host too: it runs larix's own code, which is loaded already,
    under the build user.
    """
    scratch = request["scratch"]
    writable = (scratch, request["shared"])
    for folder in writable:
        sys_.mount(folder, folder, None, sys_.MS_BIND)
    try:
        sys_.mount_setattr("/", recursive=True, add=_INPUT_ATTRIBUTES & ~sys_.MOUNT_ATTR_NODEV)
        for folder in writable:
            sys_.mount_setattr(folder, remove=sys_.MOUNT_ATTR_RDONLY)
    except SetupError as error:
        if error.errno != errno.ENOSYS:
            raise
    mount_proc("/proc")
    os.chdir(scratch)
    return os.open(request["shared"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def mount_proc(place: str, options: str = "hidepid=2") -> None:
    """Show the build its own processes, and not the first one, whose command line names host files."""
    flags = sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC
    sys_.mount("proc", place, "proc", flags, options)


def bind(source: str, place: str) -> None:
    """Show the file or folder `source` at `place`; a link is copied, for none can be bound.

    What an earlier build had there may still be in place: an empty file or folder, or the same link.
    """
    try:
        kind = os.lstat(source).st_mode & _S_IFMT
    except OSError as error:
        raise SetupError("lstat", error.errno or 0, source) from error
    try:
        if kind == _S_IFLNK:
            os.symlink(os.readlink(source), place)
        elif kind == _S_IFDIR:
            os.mkdir(place, 0o755)
        else:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(place, flags, 0o644))
    except FileExistsError as error:
        there = os.lstat(place).st_mode & _S_IFMT
        if there != kind or (kind == _S_IFLNK and os.readlink(place) != os.readlink(source)):
            raise SetupError("mount(bind)", error.errno or 0, place) from error
    if kind != _S_IFLNK:
        sys_.mount(source, place, None, sys_.MS_BIND | sys_.MS_REC)


def _bind_inputs(source: str, store: str, inputs: tuple[str, ...]) -> None:
    """Show each of `inputs` read-only in the folder `store`, which itself stays writable."""
    for name in inputs:
        bind(f"{source}/{name}", f"{store}/{name}")
    try:
        sys_.mount_setattr(store, recursive=True, add=_INPUT_ATTRIBUTES)
        sys_.mount_setattr(store, remove=sys_.MOUNT_ATTR_RDONLY)
    except SetupError as error:
        if error.errno not in {errno.ENOSYS, errno.EPERM}:
            raise
    else:
        return
    for name in inputs:
        if os.path.ismount(f"{store}/{name}"):
            restrict(f"{store}/{name}", _INPUT_ATTRIBUTES)
    restrict(store, _PRIVATE_ATTRIBUTES)


def restrict(place: str, attributes: int) -> None:
    """Add `attributes` to the mount at `place`; never takes any away.

    Kernels before 5.12 can only replace all of them, and refuse when a locked one would be lost: hence the
    reading of those that are set.
    """
    try:
        sys_.mount_setattr(place, add=attributes)
    except SetupError as error:
        if error.errno not in {errno.ENOSYS, errno.EPERM}:
            raise
    else:
        return
    kept = os.statvfs(place).f_flag
    flags = kept & (
        sys_.MS_RDONLY
        | sys_.MS_NOSUID
        | sys_.MS_NODEV
        | sys_.MS_NOEXEC
        | sys_.MS_NOATIME
        | sys_.MS_NODIRATIME
    )
    if kept & 4096:  # what statvfs calls ST_RELATIME
        flags |= sys_.MS_RELATIME
    elif not kept & sys_.MS_NOATIME:
        flags |= sys_.MS_STRICTATIME
    sys_.mount(None, place, None, sys_.MS_BIND | sys_.MS_REMOUNT | flags | attributes)


def make_devices(dev: str, source: str = "/dev") -> None:
    """Fill the folder `dev` with those of `source` that any process may use."""
    for name in _DEVICES:
        if name == "tty" and not os.path.exists(f"{source}/tty"):
            continue  # some containers have none, and a build has no terminal anyway
        place = f"{dev}/{name}"
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
        sys_.mount(f"{source}/{name}", place, None, sys_.MS_BIND)
    for name, target in _DEVICE_LINKS:
        os.symlink(target, f"{dev}/{name}")
    os.mkdir(f"{dev}/shm")
    os.mkdir(f"{dev}/pts")
    flags = sys_.MS_NOSUID | sys_.MS_NOEXEC
    sys_.mount("shm", f"{dev}/shm", "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, "mode=1777")
    sys_.mount("devpts", f"{dev}/pts", "devpts", flags, "newinstance,ptmxmode=0666,mode=0620")


def move_into(root: str, attributes: int = _INPUT_ATTRIBUTES) -> None:
    """Make `root` the root of this mount namespace, let go of the old one, and restrict it: to reading."""
    os.chdir(root)
    sys_.pivot_root(".", ".")
    sys_.detach(".")
    os.chdir("/")
    restrict("/", attributes)
