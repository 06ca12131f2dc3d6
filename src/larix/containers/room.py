"""The root of a container, mounted by the process that becomes its first.

The host's root stands aside, as `/old`, while a new one is put together from it, and is let go of at the end.
Nothing is made on the host's disk, wherever the pieces come from: the store's folder serves as the first
mount point, for a moment and in this name space alone.
"""

from __future__ import annotations

import errno
import os
import stat

from larix.builder.sandbox import room
from larix.builder.sandbox import syscalls as sys_
from larix.builder.sandbox.syscalls import SetupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from larix.containers.shape import Container, Shown

__all__ = ["enter"]

_OLD, _NEW = "/old", "/new"
_TMP = "/tmp"  # noqa: S108 -- its name inside
_ATTRIBUTES = sys_.MOUNT_ATTR_NOSUID | sys_.MOUNT_ATTR_NODEV
_READ_ONLY = _ATTRIBUTES | sys_.MOUNT_ATTR_RDONLY
_DEVICE = sys_.MOUNT_ATTR_NOSUID | sys_.MOUNT_ATTR_RDONLY

# Root of the host keeps its number in a container, and these ask for nothing but the number.
_PROC_SETTINGS = ("acpi", "bus", "fs", "irq", "scsi", "sys", "sysrq-trigger")
_PROC_OF_THE_HOST = (
    *("kcore", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "sched_debug", "timer_list"),
)


def enter(container: Container, terminal: str | None) -> None:
    """Build the root and move into it. `terminal` is the device that /dev/console will be."""
    _step_aside(container.store_dir)
    os.mkdir(_NEW)
    _memory(_NEW, "0755")
    for name in ("/dev", "/proc", "/etc"):
        os.mkdir(_NEW + name)
    _folder(_TMP, "1777")
    _folder(container.identity.home, "0700" if container.identity.uid else "0755")
    _show_items(container)
    _make_devices(terminal)
    _mount_proc()
    for shown in container.shown:
        _show(shown)
    for name, contents in container.files:
        os.makedirs(os.path.dirname(_NEW + name), exist_ok=True)
        if not os.path.lexists(_NEW + name):
            with open(_NEW + name, "xb") as file:
                file.write(contents)
                os.fchmod(file.fileno(), 0o755 if contents.startswith(b"#!") else 0o644)
    for name, target in container.links:
        _link(name, target)
    room.move_into(_NEW, _ATTRIBUTES if container.writable_root else _READ_ONLY)


def _step_aside(anchor: str) -> None:
    """Move to an empty root, in which the host's is /old."""
    sys_.mount("larix", anchor, "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, "mode=0755")
    os.mkdir(anchor + _OLD)
    os.chdir(anchor)
    sys_.pivot_root(".", _OLD[1:])
    os.chdir("/")


def _memory(place: str, mode: str) -> None:
    sys_.mount("larix", place, "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, f"mode={mode}")


def _folder(name: str, mode: str) -> None:
    """A folder of its own, in memory; it can be written to even where the root cannot."""
    os.makedirs(_NEW + name, exist_ok=True)
    _memory(_NEW + name, mode)


def _show_items(container: Container) -> None:
    store = _NEW + container.store_dir
    os.makedirs(store, exist_ok=True)
    _memory(store, "0755")
    for item in container.items:
        room.bind(_OLD + item, _NEW + item)
    _restrict_all(store, _READ_ONLY)


def _restrict_all(place: str, attributes: int) -> None:
    """Restrict the mount at `place` and all below it; an old kernel is told one by one."""
    try:
        sys_.mount_setattr(place, recursive=True, add=attributes)
    except SetupError as error:
        if error.errno not in {errno.ENOSYS, errno.EPERM}:
            raise
    else:
        return
    for point in _mount_points(place):
        room.restrict(point, attributes)


def _mount_points(place: str) -> list[str]:
    """The mounts at and below `place`, as the kernel lists them."""
    with open(f"{_OLD}/proc/self/mountinfo", "rb") as lines:
        found = [os.fsdecode(line.split()[4].decode("unicode_escape").encode("latin-1")) for line in lines]
    return [each for each in found if each == place or each.startswith(f"{place}/")]


def _make_devices(terminal: str | None) -> None:
    dev = f"{_NEW}/dev"
    room.make_devices(dev, f"{_OLD}/dev")
    names = [name for name in os.listdir(dev) if stat.S_ISCHR(os.lstat(f"{dev}/{name}").st_mode)]
    if terminal is not None and os.path.exists(_OLD + terminal):
        os.close(os.open(f"{dev}/console", os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        sys_.mount(_OLD + terminal, f"{dev}/console", None, sys_.MS_BIND)
        names.append("console")
    for name in names:
        room.restrict(f"{dev}/{name}", _DEVICE)  # their data may be written, their modes not changed


def _mount_proc() -> None:
    """The container's own processes, but not the first one, whose command line and files are the host's."""
    proc = f"{_NEW}/proc"
    try:
        room.mount_proc(proc, "hidepid=4")  # the same for root of the host, who is in the group that sees all
    except SetupError as error:
        if error.errno != errno.EINVAL:  # a kernel before 5.8
            raise
        room.mount_proc(proc)
    for name in _PROC_SETTINGS:
        if os.path.exists(f"{proc}/{name}"):
            sys_.mount(f"{proc}/{name}", f"{proc}/{name}", None, sys_.MS_BIND | sys_.MS_REC)
            room.restrict(f"{proc}/{name}", _READ_ONLY)
    for name in _PROC_OF_THE_HOST:
        if os.path.exists(f"{proc}/{name}"):
            sys_.mount(f"{_NEW}/dev/null", f"{proc}/{name}", None, sys_.MS_BIND)


def _show(shown: Shown) -> None:
    place = _NEW + shown.place
    os.makedirs(os.path.dirname(place), exist_ok=True)
    room.bind(_OLD + shown.source, place)
    attributes = _ATTRIBUTES if shown.writable else _READ_ONLY
    if shown.source.startswith("/dev/"):
        attributes &= ~sys_.MOUNT_ATTR_NODEV  # whoever asks for a device wants to use it
    _restrict_all(place, attributes)


def _link(name: str, target: str) -> None:
    """Make a link; the same one may be there already."""
    place = _NEW + name
    os.makedirs(os.path.dirname(place), exist_ok=True)
    try:
        os.symlink(target, place)
    except FileExistsError as error:
        if not os.path.islink(place) or os.readlink(place) != target:
            raise SetupError("symlink", error.errno or 0, name) from error
