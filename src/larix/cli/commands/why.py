"""`larix why ITEM OTHER`: by way of what the one refers to the other."""

from __future__ import annotations

import os
from contextlib import closing
from itertools import islice
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.building import LOAD_PATH
from larix.cli.items import Items, is_file_name, store_item
from larix.cli.options import Grammar, Option, UsageError, parse, whole_number
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from larix.formats.storepath import StorePath

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "tell why one item needs another"
OPTIONS = (
    Option("all", argument="N", help="print all shortest ways, or N of them", optional=True),
    Option("files", help="print in which files each step is found"),
    Option("system", "s", "SYSTEM", "consider packages as on SYSTEM"),
    LOAD_PATH,
    Option("json", help="print JSON"),
)
GRAMMAR = Grammar(
    "why",
    "why [OPTION]... PROFILE-OR-ITEM-OR-PACKAGE ITEM-OR-NAME",
    "Print the shortest chain of references from the first to the second: an item of the store, or NAME or\n"
    "NAME@VERSION for whatever is called so among all that the first refers to.",
    (("", OPTIONS),),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    if len(line.operands) != 2:
        raise UsageError(tr("two arguments are needed: an item or a profile, and what it refers to"))
    limit = whole_number(line, "all", 0, least=1) if line.last("all") is not None else None
    start, goal = line.operands
    from larix.cli.graphing import NoPath
    from larix.cli.session import open_session
    from larix.graphs.graph import shortest_paths
    from larix.graphs.kinds import item_graph

    with closing(open_session()) as session:
        roots = Items(session, line).find(start, all_outputs=False)
        infos = session.store.path_infos(session.store.closure(roots))
        goals = [store_item(session, goal)] if is_file_name(goal) else _named(infos, goal)
    if not goals:
        error = NoPath(start, goal)
        error.hint = diagnostics.did_you_mean(goal, {_name(path) for path in infos})
        raise error
    graph = item_graph(roots, infos)
    chains: list[list[str]] = []
    for each in goals:
        ways = shortest_paths(graph.arrows, graph.roots[0], each)
        chains += islice(ways, limit if line.has("all") else 1)
    if not chains:
        raise NoPath(start, goal)
    if line.has("json"):
        from larix.cli.tables import print_json

        print_json(**{"from": roots[0], "to": sorted(goals), "chains": chains})
        return 0
    for number, chain in enumerate(chains):
        if number:
            print()
        _print_chain(chain, with_files=line.has("files"))
    return 0


def _named(paths: Iterable[StorePath], text: str) -> list[StorePath]:
    """The items that a specification means, going by their names alone."""
    from larix.formats.storepath import name_part
    from larix.packages.specification import parse_specification
    from larix.packages.versions import split_name, version_matches

    wanted = parse_specification(text)
    found: list[StorePath] = []
    for path in paths:
        name, version = split_name(name_part(path))
        if wanted.output is not None:
            if not name_part(path).endswith(f"-{wanted.output}"):
                continue
            name, version = split_name(name_part(path).removesuffix(f"-{wanted.output}"))
        is_program = version.endswith("-builder")  # of a derivation, and no item of its own
        if name == wanted.name and version_matches(version, wanted.version) and not is_program:
            found.append(path)
    return sorted(found, key=lambda path: (name_part(path), path))


def _name(path: StorePath) -> str:
    from larix.formats.storepath import name_part
    from larix.packages.versions import split_name

    return split_name(name_part(path))[0]


def _print_chain(chain: Sequence[str], *, with_files: bool) -> None:
    for depth, path in enumerate(chain):
        lead = "   " * (depth - 1) + "└─ " if depth else ""
        print(f"{lead}{path}")
        if with_files and depth + 1 < len(chain):
            for file in _mentioning(path, chain[depth + 1]):
                print("   " * depth + f"   {file}")


def _mentioning(item: str, reference: str) -> list[str]:
    """The files of an item in which another's hash is found, by their names in it."""
    digits = reference.rpartition("/")[2][:32].encode()
    names = [item]
    for folder, folders, files in os.walk(item):
        folders.sort()
        names += [f"{folder}/{name}" for name in (*sorted(files), *folders)]
    found: list[str] = []
    for name in names:
        if os.path.islink(name):
            if digits in os.readlink(os.fsencode(name)):
                found.append(tr("{file} (a link)", file=os.path.relpath(name, item)))
        elif os.path.isfile(name) and _is_in_file(digits, name):
            found.append("(itself)" if name == item else os.path.relpath(name, item))
    return found


def _is_in_file(digits: bytes, file: str) -> bool:
    with open(file, "rb") as stream:
        if os.fstat(stream.fileno()).st_size < len(digits):
            return False
        with mmap(stream.fileno(), 0, access=ACCESS_READ) as view:
            return view.find(digits) >= 0
