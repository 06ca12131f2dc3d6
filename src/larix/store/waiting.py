"""Waiting for a lock that another process holds, and telling who that is.

Nobody is told of a wait that is over soon. After some seconds it is told once, with process, user and since
when, and then at long intervals. The kernel takes a lock away from who is gone, so what is waited for is
always alive.

A daemon works with its own rights for others: a session calls its process `larix:UID`, UID being its
client's. Any process may call itself so; nothing but what is told depends on it.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from larix.store.locks import lock_holder, try_lock
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from larix.store.layout import Layout

__all__ = [
    "Holder",
    "Patience",
    "holder_of",
    "name_process_for",
    "shown_holder",
    "tell_of_database",
    "user_name",
    "wait_for_lock",
]

FIRST_SECONDS = 3.0
AGAIN_SECONDS = 60.0
_DATABASE_SECONDS = 10.0
_RETRY_SECONDS = 0.05
_SESSION = re.compile(rb"larix:([0-9]{1,9})\n")


class Holder(NamedTuple):
    """Who holds a lock, as far as the kernel tells; `since` is in seconds since 1970."""

    pid: int | None = None
    user: str | None = None
    since: float | None = None


class Patience:
    """When to tell of one wait."""

    def __init__(self, now: float) -> None:
        self._next = now + FIRST_SECONDS

    def is_over(self, now: float) -> bool:
        """True when it is time to tell; the next time is a good while later."""
        if now < self._next:
            return False
        self._next = now + AGAIN_SECONDS
        return True


def holder_of(lock_file: str) -> Holder:
    """Who holds a lock whose file is made, or touched, by who takes it."""
    pid = lock_holder(lock_file)
    try:
        since: float | None = os.stat(lock_file).st_mtime
    except OSError:
        since = None
    return Holder(pid, None if pid is None else _user_of(pid), since)


def tell_of_database(layout: Layout, say: Callable[[str], object]) -> Callable[[float], None]:
    """What a database is to call while others write: silent for some seconds, then told now and then."""
    next_time = [_DATABASE_SECONDS]

    def on_busy(seconds: float) -> None:
        if seconds < next_time[0]:
            return
        next_time[0] = seconds + AGAIN_SECONDS
        pid = lock_holder(f"{layout.database_file}-shm", "POSIX")
        holder = Holder(pid, None if pid is None else _user_of(pid))
        say(tr("waiting for {holder}, which writes the store's database...", holder=shown_holder(holder)))

    return on_busy


def user_name(uid: int) -> str:
    """Of a user; the number of who has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _user_of(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            match = _SESSION.fullmatch(file.read(64))
        uid = os.stat(f"/proc/{pid}").st_uid if match is None else int(match[1])
    except OSError:
        return None
    return user_name(uid)


def name_process_for(uid: int) -> None:
    """Call this process a session for a user, in lists of processes and for who waits for it."""
    try:
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write(f"larix:{uid}")
    except OSError:
        return  # a help, no need


def shown_holder(holder: Holder) -> str:
    """As part of a sentence: "process 12 of ada, since 10:31:07"."""
    pid, user = holder.pid, holder.user
    if pid is None:
        return tr("another process")
    who = tr("process {pid}", pid=pid) if user is None else tr("process {pid} of {user}", pid=pid, user=user)
    if holder.since is None:
        return who
    is_today = time.time() - holder.since < 12 * 3600
    when = time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M", time.localtime(holder.since))
    return tr("{who}, since {when}", who=who, when=when)


def wait_for_lock(descriptor: int, lock_file: str, on_wait: Callable[[Holder], object] | None) -> None:
    """Take the lock when it becomes free; `on_wait` hears of a long wait."""
    patience = Patience(time.monotonic())
    while not try_lock(descriptor):
        if on_wait is not None and patience.is_over(time.monotonic()):
            on_wait(holder_of(lock_file))
        time.sleep(_RETRY_SECONDS)
