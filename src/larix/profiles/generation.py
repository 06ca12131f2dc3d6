"""Generations of a profile.

`PROFILE-N-link` points to generation N's store item, `PROFILE` to one of these links.

A link is replaced by making another under a temporary name, renaming it over the old one and syncing the
folder: after a crash at any step `PROFILE` is the old or the new generation. Numbers follow the current
generation, so after a roll-back the next change takes the number of the first undone one: the history stays a
line. Generation 0 is the empty profile; it exists once somebody has rolled back to it, and is never listed.

All functions take the absolute file name of the profile without resolving its last component.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, NamedTuple

from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from larix.formats.storepath import StorePath
    from larix.profiles.front import Facade

__all__ = [
    "BadPattern",
    "GenerationError",
    "Pattern",
    "ProfileLocked",
    "add_generation",
    "current_generation",
    "current_target",
    "delete_generation",
    "generation_link",
    "generation_target",
    "generation_time",
    "generations",
    "lock_profile",
    "matching_generations",
    "next_generation",
    "parse_duration",
    "parse_pattern",
    "previous_generation",
    "relative_generation",
    "replace_link",
    "switch_to",
    "sync_folder",
]


_MOST_DIGITS = 9


class GenerationError(LarixError):
    """The links of a profile are not as they should be, or the generation asked for is not there."""


class BadPattern(LarixError):
    """A generation pattern or duration that cannot be read."""


class ProfileLocked(LarixError):
    """Another process is changing the profile, and the time to wait for it is over."""

    temporary = True


def generation_link(profile: str, number: int) -> str:
    return f"{profile}-{number}-link"


def _number_of(profile: str, link_name: str) -> int | None:
    """The N of `PROFILE-N-link`, if that is what `link_name` (without folder) is."""
    stem = os.path.basename(profile)
    number = link_name[len(stem) + 1 : -len("-link")]
    if f"{stem}-{number}-link" != link_name or not (number.isascii() and number.isdigit()):
        return None
    is_canonical = len(number) <= _MOST_DIGITS and (number == "0" or number[0] != "0")
    return int(number) if is_canonical else None


def current_generation(profile: str) -> int:
    """The number `PROFILE` points to; 0 when there is none yet. `GenerationError` for a foreign file."""
    try:
        target = os.readlink(profile)
    except FileNotFoundError:
        return 0
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise GenerationError(
                tr("`{profile}' is not a profile", profile=profile),
                hint=tr("A profile is a symbolic link made by larix; choose another name for `--profile'."),
            ) from error
        raise
    number = _number_of(profile, os.path.basename(target))
    if number is None or os.path.normpath(
        os.path.join(os.path.dirname(profile), os.path.dirname(target))
    ) != (os.path.dirname(profile)):
        raise GenerationError(
            tr(
                "`{profile}' is a link to `{target}', not to a generation of a profile",
                profile=profile,
                target=target,
            )
        )
    return number


def generations(profile: str) -> list[int]:
    """All numbers that have a link, rising, generation 0 left out."""
    try:
        names = os.listdir(os.path.dirname(profile))
    except FileNotFoundError:
        return []
    numbers = (_number_of(profile, name) for name in names)
    return sorted(number for number in numbers if number)


def generation_target(profile: str, number: int) -> str | None:
    """What the generation's link holds, as written; None without such a generation."""
    try:
        return os.readlink(generation_link(profile, number))
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise GenerationError(
                tr("`{profile}' is not a symbolic link", profile=generation_link(profile, number))
            ) from error
        raise


def current_target(profile: str) -> str | None:
    """The target of the current generation; None when the profile does not exist or dangles."""
    if not os.path.islink(profile):
        current_generation(profile)
        return None
    return generation_target(profile, current_generation(profile))


def generation_time(profile: str, number: int) -> float:
    """When the generation was made, in seconds since the epoch."""
    return os.lstat(generation_link(profile, number)).st_mtime


def previous_generation(profile: str, number: int) -> int:
    """The highest existing number below `number`; 0 when there is none."""
    return max((other for other in generations(profile) if other < number), default=0)


def next_generation(profile: str, number: int) -> int | None:
    return min((other for other in generations(profile) if other > number), default=None)


def relative_generation(profile: str, steps: int) -> int | None:
    """The generation `steps` existing generations after (or before) the current one, if there is one."""
    number: int | None = current_generation(profile)
    for _ in range(abs(steps)):
        if number is None:
            return None
        number = (
            next_generation(profile, number) if steps > 0 else (previous_generation(profile, number) or None)
        )
    return number


def sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems without a folder sync
            raise
    finally:
        os.close(descriptor)


def replace_link(target: str, link: str) -> None:
    """Make `link` point to `target`, atomically and durably, whatever link stood there before.

    Callers hold the lock; a temporary link left by a killed process is taken over by the next one.
    """
    if os.path.lexists(link) and not os.path.islink(link):
        raise GenerationError(tr("`{link}' exists and is not a symbolic link", link=link))
    temporary = f"{link}.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(target, temporary)
    try:
        os.rename(temporary, link)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(os.path.dirname(link))


def add_generation(
    profile: str, item: StorePath, number: int, *, facade: Facade, protect: Callable[[str], None]
) -> None:
    """Make `item` generation `number`, without switching to it, and a root of the collector.

    The caller keeps `item` alive until then; `protect` registers an indirect root, given a link's name.
    """
    link = generation_link(profile, number)
    with facade.presenting(item, link, protect) as target:
        replace_link(target, link)


def switch_to(profile: str, number: int) -> None:
    """Make generation `number`, whose link must exist, the current one."""
    if not os.path.islink(generation_link(profile, number)):
        raise GenerationError(tr("cannot switch to generation '{number}'", number=number))
    replace_link(os.path.basename(generation_link(profile, number)), profile)


def delete_generation(profile: str, number: int) -> None:
    """Remove the link; the store item goes with the next collection. The current generation is refused."""
    if number == current_generation(profile):
        raise GenerationError(tr("generation {number} is current and cannot be deleted", number=number))
    with contextlib.suppress(FileNotFoundError):
        os.unlink(generation_link(profile, number))


class Pattern(NamedTuple):
    """Which generations are meant: explicit numbers, a range (ends included, None = open), or an age."""

    numbers: tuple[int, ...] = ()
    first: int | None = None
    last: int | None = None
    seconds: int | None = None


_UNITS = {"s": 1, "h": 3600, "d": 86400, "w": 7 * 86400, "m": 30 * 86400}


def parse_duration(text: str) -> int:
    """Seconds of `20d`, `2w`, `1m` (30 days), `12h`, `90s`."""
    count, unit = _natural(text[:-1]), text[-1:]
    if count is None or unit not in _UNITS:
        raise BadPattern(tr("{text} does not denote a duration", text=text))
    return count * _UNITS[unit]


def _natural(text: str) -> int | None:
    is_natural = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_natural else None


def parse_pattern(text: str) -> Pattern:
    numbers = [_natural(part) for part in text.split(",")]
    if None not in numbers:
        return Pattern(numbers=tuple(number for number in numbers if number is not None))
    start, dots, end = text.partition("..")
    if not dots:
        try:
            return Pattern(seconds=parse_duration(text))
        except BadPattern:
            raise BadPattern(tr("invalid syntax: {text}", text=text)) from None
    first, last = _natural(start), _natural(end)
    is_readable = (first is not None or not start) and (last is not None or not end)
    if not is_readable or (first is None and last is None):
        raise BadPattern(tr("invalid syntax: {text}", text=text))
    if first is not None and last is not None and first > last:
        raise BadPattern(tr("invalid syntax: {text}", text=text))
    return Pattern(first=first or 0, last=last)


def matching_generations(profile: str, pattern: Pattern, *, now: float, older: bool) -> list[int]:
    """The generations that `pattern` means; for a duration those older than it, or the younger ones."""
    existing = generations(profile)
    if pattern.numbers:
        return [number for number in existing if number in pattern.numbers]
    if pattern.seconds is not None:
        limit = now - pattern.seconds
        return [number for number in existing if (generation_time(profile, number) < limit) == older]
    first, last = pattern.first or 0, pattern.last
    return [number for number in existing if first <= number and (last is None or number <= last)]


@contextlib.contextmanager
def lock_profile(
    profile: str,
    *,
    waiting: Callable[[str], None],
    seconds: float | None = None,
    warn: Callable[[str], None],
    holder: Callable[[str], str] | None = None,
) -> Generator[None]:
    """Hold the kernel lock on `PROFILE.lock`; take it before reading anything the change depends on.

    When another process holds it, `waiting` is told once, and the lock is waited for, at most `seconds` if
    given (`ProfileLocked` then); `holder` gives words for who holds a lock file. The kernel frees a lock with
    its holder, however that ends, so the file stays, unless no profile came of it. Where no lock can be had
    (a file system without them, a file that is closed to us), `warn` is told and the change goes on.
    """
    file = f"{profile}.lock"
    descriptor = _taken_lock(profile, file, waiting=waiting, seconds=seconds, warn=warn, holder=holder)
    try:
        yield
    finally:
        if descriptor is not None:
            if not os.path.lexists(profile) and not generations(profile):
                with contextlib.suppress(OSError):
                    os.unlink(file)
            os.close(descriptor)


def _taken_lock(
    profile: str,
    file: str,
    *,
    waiting: Callable[[str], None],
    seconds: float | None,
    warn: Callable[[str], None],
    holder: Callable[[str], str] | None,
) -> int | None:
    """The open lock file, locked; None, after `warn` was told, where there can be no lock."""
    while True:
        try:
            descriptor = _open_lock(file)
        except PermissionError as error:
            warn(tr("cannot lock profile {profile}: {problem}", profile=profile, problem=error.strerror))
            return None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _wait_for_lock(descriptor, profile, waiting, seconds, holder)
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
                    raise
                warn(tr("cannot lock profile {profile}: {problem}", profile=profile, problem=error.strerror))
            if _is_still(descriptor, file):
                with contextlib.suppress(OSError):
                    os.utime(descriptor)  # since when it is held
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # who held it made no profile, and removed it


def _open_lock(file: str) -> int:
    """Open the lock file, made for all who may write to its folder: they may change the profile anyway.

    Where each may change only what is his (a folder like `/tmp`), so it is with the lock.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        # First without `O_CREAT`: the kernel refuses that for others' files in some folders.
        for how in (0, os.O_CREAT | os.O_EXCL):
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                descriptor = os.open(file, flags | how, 0o600)
                _share_lock(descriptor, os.stat(os.path.dirname(file)))
                return descriptor


def _share_lock(descriptor: int, folder: os.stat_result) -> None:
    """Let those who may write to `folder` open the lock, where it is ours to let them."""
    mode = 0o600 | (folder.st_mode & 0o020) * 3 | (folder.st_mode & 0o002) * 3
    lock = os.fstat(descriptor)
    is_closed = mode & ~lock.st_mode or (mode & 0o060 and lock.st_gid != folder.st_gid)
    if is_closed and lock.st_uid == os.geteuid() and not folder.st_mode & stat.S_ISVTX:
        with contextlib.suppress(OSError):  # a group that is not ours
            os.fchown(descriptor, -1, folder.st_gid)
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, mode)


def _is_still(descriptor: int, file: str) -> bool:
    """Whether what is open is what has the name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(file))
    except FileNotFoundError:
        return False


def _wait_for_lock(
    descriptor: int,
    profile: str,
    waiting: Callable[[str], None],
    seconds: float | None,
    holder: Callable[[str], str] | None,
) -> None:
    who = tr("another process") if holder is None else holder(f"{profile}.lock")
    message = tr("profile {profile} is locked by {holder}", profile=profile, holder=who)
    if seconds is None:
        waiting(tr("{message}; waiting for it to finish...", message=message))
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + seconds
    if seconds > 0:
        waiting(tr("{message}; waiting for it to finish...", message=message))
    while time.monotonic() < deadline:
        time.sleep(min(0.1, max(deadline - time.monotonic(), 0)))
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
    raise ProfileLocked(message)
