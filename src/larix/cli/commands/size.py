"""`larix size PACKAGE-OR-ITEM...`: how much items of the store and all that they refer to weigh."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.building import LOAD_PATH
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.graphs.graph import Graph
    from larix.graphs.sizes import Weight

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "tell how much items take on disk, with all that they refer to"
ORDERS = ("closure", "self")
OPTIONS = (
    Option("sort", argument="KEY", help="sort by `closure' (the default) or by `self'", choices=ORDERS),
    Option("roots", help="tell who holds how much of the store: users, profiles, generations, other roots"),
    Option("map-file", "m", "FILE", "write a page that shows the sizes as areas to FILE"),
    Option("system", "s", "SYSTEM", "consider packages as on SYSTEM"),
    LOAD_PATH,
    Option("json", help="print JSON, with sizes in bytes"),
)
GRAMMAR = Grammar(
    "size",
    "size [OPTION]... PACKAGE-OR-ITEM...",
    "Tell the sizes of PACKAGEs, items of the store or profiles, and of all that they refer to: in all, by\n"
    "themselves, and what of it others in the table need as well. Sizes are those of archives.",
    (("", OPTIONS),),
)
MEBIBYTE = 1 << 20


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    order = line.last("sort") or "closure"
    if order not in ORDERS:
        hint = diagnostics.did_you_mean(order, ORDERS) or tr("use {orders}", orders=tr(" or ").join(ORDERS))
        raise UsageError(tr("{order}: invalid sorting key", order=order), hint=hint)
    if line.has("roots"):
        line.no_operands()
    elif not line.operands:
        raise UsageError(tr("missing store item argument"))
    map_file = line.last("map-file")
    if map_file is not None and map_file.endswith((".png", ".svg", ".pdf")):
        raise UsageError(
            tr("'{map_file}': maps are pages for browsers", map_file=map_file),
            hint=tr("give a name that ends in `.html'"),
        )
    if line.has("roots"):
        return _print_holdings(map_file, as_json=line.has("json"))
    from larix.cli.session import open_session
    from larix.graphs.kinds import item_graph
    from larix.graphs.sizes import weights

    with closing(open_session()) as session:
        roots = _roots(session, line)
        infos = session.store.path_infos(session.store.closure(roots))
    graph = item_graph(roots, infos)
    sizes: dict[str, int] = {path: info.nar_size for path, info in infos.items()}
    found = weights(graph.arrows, sizes, graph.roots)
    total = sum(sizes.values())
    if map_file is not None:
        names = ", ".join(graph.nodes[key].label for key in graph.roots[:3])
        if len(graph.roots) > 3:
            names = tr("{names} and others", names=names)
        _write_map(map_file, names, graph, found, total)
    rows = sorted(
        found.items(),
        key=lambda row: (-(row[1].total if order == "closure" else row[1].own), -row[1].own, row[0]),
    )
    if line.has("json"):
        _print_json(rows, total)
    else:
        _print_table(rows, total)
    return 0


def _print_holdings(map_file: str | None, *, as_json: bool) -> int:
    from larix.cli.holding import Held, print_holdings
    from larix.cli.session import open_session

    with closing(open_session()) as session:
        held = Held(session, with_items=map_file is not None)
        if map_file is not None:
            found = held.inventory
            _write_map(map_file, session.store.store_dir, found.graph, found.weights, found.held)
    print_holdings(held, as_json=as_json)
    return 0


def _roots(session: Session, line: CommandLine) -> list[StorePath]:
    from larix.cli.items import Items, NotInStore
    from larix.protocol import PathNotValid

    items = Items(session, line)
    try:
        return list(dict.fromkeys(path for text in line.operands for path in items.find(text)))
    except (PathNotValid, NotInStore) as error:
        name = error.name if isinstance(error, NotInStore) else ""
        told = tr("no available substitute information for '{path}'", path=error.path)
        raise NotInStore(error.path, name=name, message=told) from error


def _percent(size: int, total: int) -> float:
    return 100 * size / total if total else 0.0


def _print_table(rows: Sequence[tuple[str, Weight]], total: int) -> None:
    width = max(len(path) for path, _ in rows)
    item, whole, own, shared = tr("store item"), tr("total"), tr("self"), tr("shared")
    print(f"{item:<{width}}  {whole:>8}  {own:>8}  {'':>6}  {shared:>8}")
    for path, weight in rows:
        numbers = (weight.total / MEBIBYTE, weight.own / MEBIBYTE)
        print(
            f"{path:<{width}}  {numbers[0]:8.1f}  {numbers[1]:8.1f}  {_percent(weight.own, total):5.1f}%  "
            f"{weight.shared / MEBIBYTE:8.1f}"
        )
    print(tr("total: {size:.1f} MiB", size=total / MEBIBYTE))


def _print_json(rows: Sequence[tuple[str, Weight]], total: int) -> None:
    from larix.cli.tables import print_json

    print_json(
        total=total,
        items=[
            {
                "path": path,
                "closure": weight.total,
                "self": weight.own,
                "percent": round(_percent(weight.own, total), 3),
                "shared": weight.shared,
            }
            for path, weight in rows
        ],
    )


def _write_map(file: str, title: str, graph: Graph, found: Mapping[str, Weight], total: int) -> None:
    from larix.graphs.pages import page

    keys = list(found)
    numbers = {key: number for number, key in enumerate(keys)}
    users: list[list[int]] = [[] for _ in keys]
    for key in keys:
        for target in graph.arrows[key]:
            users[numbers[target]].append(numbers[key])
    data = {
        "items": [
            {
                "name": graph.nodes[key].label,
                "path": graph.nodes[key].name,
                "own": weight.own,
                "total": weight.total,
                "shared": weight.shared,
                "under": numbers[weight.under] if weight.under else -1,
                "users": users[numbers[key]],
            }
            for key, weight in found.items()
        ],
        "total": total,
    }
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(page("treemap", f"{title}: {total / MEBIBYTE:.1f} MiB", data))
