"""`larix gc`: collect garbage, and ask what is garbage and why not."""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.store.sizes import parse_size, shown_size
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "free the space of what nothing uses any more"

COLLECTING = (
    Option("collect-garbage", "C", "MIN", "collect, stopping after MIN bytes", optional=True, collects=True),
    Option("free-space", "F", "FREE", "collect until FREE bytes are available"),
    Option(
        "delete-generations",
        "d",
        "DURATION",
        "first delete old generations, or those older",
        optional=True,
        collects=True,
    ),
    Option("delete", "D", help="delete the given PATHs, if nothing uses them"),
    Option("dry-run", "n", help="tell what a collection would delete"),
    Option("optimize", help="share equal files of all items, deleting nothing"),
    Option("rebuild-database", help="make a damaged database again from what is in the store"),
)
QUERIES = (
    Option("list-roots", help="list the roots of the collector"),
    Option("list-busy", help="list what running processes use"),
    Option("list-live", help="list what is in use"),
    Option("list-dead", help="list what is not"),
    Option("references", help="list what the PATHs refer to"),
    Option("referrers", help="list what refers to the PATHs"),
    Option("requisites", "R", help="list the PATHs and all they refer to, at any distance"),
    Option("derivers", help="list the derivations that make the PATHs"),
    Option(
        "verify",
        argument="WHAT",
        help="check the store; also `contents'; `repair' it",
        optional=True,
        choices=("contents", "repair"),
    ),
    Option("json", help="print the result of a query as JSON"),
)
GRAMMAR = Grammar(
    "gc",
    "gc [OPTION]... [PATH]...",
    "Delete the store items that nothing uses any more, or ask about items.",
    (("", COLLECTING), ("Queries:", QUERIES)),
)
_LIVING, _DEAD, _DELETE_DEAD, _DELETE_THESE = range(4)  # what a daemon is asked for


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    _check(line)
    from larix.cli.session import open_session

    with closing(open_session()) as session:
        if any(line.has(option.name) for option in QUERIES[:9]):
            return _query(session, line)
        if line.has("delete"):
            return _delete(session, line)
        if line.has("optimize"):
            return _optimise(session)
        if line.has("rebuild-database"):
            from larix.cli.store_checks import rebuild

            return rebuild(session)
        return _collect(session, line)


def _check(line: CommandLine) -> None:
    """Refuse what cannot be meant before anything is opened or deleted."""
    verify = line.last("verify")
    if verify is not None and not set(verify.split(",")) <= {"contents", "repair"}:
        hint = diagnostics.did_you_mean(verify, ("contents", "repair"))
        raise UsageError(tr("{verify}: invalid '--verify' option", verify=verify), hint=hint)
    duration = line.last("delete-generations")
    if duration is not None:
        from larix.profiles.generation import parse_duration

        parse_duration(duration)
    for name in ("collect-garbage", "free-space"):
        size = line.last(name)
        if size is not None:
            parse_size(size)
    takes_paths = ("delete", "references", "referrers", "requisites", "derivers")
    if any(line.has(name) for name in takes_paths):
        if not line.operands:
            raise UsageError(tr("missing argument: no store items given"))
    elif line.operands:
        raise UsageError(tr("extraneous arguments: {operands}", operands=" ".join(line.operands)))


def _paths(session: Session, line: CommandLine) -> list[StorePath]:
    """The store items that the operands name, links followed, those of rootless profiles too."""
    from larix.formats.storepath import store_item_of

    store_dir = session.store.store_dir
    paths: list[StorePath] = []
    for text in line.operands:
        name = os.path.abspath(text)
        if not name.startswith(f"{store_dir}/"):
            target = os.path.realpath(name)
            name = session.facade.item_of(target) or target
        if not name.startswith(f"{store_dir}/"):
            raise UsageError(tr("'{text}' is not in the store `{store_dir}'", text=text, store_dir=store_dir))
        paths.append(store_item_of(store_dir, name))
    return paths


def _print(names: Iterable[str], *, as_json: bool) -> int:
    if as_json:
        from larix.cli.tables import print_json

        print_json(paths=list(names))
    else:
        for name in names:
            print(name)
    return 0


def _query(session: Session, line: CommandLine) -> int:
    from larix.store import roots

    store = session.store
    as_json = line.has("json")
    if line.has("verify"):
        from larix.cli.store_checks import verify_store

        wanted = (line.last("verify") or "").split(",")
        return verify_store(session, contents="contents" in wanted, repairing="repair" in wanted)
    if line.has("list-roots"):
        found = roots.find_roots(session.layout)
        return _print(sorted({session.on_host(root.reason) for root in found}), as_json=as_json)
    if line.has("list-busy"):
        return _print(sorted({root.path for root in roots.process_roots(store.store_dir)}), as_json=as_json)
    if line.has("list-live"):
        return _print(sorted(_living(session)), as_json=as_json)
    if line.has("list-dead"):
        return _print(sorted(_dead(session)), as_json=as_json)
    paths = _paths(session, line)
    if line.has("requisites"):
        return _print(sorted(store.closure(paths)), as_json=as_json)
    ask = (
        store.references
        if line.has("references")
        else store.referrers
        if line.has("referrers")
        else store.derivers
    )
    store_paths = store.path_infos(paths)
    for path in paths:
        if path not in store_paths:
            store.path_info(path)
    return _print(sorted({other for path in paths for other in ask(path)}), as_json=as_json)


def _living(session: Session) -> Iterable[StorePath]:
    from larix.client.store import DaemonStore
    from larix.store import gc

    store = session.store
    return store.collect(_LIVING)[0] if isinstance(store, DaemonStore) else gc.live_paths(store)


def _dead(session: Session) -> Iterable[StorePath]:
    from larix.client.store import DaemonStore
    from larix.store import gc

    store = session.store
    return store.collect(_DEAD)[0] if isinstance(store, DaemonStore) else gc.dead_paths(store)


def _delete(session: Session, line: CommandLine) -> int:
    from larix.client.store import DaemonStore
    from larix.store import gc

    session.facade.sweep()
    paths = _paths(session, line)
    store = session.store
    if isinstance(store, DaemonStore):
        return _tell_freed(*store.collect(_DELETE_THESE, paths))
    try:
        collected = gc.delete(store, paths, on_delete=_tell_deletion)
    except gc.PathAlive as error:
        raise gc.PathAlive(
            tr("cannot delete path since it is still alive: {problem}", problem=error.message),
            hint=error.hint,
        ) from error
    diagnostics.say(tr("freed {bytes_freed}", bytes_freed=shown_size(collected.bytes_freed)))
    return 0


def _optimise(session: Session) -> int:
    from larix.client.store import DaemonStore
    from larix.store.optimise import optimise

    store = session.store
    if isinstance(store, DaemonStore):
        store.optimise()
        return 0
    done = optimise(store)
    diagnostics.say(
        plural(
            "{number} file shared with others, freed {freed}",
            "{number} files shared with others, freed {freed}",
            done.files,
            freed=shown_size(done.bytes_freed),
        )
    )
    return 0


def _tell_freed(paths: Iterable[StorePath], bytes_freed: int) -> int:
    for path in paths:
        _tell_deletion(path)
    diagnostics.say(tr("freed {bytes_freed}", bytes_freed=shown_size(bytes_freed)))
    return 0


def _tell_deletion(path: StorePath) -> None:
    diagnostics.say(tr("deleting '{path}'", path=path))


def _collect(session: Session, line: CommandLine) -> int:
    from larix.client.store import DaemonStore
    from larix.store import gc

    if line.has("dry-run"):
        for path in sorted(_dead(session)):
            diagnostics.say(tr("would delete '{path}'", path=path))
        return 0
    if line.has("delete-generations"):
        _delete_generations(session, line.last("delete-generations"))
    session.facade.sweep()
    limit = line.last("collect-garbage")
    most = None if limit is None else parse_size(limit)
    wanted = line.last("free-space")
    if wanted is not None:
        status = os.statvfs(session.layout.store_dir)
        available = status.f_bavail * status.f_frsize
        most = parse_size(wanted) - available
        if most <= 0:
            where = session.on_host(session.layout.store_dir)
            diagnostics.say(
                tr(
                    "already {available} available on {where}, nothing to do",
                    available=shown_size(available),
                    where=where,
                )
            )
            return 0
        diagnostics.say(tr("freeing {most}", most=shown_size(most)))
    store = session.store
    if isinstance(store, DaemonStore):
        return _tell_freed(*store.collect(_DELETE_DEAD, max_freed=most))
    collected = gc.collect(
        store,
        max_freed=most,
        on_delete=_tell_deletion,
        on_wait=lambda: diagnostics.note(tr("waiting for another collection to finish...")),
    )
    diagnostics.say(tr("freed {bytes_freed}", bytes_freed=shown_size(collected.bytes_freed)))
    return 0


def _delete_generations(session: Session, duration: str | None) -> None:
    """Delete the old generations, each profile under its lock; those current or with a tag stay."""
    from larix.cli.profiles import Profile, own_profiles
    from larix.profiles import generation
    from larix.profiles.notes import forget, read_notes

    seconds = None if duration is None else generation.parse_duration(duration)
    for file in own_profiles(session):
        profile = Profile(session, file, file)
        with profile.lock():
            current = generation.current_generation(file)
            notes = read_notes(file)
            old = [
                number
                for number in generation.generations(file)
                if number != current
                and (seconds is None or generation.generation_time(file, number) < time.time() - seconds)
            ]
            for number in old:
                if number in notes and notes[number].tags:
                    tags = ", ".join(notes[number].tags)
                    text = tr(
                        "not removing generation {number} of {file}, which is tagged {tags}",
                        number=number,
                        file=file,
                        tags=tags,
                    )
                    diagnostics.warning(text)
                    continue
                diagnostics.say(tr("deleting {file}", file=generation.generation_link(file, number)))
                generation.delete_generation(file, number)
                forget(file, [number])
