"""JSON of nodes and arrows, in the manner of larix's other answers."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.graphs.graph import Graph

DESCRIPTION = "JSON for programs"
VERSION = 1


def write(graph: Graph, kind: str) -> Iterator[str]:
    document = {
        "version": VERSION,
        "type": kind,
        "roots": list(graph.roots),
        "nodes": [{"id": key, "label": node.label} for key, node in graph.nodes.items()],
        "edges": [{"from": key, "to": target} for key, targets in graph.arrows.items() for target in targets],
    }
    yield dumps(document, indent=2) + "\n"
