"""What stands in the way when a host cannot make a room for builds, and how to mend it."""

from __future__ import annotations

import errno
import os

from larix.errors import LarixError
from larix.words import mark, tr

__all__ = ["SandboxUnavailable"]

_APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
_UNPRIVILEGED = "/proc/sys/kernel/unprivileged_userns_clone"
_MAXIMUM = "/proc/sys/user/max_{kind}_namespaces"
_KINDS = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")


class SandboxUnavailable(LarixError):
    """This host refused a step in isolating a build; nothing was run without isolation."""

    exit_code = 100

    def __init__(self, step: str, number: int, detail: str = "") -> None:
        where = tr(" of `{detail}`", detail=detail) if detail else ""
        name = errno.errorcode.get(number, str(number))
        cause, hint = explain(step, number)
        message = tr(
            "cannot isolate builds: {step}{where} failed: {problem} ({code})",
            step=step,
            where=where,
            problem=os.strerror(number),
            code=name,
        )
        super().__init__(f"{message}; {cause}" if cause else message, hint=hint)
        self.step = step
        self.number = number


def explain(step: str, number: int) -> tuple[str | None, str | None]:
    """The likely cause, as far as this host shows it, and what to do."""
    if step.startswith("unshare"):
        return _explain_unshare(number)
    if step == "mount(proc)":
        return (
            tr("the host shows only a part of /proc to this container"),
            tr("run the container with an unmasked /proc (Docker: `--security-opt systempaths=unconfined`)"),
        )
    if step.startswith(("mount", "pivot_root", "umount2")) and number in {errno.EPERM, errno.EACCES}:
        return (
            tr("a container or security module forbids mounts"),
            (
                tr(
                    "run as root with CAP_SYS_ADMIN (Docker: `--cap-add SYS_ADMIN"
                    " --security-opt apparmor=unconfined`)"
                )
            ),
        )
    if step in {"setresuid", "chown"} and number == errno.EINVAL:
        return (
            tr("the ids of build users are not mapped here"),
            tr("create the group `larixbuild` with some users as members"),
        )
    if step.startswith("write(/proc/self/") and number == errno.EPERM:
        return tr("the user may not map itself into a user namespace"), tr(_CONTAINER_HINT)
    return None, None


_CONTAINER_HINT = mark(
    "in a container, allow it to make namespaces"
    " (Docker and Podman: `--security-opt seccomp=unconfined`, or `--privileged`)"
)


def _explain_unshare(number: int) -> tuple[str | None, str | None]:
    if number in {errno.ENOSPC, errno.EUSERS}:
        for kind in _KINDS:
            file = _MAXIMUM.format(kind=kind)
            if _read(file) == "0":
                return tr("`{file}` is 0", file=file), tr(
                    "as root: `sysctl user.max_{kind}_namespaces=10000`", kind=kind
                )
        return tr("the limit on namespaces is reached"), tr("see `sysctl -a | grep 'user.max_.*_namespaces'`")
    if number not in {errno.EPERM, errno.EACCES}:
        if number in {errno.EINVAL, errno.ENOSYS}:
            return tr("this kernel was built without some kind of namespace"), tr(
                "use a kernel with all namespaces"
            )
        return None, None
    if os.geteuid() == 0 and not _has_admin_capability():
        return tr("root lacks CAP_SYS_ADMIN here"), tr(
            "give the container CAP_SYS_ADMIN, or run as an ordinary user"
        )
    if _read(_UNPRIVILEGED) == "0":
        return (
            tr("`kernel.unprivileged_userns_clone` is 0"),
            tr("as root: `sysctl kernel.unprivileged_userns_clone=1`, or run larix as root"),
        )
    if _read(_APPARMOR) == "1":
        return (
            tr("AppArmor restricts user namespaces (`kernel.apparmor_restrict_unprivileged_userns` is 1)"),
            tr("as root: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or run larix as root"),
        )
    return tr("most likely the container's system call filter forbids it"), tr(_CONTAINER_HINT)


def _has_admin_capability() -> bool:
    for line in (_read("/proc/self/status") or "").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> 21 & 1)
    return True


def _read(file: str) -> str | None:
    try:
        with open(file, encoding="ascii", errors="replace") as text:
            return text.read().strip()
    except OSError:
        return None
