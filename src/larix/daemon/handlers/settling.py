"""What a client wishes for its builds, within what the operator allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from larix.store.failures import clear_failures, failures

if TYPE_CHECKING:
    from larix.daemon.session import Session
    from larix.formats.storepath import StorePath

__all__ = ["clear_failed_paths", "query_failed_paths", "set_options"]

_ON = {"1", "true", "yes"}
_WITHOUT_LIMIT = 1 << 31


def set_options(
    session: Session,
    *,
    keep_failed: bool,
    keep_going: bool,
    verbosity: int,
    print_build_trace: int = 0,
    max_jobs: int | None = None,
    max_silent_time: int | None = None,
    cores: int | None = None,
    settings: Sequence[tuple[str, str]] = (),
    **_other: object,
) -> None:
    """Take what a client wishes; an operator's limits are the most that it gets.

    What is not known here has no effect: there are no substituters, no build hooks, no features.
    """
    named = dict(settings)
    limits = session.settings
    jobs = _number(named.get("build-max-jobs", named.get("max-jobs")), max_jobs)
    silent = _number(named.get("build-max-silent-time", named.get("max-silent-time")), max_silent_time)
    timeout = _number(named.get("build-timeout", named.get("timeout")), None)
    session.options = session.options._replace(
        keep_failed=keep_failed and session.peer.uid is not None,
        keep_going=keep_going,
        verbosity=min(verbosity, 9),
        max_jobs=limits.jobs if jobs is None else min(jobs, limits.jobs),
        cores=_number(named.get("build-cores", named.get("cores")), cores) or limits.cores,
        max_silent_time=_limited(silent, limits.max_silent_time),
        timeout=_limited(timeout, limits.timeout),
        rounds=max(
            min((_number(named.get("build-repeat", named.get("repeat")), None) or 0) + 1, 10), limits.rounds
        ),
    )
    session.teller.build_trace = bool(print_build_trace)
    session.teller.multiplexed = named.get("multiplexed-build-output") in _ON


def _number(text: str | None, otherwise: int | None) -> int | None:
    if text is not None and text.isascii() and text.isdigit():
        return min(int(text), _WITHOUT_LIMIT)
    return None if otherwise is None else min(otherwise, _WITHOUT_LIMIT)


def _limited(wanted: int | None, most: int) -> int:
    """0 is without limit, which is more than any number."""
    if not wanted:
        return most
    return min(wanted, most) if most else wanted


def query_failed_paths(session: Session) -> tuple[StorePath, ...]:
    return tuple(failures(session.store.database))


def clear_failed_paths(session: Session, *, paths: Sequence[StorePath]) -> None:
    """Anybody may: all that it does is let a build be tried again."""
    clear_failures(session.store.database, paths)
