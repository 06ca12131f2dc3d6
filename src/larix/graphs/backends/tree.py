"""Lines for terminals: what each needs stands indented below it, and what was shown is not shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.graphs.graph import Graph

DESCRIPTION = "lines for a terminal"


def write(graph: Graph, kind: str) -> Iterator[str]:
    del kind
    shown: set[str] = set()
    # A key, and the text before it and before what is below it.
    todo: list[tuple[str, str, str]] = [(root, "", "") for root in reversed(graph.roots)]
    while todo:
        key, lead, below = todo.pop()
        needs = graph.arrows[key]
        is_again = key in shown and bool(needs)
        label = " ".join(graph.nodes[key].label.split())
        yield f"{lead}{label}{' (see above)' if is_again else ''}\n"
        if is_again:
            continue
        shown.add(key)
        for position, each in enumerate(reversed(needs)):
            is_last = position == 0
            todo.append(
                (each, f"{below}{'└─ ' if is_last else '├─ '}", f"{below}{'   ' if is_last else '│  '}")
            )
