"""Build users: no two builds that run at once share one.

If the group `larixbuild`, or another that the operator names, has members, they are the pool, and larix never
uses another user. Otherwise user ids are taken from a high range that nobody is given by ordinary means. One
lock file for each id, under the state directory, is held with `flock` by larix and by the build's keeper: it
becomes free when both are gone.
"""

from __future__ import annotations

import fcntl
import os
from typing import NamedTuple

__all__ = ["BUILD_GROUP", "BuildUser", "UserPool"]

BUILD_GROUP = "larixbuild"
_FIRST_UID = 889_192_448  # 0x35000000, away from what subuid files and other build systems hand out
_COUNT = 256


class BuildUser(NamedTuple):
    """A user id and group id that are ours alone while `lock`, an open file, is held."""

    uid: int
    gid: int
    lock: int


class UserPool:
    """Hands out build users to a process that is root."""

    def __init__(self, state_dir: str, group: str = BUILD_GROUP) -> None:
        self._folder = state_dir + "/userpool"
        members = _group_members(group)
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


def _group_members(name: str) -> list[tuple[int, int]] | None:
    """The members of the group of build users; None when there is no such group, or nobody in it."""
    import grp
    import pwd

    try:
        group = grp.getgrnam(name)
    except KeyError:
        return None
    users: list[tuple[int, int]] = []
    for member in group.gr_mem:
        try:
            users.append((pwd.getpwnam(member).pw_uid, group.gr_gid))
        except KeyError:
            continue
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
