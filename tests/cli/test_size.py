"""`larix size` and `larix why` of items that refer to each other, in a store of their own."""

from __future__ import annotations

import json
import re

import pytest

from larix.derivation import text_source
from larix.formats.storepath import StorePath
from larix.store import open_local_store

pytestmark = pytest.mark.slow

REFERENCES = {"base-1": [], "left-2.0": ["base-1"], "right-1": ["base-1"], "top-3": ["left-2.0", "right-1"]}


@pytest.fixture
def items(larix):
    """Four items: two ways lead from the top to the base. They weigh what their names say."""
    found: dict[str, StorePath] = {}
    with open_local_store(larix.layout) as store:
        for name, needs in REFERENCES.items():
            paths = [found[each] for each in needs]
            text = f"{' '.join(paths)} {'x' * 1000 * len(name)}"
            source = text_source(store.store_dir, name, text.encode(), paths)
            store.instantiate([], [source])
            found[name] = source.path
    return found


def test_table_has_closures_and_what_is_shared(larix, items):
    lines = larix.succeed("size", items["top-3"]).splitlines()
    assert lines[0].split() == ["store", "item", "total", "self", "shared"]
    assert [line.split()[0] for line in lines[1:-1]] == [
        items[name] for name in ("top-3", "left-2.0", "right-1", "base-1")
    ]
    assert re.fullmatch(r"\S+ +\d+\.\d +\d+\.\d +\d+\.\d% +\d+\.\d", lines[1])
    assert re.fullmatch(r"total: 0\.0 MiB", lines[-1])


def test_json_has_bytes_that_add_up(larix, items):
    told = json.loads(larix.succeed("size", "--json", "--sort=self", items["top-3"]))
    rows = {row["path"]: row for row in told["items"]}
    assert told["version"] == 1
    assert sum(row["self"] for row in told["items"]) == told["total"]
    assert [row["self"] for row in told["items"]] == sorted(
        (row["self"] for row in told["items"]), reverse=True
    )
    base, left, top = (rows[items[name]] for name in ("base-1", "left-2.0", "top-3"))
    assert left["closure"] == left["self"] + base["self"]
    assert (left["shared"], top["shared"], base["shared"]) == (base["self"], 0, 0)
    assert top["closure"] == told["total"]
    assert abs(sum(row["percent"] for row in told["items"]) - 100) < 0.1


def test_map_is_a_page_that_is_whole_in_itself(larix, items):
    larix.succeed("size", "-m", "map.html", items["top-3"])
    text = (larix.folder / "map.html").read_text()
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    drawn = json.loads(data[1])
    names = [item["name"] for item in drawn["items"]]
    under = {item["name"]: names[item["under"]] if item["under"] >= 0 else None for item in drawn["items"]}
    assert under == {"top-3": None, "left-2.0": "top-3", "right-1": "top-3", "base-1": "top-3"}
    assert not re.search(r"(src|href)=|https?://|@import|url\(", text)
    assert "`.html'" in larix("size", "-m", "map.png", items["top-3"]).stderr
    done = larix("size", "-m", "nosuch/map.html", items["top-3"])
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_mistakes_of_size_are_told(larix, items, reader):
    assert "missing store item argument" in larix("size").stderr
    assert "Did you mean `closure'?" in larix("size", "--sort=closur", items["top-3"]).stderr
    gone = items["top-3"].replace("-top-", "-pot-")
    done = larix("size", gone)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"no available substitute information for '{gone}'" in done.stderr
    assert "is not in the store `" in larix("size", "/etc").stderr
    assert "nosuch: unknown package" in larix("size", "nosuch").stderr


def test_size_of_packages_is_that_of_their_outputs(builder):
    done = builder("size", "alpha")
    assert done.returncode == 1
    assert "no available substitute information for '" in done.stderr
    assert "hint: `larix build alpha' makes it" in done.stderr
    path = builder.succeed("build", "-q", "alpha").strip()
    assert path in builder.succeed("size", "alpha")
    assert builder.succeed("why", "alpha", "alpha") == f"{path}\n"


def test_why_draws_the_shortest_chain(larix, items):
    top, left, base = items["top-3"], items["left-2.0"], items["base-1"]
    chain = larix.succeed("why", top, base)
    assert chain in {f"{top}\n└─ {items[name]}\n   └─ {base}\n" for name in ("left-2.0", "right-1")}
    assert larix.succeed("why", top, "left") == f"{top}\n└─ {left}\n"
    assert larix.succeed("why", top, "left@2") == larix.succeed("why", top, left)


def test_why_finds_all_chains_or_some(larix, items):
    top, base = items["top-3"], items["base-1"]
    told = json.loads(larix.succeed("why", "--all", "--json", top, "base"))
    assert (told["from"], told["to"]) == (top, [base])
    assert {tuple(chain) for chain in told["chains"]} == {
        (top, items["left-2.0"], base),
        (top, items["right-1"], base),
    }
    assert larix.succeed("why", "--all", top, base).count(top) == 2
    assert larix.succeed("why", "--all=1", top, base).count(top) == 1


def test_profiles_are_named_by_their_links(builder):
    """They are built, since only what is built refers to others."""
    builder.succeed("package", "-p", "p", "-i", "alpha", "beta")
    told = json.loads(builder.succeed("size", "--json", "./p"))
    names = sorted(row["path"].rpartition("/")[2].partition("-")[2] for row in told["items"])
    assert names == ["alpha-1.0", "beta-1.0", "profile"]
    assert builder.succeed("size", "p") == builder.succeed("size", "./p")
    lines = builder.succeed("why", "--files", "p", "alpha").splitlines()
    assert lines[0].endswith("-profile")
    assert lines[1:-1] == ["   manifest", "   bin/alpha (a link)"]
    assert lines[-1].endswith("-alpha-1.0")


def test_why_tells_in_which_files_references_stand(larix, items):
    lines = larix.succeed("why", "--files", items["top-3"], "left").splitlines()
    assert lines == [items["top-3"], "   (itself)", f"└─ {items['left-2.0']}"]


def test_why_ends_with_one_where_nothing_leads(larix, items):
    for goal in (items["top-3"], "top", "top@9"):
        done = larix("why", items["left-2.0"], goal)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"error: no path from '{items['left-2.0']}' to '{goal}'" in done.stderr
    assert "Did you mean `base'?" in larix("why", items["top-3"], "bas").stderr
    assert "two arguments are needed" in larix("why", items["top-3"]).stderr
    assert "not a number: 'all'" in larix("why", "--all=x", items["top-3"], "base").stderr


def test_roots_are_told_with_what_deleting_them_would_free(builder):
    builder.succeed("package", "-p", "p", "-i", "alpha")
    builder.succeed("package", "-p", "p", "-i", "beta")
    builder.succeed("build", "-q", "gamma", "-r", "result")
    builder.succeed("build", "-q", "-e", "gamma.inherit(version='2')")
    told = json.loads(builder.succeed("size", "--roots", "--json"))
    (user,) = told["holders"]
    places = {part["name"]: part for part in user["parts"]}
    profile, root = (places[str(builder.folder.resolve() / name)] for name in ("p", "result"))
    assert (user["kind"], profile["kind"], root["kind"]) == ("user", "profile", "root")
    assert {part["name"] for part in profile["parts"]} == {"1", "2"}
    for part in (user, profile, root, *profile["parts"]):
        assert part["alone"] + part["shared"] == part["total"]
    sizes = {
        name: json.loads(builder.succeed("size", "--json", name))["items"][0]["self"]
        for name in ("beta", "gamma")
    }
    assert root["alone"] >= sizes["gamma"]
    assert next(part for part in profile["parts"] if part["name"] == "2")["alone"] >= sizes["beta"]
    lines = builder.succeed("size", "--roots", "-m", "roots.html").splitlines()
    assert lines[0].split() == ["total", "alone", "MiB", "held", "by"]
    assert any(line.endswith("    generation 1") for line in lines)
    assert "roots.html" in {file.name for file in builder.folder.iterdir()}
    assert builder("size", "--roots", "p").returncode == 1


def test_what_a_collection_frees_is_what_nothing_holds(builder):
    builder.succeed("package", "-p", "p", "-i", "alpha")
    builder.succeed("build", "-q", "beta")
    told = json.loads(builder.succeed("size", "--roots", "--json"))
    held = told["total"] - told["unheld"]
    builder.succeed("gc")
    told = json.loads(builder.succeed("size", "--roots", "--json"))
    assert (told["total"], told["unheld"]) == (held, 0)
