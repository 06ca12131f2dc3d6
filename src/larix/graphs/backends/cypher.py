"""Statements of Cypher, the language of graph databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.graphs.graph import Graph

DESCRIPTION = "statements for graph databases"


def write(graph: Graph, kind: str) -> Iterator[str]:
    """Merging makes it harmless to load a graph twice, or two that overlap."""
    for key, node in graph.nodes.items():
        yield (
            f"MERGE (n:Item {{id: {_quoted(key)}}}) SET n.label = {_quoted(node.label)}, "
            f"n.kind = {_quoted(kind)};\n"
        )
    for key, targets in graph.arrows.items():
        for target in targets:
            yield (
                f"MATCH (a:Item {{id: {_quoted(key)}}}), (b:Item {{id: {_quoted(target)}}}) "
                "MERGE (a)-[:NEEDS]->(b);\n"
            )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
