from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from larix.graphs.drawing import all_backends, backend_names
from larix.graphs.graph import Graph, Node

WILD = "a \"b\" <c> & 'd' \\ </script>\n"
GRAPH = Graph({"k": Node("k", WILD, WILD), WILD: Node(WILD, "x", "x")}, {"k": (WILD,), WILD: ()}, ("k",))


def text_of(name: str) -> str:
    backend = next(each for each in all_backends() if each.name == name)
    return "".join(backend.write(GRAPH, "package"))


def test_a_tree_shows_nothing_twice() -> None:
    nodes = {key: Node(key, key, key) for key in "abcde"}
    graph = Graph(nodes, {"a": ("b", "c"), "b": ("d",), "c": ("b", "d", "e"), "d": ("e",), "e": ()}, ("a",))
    tree = next(each for each in all_backends() if each.name == "tree")
    assert "".join(tree.write(graph, "package")).splitlines() == [
        "a",
        "├─ b",
        "│  └─ d",
        "│     └─ e",
        "└─ c",
        "   ├─ b (see above)",
        "   ├─ d (see above)",
        "   └─ e",
    ]
    around = Graph({key: nodes[key] for key in "ab"}, {"a": ("b",), "b": ("a",)}, ("a",))
    assert list(tree.write(around, "package")) == ["a\n", "└─ b\n", "   └─ a (see above)\n"]


def test_backends_are_found_by_listing_the_folder() -> None:
    assert {"graphviz", "graphml", "json", "cyclonedx-json", "d3js", "cypher"} <= set(backend_names())
    assert all(each.description for each in all_backends())


@pytest.mark.parametrize("name", backend_names())
def test_any_label_is_written_so_that_it_is_read_back(name: str) -> None:
    text = text_of(name)
    if name == "graphml":
        root = ET.fromstring(text)
        found = [each.text for each in root.iter("{http://graphml.graphdrawing.org/xmlns}data")]
        assert WILD in found
    elif name == "d3js":
        data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
        assert data is not None
        assert json.loads(data[1])["nodes"] == [WILD, "x"]
        assert "</script>\n" not in text.partition("<body>")[0]
    elif name == "tree":
        assert text.splitlines() == [" ".join(WILD.split()), "└─ x"]
    elif name.endswith("json"):
        assert WILD in str(json.loads(text)) or json.dumps(WILD) in text
    else:
        written = re.findall(r'"((?:[^"\\]|\\.)*)"' if name == "graphviz" else r"'((?:[^'\\]|\\.)*)'", text)
        plain = [
            re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], each) for each in written
        ]
        assert WILD in plain
