"""`larix graph` on small packages: what it writes is read back by what such texts are for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.slow

MORE = """
free = [licenses.gpl3_plus, licenses.public_domain]
top = simple("top", "2.0", inputs=lambda: [middle, alpha], license=free)
middle = simple("middle", "1.5", native_inputs=lambda: [alpha], inputs=lambda: [beta], home_page="https://m.example/")
"""


@pytest.fixture
def larix(reader):
    with open(reader.folder / "packages" / "small.py", "a") as file:
        file.write(MORE)
    (reader.folder / "shell").write_text("no shell, as nothing is built")
    return reader


def edges(text):
    return re.findall(r'^  "([^"]+)" -> "([^"]+)" \[color = \w+\];$', text, re.MULTILINE)


def test_dot_is_what_graphviz_and_scripts_expect(larix):
    text = larix.succeed("graph", "top")
    lines = text.splitlines()
    assert lines[0] == 'digraph "Larix package" {'
    assert lines[1] == '  "top@2.0" [label = "top@2.0", shape = box, fontname = sans];'
    assert lines[-1] == "}"
    assert edges(text) == [
        ("top@2.0", "middle@1.5"),
        ("top@2.0", "alpha@1.0"),
        ("middle@1.5", "alpha@1.0"),
        ("middle@1.5", "beta@1.0"),
    ]
    assert larix.succeed("graph", "top") == text


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_dot_is_drawn_by_graphviz(larix):
    text = larix.succeed("graph", "-t", "derivation", "top")
    done = subprocess.run(["dot", "-Tpdf"], input=text.encode(), capture_output=True, check=True)
    assert done.stdout.startswith(b"%PDF")


def test_depth_ends_the_graph(larix):
    assert edges(larix.succeed("graph", "-M", "0", "top")) == []
    assert len(edges(larix.succeed("graph", "--max-depth=1", "top"))) == 2
    assert "not a number: 'max-depth'" in larix("graph", "-M", "x", "top").stderr


def test_reverse_graphs_show_the_users(larix):
    found = edges(larix.succeed("graph", "-t", "reverse-package", "alpha"))
    assert ("alpha@1.0", "middle@1.5") in found
    assert ("middle@1.5", "top@2.0") in found
    assert ("alpha@1.0", "delta@1.0") in found
    assert ("beta@1.0", "middle@1.5") not in found


def test_transformations_and_expressions_change_the_graph(larix):
    text = larix.succeed("graph", "top", "--with-input=alpha=gamma")
    assert ("middle@1.5", "gamma@1.0") in edges(text)
    assert "alpha" not in text
    assert 'label = "alpha@9"' in larix.succeed("graph", "-e", "alpha.inherit(version='9')")


def test_modules_are_those_that_texts_import(larix):
    (larix.folder / "packages" / "other.py").write_text(
        "from small import simple\n"
        "def late():\n    import third\n    return [third.three]\n"
        "other = simple('other', '1', inputs=late)\n"
    )
    (larix.folder / "packages" / "third.py").write_text(
        "from small import simple\nthree = simple('three', '1')\n"
    )
    found = edges(larix.succeed("graph", "-t", "module", "other"))
    assert found == [("other", "small"), ("other", "third"), ("third", "small")]


def test_derivations_need_no_store(larix):
    text = larix.succeed("graph", "-t", "derivation", "top")
    assert re.search(r'"/[^"]+/store/\w{32}-top-2.0.drv" -> "/[^"]+-middle-1.5.drv"', text)
    assert 'label = "shell"' in text
    assert not (larix.folder / "store").exists() or not list((larix.folder / "store").glob("*.drv"))


def test_the_way_from_one_to_another_is_a_line_each(larix):
    assert larix.succeed("graph", "--path", "top", "beta") == "top@2.0\nmiddle@1.5\nbeta@1.0\n"
    assert json.loads(larix.succeed("graph", "--json", "--path", "top", "alpha"))["path"] == [
        "top@2.0",
        "alpha@1.0",
    ]
    done = larix("graph", "--path", "beta", "top")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: no path from 'beta@1.0' to 'top@2.0'" in done.stderr
    for words in (["top"], ["top", "beta", "alpha"]):
        assert "'--path' option requires exactly two nodes" in larix("graph", "--path", *words).stderr


def test_a_variant_on_the_way_is_found_by_its_name(larix):
    way = larix.succeed("graph", "--path", "--with-input=alpha=gamma", "top", "middle")
    assert way == "top@2.0\nmiddle@1.5\n"


def test_json_graphml_and_cypher_tell_the_same(larix):
    told = json.loads(larix.succeed("graph", "-b", "json", "top"))
    assert (told["version"], told["type"], told["roots"]) == (1, "package", ["top@2.0"])
    pairs = {(edge["from"], edge["to"]) for edge in told["edges"]}
    assert pairs == set(edges(larix.succeed("graph", "top")))
    assert json.loads(larix.succeed("graph", "--json", "top")) == told
    root = ET.fromstring(larix.succeed("graph", "-b", "graphml", "top"))
    name = "{http://graphml.graphdrawing.org/xmlns}"
    read = {(edge.get("source"), edge.get("target")) for edge in root.iter(f"{name}edge")}
    assert read == pairs
    cypher = larix.succeed("graph", "-b", "cypher", "top")
    assert cypher.count("MERGE (n:Item") == 4
    assert cypher.count("[:NEEDS]") == 4


def test_a_bill_of_materials_has_licences_and_dependencies(larix):
    told = json.loads(larix.succeed("graph", "-b", "cyclonedx-json", "top"))
    assert (told["bomFormat"], told["specVersion"], told["version"]) == ("CycloneDX", "1.6", 1)
    top = told["metadata"]["component"]
    assert (top["name"], top["version"]) == ("top", "2.0")
    assert [each["license"].get("id") or each["license"]["name"] for each in top["licenses"]] == [
        "GPL-3.0-or-later",
        "Public Domain",
    ]
    components = {each["bom-ref"]: each for each in told["components"]}
    assert set(components) == {"middle@1.5", "alpha@1.0", "beta@1.0"}
    assert components["middle@1.5"]["externalReferences"] == [
        {"type": "website", "url": "https://m.example/"}
    ]
    needs = {each["ref"]: each.get("dependsOn") for each in told["dependencies"]}
    assert needs["middle@1.5"] == ["alpha@1.0", "beta@1.0"]
    assert set(needs) == {*components, "top@2.0"}
    assert "purl" not in json.dumps(told)
    assert larix.succeed("graph", "-b", "cyclonedx-json", "top") == json.dumps(told, indent=2) + "\n"


def test_a_page_is_whole_in_itself(larix):
    text = larix.succeed("graph", "-b", "d3js", "-e", "alpha.inherit(name='a', version='1')")
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert json.loads(data[1]) == {"nodes": ["a@1"], "edges": [], "roots": [0]}
    assert not re.search(r"(src|href)=|https?://|@import|url\(", text)


def test_lists_and_mistakes_are_told_as_in_the_field(larix):
    listed = larix.succeed("graph", "--list-types")
    assert listed.startswith("The available node types are:\n\n  - package: ")
    assert larix.succeed("graph", "--list-backends").startswith("The available backend types are:\n\n  - ")
    types = json.loads(larix.succeed("graph", "--list-types", "--json"))["types"]
    assert {each["name"] for each in types} >= {"bag", "bag-emerged", "derivation", "referrers"}
    done = larix("graph", "-t", "pakage", "top")
    assert done.returncode == 1
    assert "larix graph: error: pakage: unknown node type\nhint: Did you mean `package'?" in done.stderr
    assert "nosuch: unknown backend" in larix("graph", "-b", "nosuch", "top").stderr
    assert "topp: unknown package" in larix("graph", "topp").stderr
    assert "missing arguments" in larix("graph").stderr
    assert "is not a package" in larix("graph", "-e", "42").stderr


def test_items_of_the_store_are_drawn_from_its_table(builder):
    with open(builder.folder / "packages" / "small.py", "a") as file:
        file.write(
            "user = simple('user', '1', inputs=lambda: [alpha], arguments={'script': "
            "'mkdir $out; echo /*/store/*-alpha-1.0 > $out/f; echo " + "$alpha" + " >> $out/f'})\n"
        )
    alpha = builder.succeed("build", "-q", "alpha").strip()
    assert edges(builder.succeed("graph", "-t", "references", "alpha")) == []
    drv = builder.succeed("build", "-d", "user").strip()
    found = edges(
        builder.succeed("graph", "-t", "referrers", builder.succeed("build", "-d", "alpha").strip())
    )
    assert [end for _, end in found] == [drv]
    text = builder.succeed("graph", "-t", "derivation", drv)
    assert any(start == drv and end.endswith("-alpha-1.0.drv") for start, end in edges(text))
    assert edges(builder.succeed("graph", "-t", "derivation", "user")) != []
    assert builder.succeed("graph", "-t", "derivation", alpha).count("alpha-1.0.drv") > 1
    done = builder("graph", "-t", "package", alpha)
    assert "is an item of the store, and the nodes of `package' are packages" in done.stderr
    done = builder("graph", "-t", "references", "beta")
    assert done.returncode == 1
    assert "is not in the store\nhint: `larix build beta' makes it" in done.stderr
    assert builder("graph", "-t", "derivation", drv, "user").returncode == 1


def test_a_bill_of_what_is_in_the_store_has_licences_and_archives(builder):
    with open(builder.folder / "packages" / "small.py", "a") as file:
        file.write(
            "alpha_free = simple('free', '1.0', license=licenses.gpl3_plus, home_page='https://f.example/')\n"
        )
    builder.succeed("package", "-p", "p", "-i", "free")
    path = builder.succeed("package", "-p", "p", "-I").split()[-1]
    for asked in (["./p"], ["free"]):
        told = json.loads(builder.succeed("graph", "-t", "references", "-b", "cyclonedx-json", *asked))
        components = [told["metadata"]["component"], *told["components"]]
        (free,) = [each for each in components if each["name"] == "free"]
        assert (free["version"], free["bom-ref"]) == ("1.0", path)
        assert [each["license"]["id"] for each in free["licenses"]] == ["GPL-3.0-or-later"]
        assert free["hashes"][0]["alg"] == "SHA-256"
        assert free["properties"] == [{"name": "larix:store-path", "value": path}]
        assert {"type": "website", "url": "https://f.example/"} in free["externalReferences"]
    assert told["dependencies"] == [{"ref": path}]
