"""The language of Graphviz's `dot`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.graphs.graph import Graph

DESCRIPTION = "text for `dot` of Graphviz"

# Names of X11 that can be told apart, and read on white.
COLOURS = (
    *("firebrick", "darkorange3", "goldenrod4", "olivedrab4", "darkgreen", "darkcyan"),
    *("steelblue4", "blue3", "slateblue4", "darkviolet", "magenta4", "deeppink4", "gray30", "sienna4"),
)


def write(graph: Graph, kind: str) -> Iterator[str]:
    del kind
    yield 'digraph "Larix package" {\n'
    for key, node in graph.nodes.items():
        yield f"  {_quoted(key)} [label = {_quoted(node.label)}, shape = box, fontname = sans];\n"
    for key, targets in graph.arrows.items():
        colour = COLOURS[crc32(key.encode(errors="surrogateescape")) % len(COLOURS)]
        for target in targets:
            yield f"  {_quoted(key)} -> {_quoted(target)} [color = {colour}];\n"
    yield "}\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
