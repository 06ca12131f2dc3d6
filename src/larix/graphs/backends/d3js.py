"""A page for browsers that shows the graph and answers to the pointer.

It has the name that scripts know, and no D3 in it: a page that fetched a library would show nothing without
the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.graphs.pages import page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.graphs.graph import Graph

DESCRIPTION = "a page for browsers, whole in itself"


def write(graph: Graph, kind: str) -> Iterator[str]:
    numbers = {key: number for number, key in enumerate(graph.nodes)}
    names = ", ".join(graph.nodes[key].label for key in graph.roots[:3])
    more = " and others" if len(graph.roots) > 3 else ""
    data = {
        "nodes": [node.label for node in graph.nodes.values()],
        "edges": [
            [numbers[key], numbers[target]] for key, targets in graph.arrows.items() for target in targets
        ],
        "roots": [numbers[key] for key in graph.roots],
    }
    yield page("graph", f"{names}{more}: {kind} graph", data)
