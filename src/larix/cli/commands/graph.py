"""`larix graph PACKAGE...`: draw what needs what, or tell the shortest way from one thing to another."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.building import LOAD_PATH
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse, whole_number
from larix.cli.transformations import TRANSFORMATIONS, chosen_transformations
from larix.graphs.tables import KINDS
from larix.words import tr

if TYPE_CHECKING:
    from larix.graphs.drawing import Backend
    from larix.graphs.tables import Kind

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "view and query graphs of what needs what"
OPTIONS = (
    Option("type", "t", "TYPE", "what the nodes are; `package' by default"),
    Option("list-types", help="list the types of nodes"),
    Option("backend", "b", "BACKEND", "how to write the graph; `graphviz' by default"),
    Option("list-backends", help="list the backends"),
    Option("path", help="print the shortest way from the first to the second of two nodes"),
    Option("max-depth", "M", "DEPTH", "leave out what is more than DEPTH steps away"),
    Option("expression", "e", "EXPR", "consider the package that the Python expression EXPR gives"),
    Option("file", "f", "FILE", "consider the package that the Python file FILE gives"),
    Option("system", "s", "SYSTEM", "as on SYSTEM, such as x86_64-linux"),
    LOAD_PATH,
    Option("json", help="the same as `--backend=json', and JSON for the lists and the path"),
)
GRAMMAR = Grammar(
    "graph",
    "graph [OPTION]... PACKAGE-OR-ITEM...",
    "Write the graph of what PACKAGEs, or items of the store, need, for instance for `dot -Tpdf'.",
    (("", OPTIONS), ("", TRANSFORMATIONS)),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    chosen_transformations(line)
    from larix.graphs.drawing import all_backends

    if line.has("list-types"):
        return _list("node", [(kind.name, kind.description) for kind in KINDS], as_json=line.has("json"))
    backends = all_backends()
    if line.has("list-backends"):
        rows = [(each.name, each.description) for each in backends]
        return _list("backend", rows, as_json=line.has("json"))
    kind = _chosen_kind(line, KINDS)
    backend = _chosen_backend(line, backends)
    depth = whole_number(line, "max-depth", 0) if line.has("max-depth") else None
    named = [each for each in line.tokens if each.name in {"", "expression", "file"} and each.value]
    if not named:
        raise UsageError(tr("missing arguments: no packages to draw the graph of"))
    if line.has("path") and len(named) != 2:
        raise UsageError(tr("'--path' option requires exactly two nodes"))
    from larix.cli.graphing import GraphMaker

    with closing(GraphMaker(line, kind)) as maker:
        subjects = [maker.subjects(each.name, each.value or "") for each in named]
        maker.check()
        if line.has("path"):
            way = maker.shortest_path(*subjects)
            return _print_path(way, as_json=line.has("json"))
        graph = maker.graph([each for some in subjects for each in some], max_depth=depth)
        if backend.wants_packages:
            graph = maker.with_packages(graph)
        for piece in backend.write(graph, kind.name):
            sys.stdout.write(piece)
    return 0


def _print_path(way: list[str], *, as_json: bool) -> int:
    if as_json:
        from larix.cli.tables import print_json

        print_json(path=way)
    else:
        print("\n".join(way))
    return 0


def _list(what: str, rows: list[tuple[str, str]], *, as_json: bool) -> int:
    if as_json:
        from larix.cli.tables import print_json

        listed = [{"name": name, "description": description} for name, description in rows]
        if what == "node":
            print_json(types=listed)
        else:
            print_json(backends=listed)
        return 0
    heading = (
        tr("The available node types are:") if what == "node" else tr("The available backend types are:")
    )
    print(f"{heading}\n")
    for name, description in rows:
        print(f"  - {name}: {tr(description)}")
    return 0


def _chosen_kind(line: CommandLine, kinds: tuple[Kind, ...]) -> Kind:
    wanted = line.last("type") or "package"
    for kind in kinds:
        if kind.name == wanted:
            return kind
    hint = diagnostics.did_you_mean(wanted, [kind.name for kind in kinds])
    raise UsageError(
        tr("{wanted}: unknown node type", wanted=wanted),
        hint=hint or tr("`larix graph --list-types' lists them"),
    )


def _chosen_backend(line: CommandLine, backends: list[Backend]) -> Backend:
    wanted = line.last("backend") or ("json" if line.has("json") else "graphviz")
    for backend in backends:
        if backend.name == wanted:
            return backend
    hint = diagnostics.did_you_mean(wanted, [each.name for each in backends])
    raise UsageError(
        tr("{wanted}: unknown backend", wanted=wanted),
        hint=hint or tr("`larix graph --list-backends' lists them"),
    )
