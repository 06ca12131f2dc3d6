"""GraphML, the XML that graph editors read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.graphs.graph import Graph

DESCRIPTION = "XML that graph editors and libraries read"

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="label" for="node" attr.name="label" attr.type="string"/>
  <key id="kind" for="graph" attr.name="kind" attr.type="string"/>
  <graph id="larix" edgedefault="directed">
"""


def write(graph: Graph, kind: str) -> Iterator[str]:
    yield _HEAD
    yield f'    <data key="kind">{escape(kind)}</data>\n'
    for key, node in graph.nodes.items():
        yield f'    <node id={quoteattr(key)}><data key="label">{escape(node.label)}</data></node>\n'
    for key, targets in graph.arrows.items():
        for target in targets:
            yield f"    <edge source={quoteattr(key)} target={quoteattr(target)}/>\n"
    yield "  </graph>\n</graphml>\n"
