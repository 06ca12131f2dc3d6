"""Build users: no two builds that run at once share one.

If the group `larixbuild` has members, they are the pool, and larix never uses another user. A group that the
operator names instead must have some. Otherwise user ids are taken from a high range that nobody is given by
ordinary means. One lock file for each id, under the state directory, is held with `flock` by larix and by the
build's keeper: it becomes free when both are gone.
"""

from __future__ import annotations

import fcntl
import os
from typing import NamedTuple

from larix.errors import LarixError
from larix.words import tr

__all__ = ["BUILD_GROUP", "BuildUser", "NoBuildUsers", "UserPool", "build_users"]

BUILD_GROUP = "larixbuild"
_FIRST_UID = 889_192_448  # 0x35000000, away from what subuid files and other build systems hand out
_COUNT = 256


class NoBuildUsers(LarixError):
    """The group that the operator has named is none, or is empty."""

    def __init__(self, group: str, *, is_there: bool) -> None:
        text = (
            tr("the group `{group}` (build-users-group) has no members to run builds as", group=group)
            if is_there
            else tr("there is no group `{group}` (build-users-group) to run builds as", group=group)
        )
        hint = tr("make its users with `larix daemon install --build-users-group={group}`", group=group)
        super().__init__(text, hint=hint)


class BuildUser(NamedTuple):
    """A user id and group id that are ours alone while `lock`, an open file, is held."""

    uid: int
    gid: int
    lock: int


class UserPool:
    """Hands out build users to a process that is root. Making one raises NoBuildUsers."""

    def __init__(self, state_dir: str, group: str = BUILD_GROUP) -> None:
        self._folder = state_dir + "/userpool"
        members = build_users(group)
        self._is_private = members is None
        self._candidates = _range_of_ids() if members is None else members
        self._spare: list[BuildUser] = []
        self._is_ready = False

    @property
    def is_usable(self) -> bool:
        """False for a root who has no other user's id: that of a namespace which maps it alone."""
        return bool(self._candidates)

    def acquire(self) -> BuildUser | None:
        """A user nobody else builds as; None when all are taken."""
        if self._spare:
            return self._spare.pop()
        if not self._is_ready:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            self._is_ready = True
        for uid, gid in self._candidates:
            lock = os.open(
                f"{self._folder}/{uid}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            return BuildUser(uid, gid, lock)
        return None

    def release(self, user: BuildUser) -> None:
        """Give back a user none of whose processes is left."""
        if self._is_private:
            self._spare.append(user)  # the range is wide: kept for the next build of this session
        else:
            os.close(user.lock)

    def close(self) -> None:
        for user in self._spare:
            os.close(user.lock)
        self._spare.clear()


def build_users(name: str) -> list[tuple[int, int]] | None:
    """The members of the group of build users; None when nobody has made that, or put anybody in it.

    Raises NoBuildUsers for another group than larix's own, since whoever has named one believes in it.
    """
    import grp
    import pwd

    try:
        group = grp.getgrnam(name)
    except KeyError:
        if name != BUILD_GROUP:
            raise NoBuildUsers(name, is_there=False) from None
        return None
    users: list[tuple[int, int]] = []
    for member in group.gr_mem:
        try:
            users.append((pwd.getpwnam(member).pw_uid, group.gr_gid))
        except KeyError:
            continue
    if not users and name != BUILD_GROUP:
        raise NoBuildUsers(name, is_there=True)
    return users or None


def _range_of_ids() -> list[tuple[int, int]]:
    """Ids of the high range; in a container that maps fewer ids, the highest ones below 65,000; or none."""
    for first in (_FIRST_UID, 65_000 - _COUNT):
        if _is_mapped("/proc/self/uid_map", first) and _is_mapped("/proc/self/gid_map", first):
            return [(number, number) for number in range(first, first + _COUNT)]
    return []


def _is_mapped(file: str, first: int) -> bool:
    try:
        with open(file, encoding="ascii") as lines:
            for line in lines:
                inside, _outside, count = map(int, line.split())
                if inside <= first and first + _COUNT <= inside + count:
                    return True
    except OSError:
        return True
    return False
