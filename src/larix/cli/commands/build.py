"""`larix build`: make packages, derivations or what an expression gives valid, and print where they are."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.building import (
    BUILD_OPTIONS,
    DRY_RUN,
    EXPLAIN,
    LOAD_PATH,
    build_options,
    realise,
    tell_work,
    work_for,
)
from larix.cli.options import CommandLine, Grammar, Option, parse
from larix.cli.transformations import TRANSFORMATIONS, chosen_transformations
from larix.errors import LarixError
from larix.formats.storepath import store_item_of
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.cli.building import Work
    from larix.cli.explaining import Explanation
    from larix.cli.grafting import Grafts
    from larix.cli.session import Session
    from larix.cli.targets import Target
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildOptions

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "build packages or derivations without installing them"
VERBOSITY = 3

OPTIONS = (
    Option("expression", "e", "EXPR", "build what the Python expression EXPR gives"),
    Option("file", "f", "FILE", "build what the Python file FILE gives"),
    Option("manifest", "m", "FILE", "build the packages that the Python file FILE lists as `manifest`"),
    Option("development", "D", help="build what the next PACKAGE is built with, and not that itself"),
    Option("dependents", "P", "N", "build what depends on the next PACKAGE, to depth N", optional=True),
    Option("source", "S", help="build the packages' sources, with patches applied"),
    Option(
        "sources",
        argument="KIND",
        help="package, all (default) or transitive sources",
        optional=True,
        choices=("package", "all", "transitive"),
    ),
    Option("derivations", "d", help="print the derivations' file names, build nothing"),
    EXPLAIN,
    Option("check", help="build again what is there, and compare"),
    Option("repair", help="build or download again what is damaged in the store"),
    Option("root", "r", "FILE", "make FILE a link to the result, and a root of the garbage collector"),
    Option("system", "s", "SYSTEM", "build as on SYSTEM, such as x86_64-linux"),
    Option("target", argument="TRIPLET", help="cross-build for TRIPLET, such as aarch64-linux-gnu"),
    Option("list-systems", help="list the systems that can be built on"),
    Option("list-targets", help="list the machines that can be cross-built for"),
    Option("log-file", help="print the names of the build logs"),
    Option("quiet", "q", help="show neither progress nor logs"),
    Option("json", help="print the results, or the plan of a dry run, as JSON"),
)
GRAMMAR = Grammar(
    "build",
    "build [OPTION]... PACKAGE-OR-DERIVATION...",
    "Build each PACKAGE-OR-DERIVATION and print the store items that result.",
    (("", OPTIONS), ("Building:", (DRY_RUN, LOAD_PATH, *BUILD_OPTIONS)), ("", TRANSFORMATIONS)),
    build_options_from_environment=True,
)


class NoLog(LarixError):
    """No log is kept of what made this item."""


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    chosen_transformations(line)
    if line.has("list-systems") or line.has("list-targets"):
        from larix.cli.machines import list_machines

        return list_machines(line)
    options = build_options(line, default_verbosity=0 if line.has("quiet") else VERBOSITY)
    from larix.cli.root_links import make_root_links
    from larix.cli.session import open_session
    from larix.cli.targets import WANTED, chosen_targets

    with closing(open_session(verbosity=options.verbosity if line.has("verbosity") else 0)) as session:
        if line.has("root"):
            session.require_this_machine()
        targets = chosen_targets(line, session)
        if not targets:
            if not any(line.values(name) for name in WANTED):
                diagnostics.warning(tr("no arguments specified, nothing to do"))
            return 0
        if line.has("log-file"):
            return _print_logs(session, targets)
        if line.has("repair"):
            from larix.cli.repairing import repair_targets

            repair_targets(session, line, targets, options)
        grafts = _graft(session, line, targets, options)
        session.store.instantiate(
            [target.lowered for target in targets if target.lowered is not None],
            [target.source for target in targets if target.source is not None],
        )
        if line.has("derivations"):
            return _print_derivations(targets, as_json=line.has("json"))
        wanted = [target.build for target in targets if target.build is not None]
        work = work_for(session, [*wanted, *(grafts.needed if grafts is not None else ())])
        explanations = _explain(session, targets, work) if line.has("explain") else None
        if line.has("dry-run"):
            pending = grafts.pending if grafts is not None else ()
            return _print_plan(
                work, targets, pending, options.verbosity, explanations, as_json=line.has("json")
            )
        if options.verbosity >= 1:
            tell_work(work, dry_run=False, verbosity=options.verbosity)
        if explanations is not None:
            from larix.cli.explanations import tell_explanations

            tell_explanations(explanations)
        realise(session, wanted, options, work)
        store_dir = session.store.store_dir
        items = [store_item_of(store_dir, path) for target in targets for path in target.paths]
        make_root_links(session, line.last("root"), items)
        _print_results(targets, as_json=line.has("json"))
    return 0


def _graft(
    session: Session, line: CommandLine, targets: list[Target], options: BuildOptions
) -> Grafts | None:
    """Put grafts in the place of targets that need them; what must be built to know that is built."""
    if line.has("no-grafts") or not any(target.lowering is not None for target in targets):
        return None
    from larix.cli.grafting import graft_targets

    unbuilt = line.has("dry-run") or line.has("derivations")
    targets[:], grafts = graft_targets(session, targets, options, dry_run=unbuilt)
    if grafts.pending and line.has("derivations"):
        diagnostics.warning(
            tr("these derivations are those of the originals: grafts are known when they are built")
        )
    return grafts


def _explain(session: Session, targets: list[Target], work: Work) -> list[Explanation]:
    from larix.cli.explaining import Explainer

    lowering = next((target.lowering for target in targets if target.lowering is not None), None)
    if lowering is None:
        return []
    wanted = [target.lowered for target in targets if target.lowered is not None]
    return Explainer(session, lowering, work.builds).explain(wanted)


def _print_plan(
    work: Work,
    targets: list[Target],
    pending: Sequence[tuple[str, str]],
    verbosity: int,
    explanations: list[Explanation] | None,
    *,
    as_json: bool,
) -> int:
    if as_json:
        from larix.cli.explanations import explanation_fields
        from larix.cli.tables import print_json

        results = [path for target in targets for path in target.paths]
        print_json(
            **work.data(),
            replacements=[{"from": old, "to": new} for old, new in pending],
            results=results,
            **explanation_fields(explanations),
        )
    else:
        tell_work(work, dry_run=True, verbosity=verbosity)
        if explanations is not None:
            from larix.cli.explanations import tell_explanations

            tell_explanations(explanations)
        if pending:
            from larix.cli.grafting import tell_pending

            tell_pending(pending)
    return 0


def _print_derivations(targets: list[Target], *, as_json: bool) -> int:
    names = list(dict.fromkeys(target.build.drv for target in targets if target.build is not None))
    if as_json:
        from larix.cli.tables import print_json

        print_json(derivations=names)
    else:
        for name in names:
            print(name)
    return 0


def _print_results(targets: list[Target], *, as_json: bool) -> None:
    if as_json:
        from larix.cli.tables import print_json

        print_json(
            results=[
                {"derivation": target.build.drv if target.build else None, "paths": list(target.paths)}
                for target in targets
            ]
        )
        return
    for target in targets:
        for path in target.paths:
            print(path)


def _print_logs(session: Session, targets: list[Target]) -> int:
    from larix.builder.logs import existing_log_file

    for target in targets:
        drvs = [target.build.drv] if target.build is not None else _derivers(session, target)
        files = (existing_log_file(session.layout.log_dir, drv) for drv in drvs)
        file = next(filter(None, files), None)
        if file is None:
            raise NoLog(tr("no build log for '{item}'", item=drvs[0] if drvs else target.paths[0]))
        print(session.on_host(file))
    return 0


def _derivers(session: Session, target: Target) -> list[StorePath]:
    store = session.store
    return sorted(store.derivers(store_item_of(store.store_dir, target.paths[0])))
