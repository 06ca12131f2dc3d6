"""Giving up every right for good, as the last step before a build begins.

Inside, a build is user 1000 and group 100 whoever it is outside. The order matters and each step depends on
the one before: groups, then group, then user (keeping capabilities for one more step), then a user
namespace that maps that user alone, then the capabilities themselves, then `no_new_privs` and the filter.
"""

from __future__ import annotations

import errno
import os

from . import syscalls as sys_
from .syscalls import SetupError

__all__ = ["INSIDE_GID", "INSIDE_UID", "become", "enter_user_namespace", "forbid_user_namespaces", "renounce"]

INSIDE_UID = 1000
INSIDE_GID = 100
_CAP_LAST_POSSIBLE = 63


def enter_user_namespace(
    other: int = 0, what: str = "user namespace", *, inside: tuple[int, int] = (INSIDE_UID, INSIDE_GID)
) -> None:
    """Enter a new user namespace, and those of the flags `other`, seen inside as the ids of `inside`.

    The caller's own ids are the only ones mapped, which needs no right outside.
    """
    uid, gid = os.geteuid(), os.getegid()
    sys_.unshare(sys_.CLONE_NEWUSER | other, what)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/gid_map", f"{inside[1]} {gid} 1")
    _write("/proc/self/uid_map", f"{inside[0]} {uid} 1")


def _write(file: str, text: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode("ascii"))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SetupError(f"write({file})", error.errno or 0, text) from error


def become(uid: int, gid: int) -> None:
    """From root to the build user, in no other group; the capabilities stay for one more step."""
    try:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        sys_.prctl(sys_.PR_SET_KEEPCAPS, 1, "PR_SET_KEEPCAPS")
        os.setresuid(uid, uid, uid)
    except SetupError:
        raise
    except OSError as error:
        raise SetupError("setresuid", error.errno or 0, f"uid {uid}, gid {gid}") from error
    sys_.set_capabilities(sys_.permitted_capabilities())
    # Changing the user made /proc/self root's; the namespace's maps are written there next.
    sys_.prctl(sys_.PR_SET_DUMPABLE, 1, "PR_SET_DUMPABLE")


def forbid_user_namespaces() -> None:
    """Let nobody below make another user namespace, in which all capabilities would be back."""
    _write("/proc/sys/user/max_user_namespaces", "0")


def renounce() -> None:
    """Drop all capabilities from all five sets and forbid that any file gives new ones."""
    for capability in range(_CAP_LAST_POSSIBLE + 1):
        try:
            sys_.prctl(sys_.PR_CAPBSET_DROP, capability, "PR_CAPBSET_DROP")
        except SetupError as error:
            if error.errno == errno.EINVAL:  # past the last one this kernel knows
                break
            raise
    sys_.prctl(sys_.PR_CAP_AMBIENT, sys_.PR_CAP_AMBIENT_CLEAR_ALL, "PR_CAP_AMBIENT")
    sys_.set_capabilities(0)
    sys_.prctl(sys_.PR_SET_NO_NEW_PRIVS, 1, "PR_SET_NO_NEW_PRIVS")
