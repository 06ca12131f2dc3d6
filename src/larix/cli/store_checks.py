"""`larix gc --verify` and `--rebuild-database`: is the store what it should be, and back to that."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from larix.cli.session import Session
    from larix.client.store import DaemonStore
    from larix.errors import LarixError
    from larix.formats.storepath import StorePath
    from larix.store.local import LocalStore
    from larix.store.verify import Verified

__all__ = ["rebuild", "verify_store"]

_SILENT_SECONDS = 10
_LINE_ABOUT_PATH = re.compile(r"path [`'](?P<path>[^']+)' (?P<problem>.*)")  # as daemons say it


def verify_store(session: Session, *, contents: bool, repairing: bool, as_json: bool = False) -> int:
    """Tell all that is wrong; 1 if anything is. With `repairing` mend it; 1 if something stays wrong."""
    from larix.client.store import DaemonStore

    if isinstance(session.store, DaemonStore):
        return _by_daemon(session, session.store, contents=contents, repairing=repairing, as_json=as_json)
    if repairing:
        return _repair(session, as_json=as_json)
    from larix.store.verify import verify

    store = session.store
    result = verify(
        store,
        check_contents=contents,
        on_path=_counter(store) if contents else None,
        **session.settings.kept,
    )
    _tell(result)
    is_sound = result.is_sound and not result.forgotten
    if as_json:
        _print_problems(is_sound, _problems(result))
    return 0 if is_sound else 1


def _by_daemon(
    session: Session, store: DaemonStore, *, contents: bool, repairing: bool, as_json: bool
) -> int:
    """A daemon tells in lines what is wrong, and what it repaired."""
    problems: list[tuple[str | None, str]] = []
    repaired: list[str] = []

    def hear(line: str) -> None:
        diagnostics.say(line)
        match = _LINE_ABOUT_PATH.fullmatch(line)
        if match is not None:
            problems.append((match["path"], match["problem"]))
        elif line.startswith("repaired `"):
            repaired.append(line.removeprefix("repaired `").rstrip("'"))
        elif not line.startswith("hint: "):
            problems.append((None, line))

    session.on_line = hear
    is_wrong = store.verify(check_contents=contents or repairing, repair=repairing)
    if as_json:
        more = {"repaired": repaired} if repairing else {}
        _print_problems(not is_wrong, problems, **more)
    return int(is_wrong)


def _print_problems(
    is_sound: bool, problems: Iterable[tuple[str | None, str]], **more: Sequence[str]
) -> None:
    from larix.cli.tables import print_json

    print_json(
        sound=is_sound,
        problems=[{"path": path, "problem": problem} for path, problem in problems],
        **more,
    )


def _problems(result: Verified) -> Iterator[tuple[str | None, str]]:
    """In the words of daemons, which are nobody's language: programs read them."""
    for path in result.forgotten:
        yield path, "disappeared; it is no longer registered"
    for path in result.missing:
        yield path, "disappeared, but is needed"
    for mismatch in result.mismatches:
        yield mismatch.path, f"was modified: expected {mismatch.expected}"
    for path, problem in result.altered:
        yield path, f"was modified: {problem}"
    if result.database_problem is not None:
        yield None, f"the database is damaged: {result.database_problem}"


def _counter(store: LocalStore) -> Callable[[StorePath], None]:
    """Tells now and then how far it is, when that takes long."""
    total = len(store.all_valid_paths())
    done, next_time = 0, time.monotonic() + _SILENT_SECONDS

    def count(_path: StorePath) -> None:
        nonlocal done, next_time
        now = time.monotonic()
        if now >= next_time:
            diagnostics.note(tr("{done} of {total} items verified", done=done, total=total))
            next_time = now + _SILENT_SECONDS
        done += 1

    return count


def _tell(result: Verified) -> None:
    for path in result.forgotten:
        diagnostics.warning(tr("path `{path}' disappeared; it is no longer registered", path=path))
    for path in result.missing:
        diagnostics.say(tr("path `{path}' disappeared, but is needed", path=path))
    for mismatch in result.mismatches:
        actual = mismatch.actual if mismatch.actual is not None else "unreadable"
        diagnostics.say(
            tr(
                "path `{path}' was modified: expected {expected}, got {actual}",
                path=mismatch.path,
                expected=mismatch.expected,
                actual=actual,
            )
        )
    for path, problem in result.altered:
        diagnostics.say(tr("path `{path}' was modified: {problem}", path=path, problem=problem))
    if result.database_problem is not None:
        diagnostics.say(tr("the database is damaged: {problem}", problem=result.database_problem))
        diagnostics.show_hint(
            tr("make it again from what is in the store with `larix gc --rebuild-database`")
        )
    elif not result.is_sound:
        diagnostics.show_hint(tr("mend what can be mended with `larix gc --verify=contents,repair`"))


def _repair(session: Session, *, as_json: bool) -> int:
    from larix.builder.repairing import repair
    from larix.cli.progress import watching
    from larix.store.verify import verify

    store = session.local_store
    found = verify(store, check_contents=True, on_path=_counter(store), **session.settings.kept)
    damaged = [*found.missing]
    damaged += [mismatch.path for mismatch in found.mismatches]
    damaged += [altered.path for altered in found.altered]
    mended: list[StorePath] = []

    def give_up(path: StorePath, error: LarixError) -> None:
        diagnostics.say(tr("cannot repair `{path}': {problem}", path=path, problem=error.message))

    result = found
    if damaged:
        for path in found.forgotten:
            diagnostics.warning(tr("path `{path}' disappeared; it is no longer registered", path=path))
        with watching(1, on_host=session.on_host) as sink:
            mended = repair(store, damaged, sink=sink, policy=session.settings.policy, give_up=give_up)
        for path in mended:
            diagnostics.say(tr("repaired `{path}'", path=path))
        result = verify(store, paths=damaged, check_contents=True, **session.settings.kept)
    _tell(result)
    if as_json:
        _print_problems(result.is_sound, _problems(result), repaired=mended)
    return 0 if result.is_sound else 1


def rebuild(session: Session, *, as_json: bool = False) -> int:
    from larix.cli.elsewhere import not_through_daemon
    from larix.store.rebuilding import rebuild_database

    if session.daemon is not None:
        raise not_through_daemon(session)
    done, next_time = 0, time.monotonic() + _SILENT_SECONDS

    def count(_path: StorePath) -> None:
        nonlocal done, next_time
        if time.monotonic() >= next_time:
            diagnostics.note(plural("{number} item looked at", "{number} items looked at", done))
            next_time = time.monotonic() + _SILENT_SECONDS
        done += 1

    rebuilt = rebuild_database(session.layout, count)
    for path in rebuilt.damaged:
        diagnostics.say(tr("kept `{path}', which is damaged or gone", path=path))
    for path, reason in sorted(rebuilt.lost.items()):
        diagnostics.say(tr("not kept `{path}': {reason}", path=path, reason=reason))
    diagnostics.say(
        plural("{number} item is registered again", "{number} items are registered again", rebuilt.saved)
    )
    if rebuilt.old_file is not None:
        diagnostics.note(tr("the old database is kept as {file}", file=session.on_host(rebuilt.old_file)))
    if rebuilt.damaged:
        diagnostics.show_hint(tr("mend what can be mended with `larix gc --verify=contents,repair`"))
    if as_json:
        from larix.cli.tables import print_json

        print_json(registered=rebuilt.saved, damaged=list(rebuilt.damaged), lost=rebuilt.lost)
    return 1 if rebuilt.damaged else 0
