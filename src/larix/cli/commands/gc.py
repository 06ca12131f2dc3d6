"""`larix gc`: collect garbage, and ask what is garbage and why not."""

from __future__ import annotations

import os
import re
from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.collecting import collect, dead_paths, delete, living_paths, tell_freed
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.store.sizes import parse_size, shown_size
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    Option("keep-dead", argument="DURATION", help="spare what was added within DURATION, such as 2w"),
    Option("dry-run", "n", help="tell what would be deleted"),
    Option("optimize", help="share equal files of all items, deleting nothing"),
    Option("rebuild-database", help="make a damaged database again from what is in the store"),
    Option("clear-failures", help="forget that builds of the PATHs failed; without PATHs, of all"),
    Option("vacuum-database", help="write the store's database anew, without gaps"),
)
QUERIES = (
    Option("report", help="tell how much users, profiles, generations and other roots hold"),
    Option("by-user", help="the same for users alone"),
    Option("by-root", help="the same for each link that can be deleted"),
    Option("list-roots", help="list the roots of the collector"),
    Option("list-busy", help="list what running processes use"),
    Option("list-live", help="list what is in use"),
    Option("list-dead", help="list what is not"),
    Option("list-failures", help="list outputs whose builds failed and are not tried again"),
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
    Option("json", help="print the result as JSON"),
)
GRAMMAR = Grammar(
    "gc",
    "gc [OPTION]... [PATH]...",
    "Delete the store items that nothing uses any more, or ask about items.",
    (("", COLLECTING), ("Queries:", QUERIES)),
)
_OF_A_COLLECTION = ("collect-garbage", "free-space", "delete-generations", "keep-dead")
_NO_ACTION = frozenset({*_OF_A_COLLECTION, "dry-run", "json"})
_IS_NOT_DRY = frozenset({"optimize", "rebuild-database", "clear-failures", "vacuum-database"})
_OPTIMISED = re.compile(
    r"(?P<freed>\d+) bytes freed by hard-linking (?P<files>\d+) files"
)  # as daemons say it


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    _check(line)
    from larix.cli.session import open_session

    with closing(open_session()) as session:
        if any(line.has(option.name) for option in QUERIES[:-1]):
            return _query(session, line)
        session.is_to_collect = not line.has("dry-run")
        if line.has("vacuum-database"):
            return _vacuum(session, as_json=line.has("json"))
        if line.has("delete"):
            return delete(session, _paths(session, line), line)
        if line.has("clear-failures"):
            return _clear_failures(session, line)
        if line.has("optimize"):
            return _optimise(session, as_json=line.has("json"))
        if line.has("rebuild-database"):
            from larix.cli.store_checks import rebuild

            return rebuild(session, as_json=line.has("json"))
        return collect(session, line)


def _actions(line: CommandLine) -> list[str]:
    """The options that say what is to be done, in their order; those of one collection count as one."""
    collecting = [name for name in _OF_A_COLLECTION if line.has(name)][:1]
    others = [option.name for option in (*COLLECTING, *QUERIES) if option.name not in _NO_ACTION]
    found = [name for name in others if line.has(name)]
    if "report" in found and len(found) == 2 and found[1] in {"by-user", "by-root"}:
        found.remove("report")
    return collecting + found


def _check(line: CommandLine) -> None:
    """Refuse what cannot be meant before anything is opened or deleted."""
    actions = _actions(line)
    repairs = "repair" in (line.last("verify") or "")
    if line.has("dry-run") and (repairs or not _IS_NOT_DRY.isdisjoint(actions)):
        actions = [*actions, "dry-run"]
    if len(actions) > 1:
        raise UsageError(
            tr("'--{one}' and '--{other}' cannot be used together", one=actions[0], other=actions[1])
        )
    verify = line.last("verify")
    if verify is not None and not set(verify.split(",")) <= {"contents", "repair"}:
        hint = diagnostics.did_you_mean(verify, ("contents", "repair"))
        raise UsageError(tr("{verify}: invalid '--verify' option", verify=verify), hint=hint)
    for name in ("delete-generations", "keep-dead"):
        duration = line.last(name)
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
    elif line.operands and not line.has("clear-failures"):
        raise UsageError(tr("extraneous arguments: {operands}", operands=" ".join(line.operands)))


def _paths(session: Session, line: CommandLine) -> list[StorePath]:
    """The store items that the operands name, links followed, those of rootless profiles too."""
    from larix.formats.storepath import store_item_of

    store_dir = session.store.store_dir
    paths: list[StorePath] = []
    for text in line.operands:
        name = os.path.abspath(text)
        if not name.startswith(f"{store_dir}/"):
            target = session.layout.from_host(os.path.realpath(name))
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


def _roots(session: Session) -> Sequence[str]:
    """The names of links, by what the daemon tells where they are not to be seen here."""
    from larix.client.store import DaemonStore

    store = session.store
    if session.has_state or not isinstance(store, DaemonStore):
        from larix.store.roots import find_roots

        return sorted({session.on_host(root.reason) for root in find_roots(session.layout)})
    from larix.cli.elsewhere import roots_told

    told = roots_told(store)
    if told.hidden:
        diagnostics.warning(
            plural(
                "the daemon does not tell what {number} root is called",
                "the daemon does not tell what {number} roots are called",
                told.hidden,
            )
        )
    return told.links


def _busy(session: Session) -> Sequence[StorePath]:
    from larix.client.store import DaemonStore

    store = session.store
    if not session.is_remote or not isinstance(store, DaemonStore):
        from larix.store.roots import process_roots

        return sorted({root.path for root in process_roots(store.store_dir)})
    from larix.cli.elsewhere import refuse_elsewhere, roots_told

    told = roots_told(store)
    if told.hidden:
        refuse_elsewhere(session)
    return told.busy


def _query(session: Session, line: CommandLine) -> int:
    store = session.store
    as_json = line.has("json")
    if line.has("verify"):
        from larix.cli.store_checks import verify_store

        wanted = (line.last("verify") or "").split(",")
        return verify_store(
            session, contents="contents" in wanted, repairing="repair" in wanted, as_json=as_json
        )
    for name, only in (("by-root", "roots"), ("by-user", "users"), ("report", "")):
        if line.has(name):
            from larix.cli.holding import Held, print_holdings

            print_holdings(Held(session, with_items=False), as_json=as_json, only=only)
            return 0
    if line.has("list-roots"):
        return _print(_roots(session), as_json=as_json)
    if line.has("list-busy"):
        return _print(_busy(session), as_json=as_json)
    if line.has("list-live"):
        return _print(sorted(living_paths(session)), as_json=as_json)
    if line.has("list-dead"):
        return _print(sorted(dead_paths(session)), as_json=as_json)
    if line.has("list-failures"):
        return _print(_failed(session), as_json=as_json)
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


def _failed(session: Session) -> Sequence[StorePath]:
    from larix.client.store import DaemonStore
    from larix.store.failures import failures

    store = session.store
    return store.failed_paths() if isinstance(store, DaemonStore) else tuple(failures(store.database))


def _clear_failures(session: Session, line: CommandLine) -> int:
    from larix.client.store import DaemonStore
    from larix.store.failures import clear_failures

    store = session.store
    failed = _failed(session)
    wanted = _paths(session, line) or failed
    if isinstance(store, DaemonStore):
        store.clear_failed_paths(wanted)
    else:
        clear_failures(store.database, wanted)
    if line.has("json"):
        return _print([path for path in wanted if path in failed], as_json=True)
    for path in wanted:
        if path not in failed:
            diagnostics.warning(tr("no build of '{path}' is known to have failed", path=path))
    return 0


def _optimise(session: Session, *, as_json: bool) -> int:
    from larix.client.store import DaemonStore
    from larix.store.optimise import Optimised, optimise

    store = session.store
    if isinstance(store, DaemonStore):
        done = Optimised(0, 0)

        def hear(line: str) -> None:
            nonlocal done
            match = _OPTIMISED.match(line)
            if match is None:
                diagnostics.say(line)
            else:
                done = Optimised(int(match["files"]), int(match["freed"]))

        session.on_line = hear
        store.optimise()
    else:
        done = optimise(store)
    if as_json:
        from larix.cli.tables import print_json

        print_json(files=done.files, freed=done.bytes_freed)
        return 0
    diagnostics.say(
        plural(
            "{number} file shared with others, freed {freed}",
            "{number} files shared with others, freed {freed}",
            done.files,
            freed=shown_size(done.bytes_freed),
        )
    )
    return 0


def _vacuum(session: Session, *, as_json: bool) -> int:
    from larix.store.gc import Collected

    saved = session.local_store.database.vacuum()
    return tell_freed(Collected([], max(saved, 0)), as_json=as_json)
