"""`larix diff` of generations, profiles and items, after real builds."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def larix(builder):
    builder.succeed("package", "-p", "p", "-i", "alpha")
    builder.succeed("package", "-p", "p", "-i", "beta", "-r", "alpha", "--tag=second")
    builder.succeed("package", "-p", "q", "-i", "beta", "-e", "alpha.inherit(version='2.0')")
    return builder


def test_generations_are_compared_as_package_does(larix):
    told = larix.succeed("package", "-p", "p", "--diff", "1", "2")
    assert larix.succeed("diff", "-p", "p", "1", "2") == told
    assert larix.succeed("diff", "-p", "p", "1", "second") == told
    assert larix.succeed("diff", "-p", "p") == told
    assert "Generation 1 → 2" in told
    assert "generation 'third' of 'p' does not exist" in larix("diff", "-p", "p", "1", "third").stderr


def test_profiles_are_compared_by_what_they_hold(larix):
    lines = larix.succeed("diff", "p-1-link", "q").splitlines()
    assert lines[0] == "p-1-link → q"
    assert any("alpha" in line and "1.0 → 2.0" in line for line in lines)
    assert any("beta" in line for line in lines)
    told = json.loads(larix.succeed("diff", "--json", "./p", "./q"))
    assert told["compared"]["to"].endswith("-profile")
    assert [entry["name"] for entry in told["added"]] == ["alpha"]
    assert told["removed"] == told["upgraded"] == []
    assert told["size"]["to"] > told["size"]["from"]


def test_items_are_compared_by_closure_and_by_file(larix):
    old, new = (
        larix.succeed("build", "-q", "-e", f"alpha.inherit(version='{version}')").strip()
        for version in ("1.0", "2.0")
    )
    lines = larix.succeed("diff", old, new).splitlines()
    assert any("alpha 1.0 → 2.0" in line for line in lines)
    assert larix.succeed("diff", "--files", old, new) == ""
    other = larix.succeed(
        "build", "-q", "-e", "alpha.inherit(arguments={'script': 'mkdir -p $out/bin; echo x > $out/bin/x'})"
    ).strip()
    told = larix.succeed("diff", "--files", old, other)
    assert "bin/x: only in the second\n" in told
    assert "bin/alpha: only in the first\n" in told
    assert json.loads(larix.succeed("diff", "--files", "--json", old, other))["files"] == told.splitlines()


def test_mistakes_of_diff_are_told(larix):
    assert "two arguments are needed" in larix("diff", "p").stderr
    assert "alpha@7: unknown package" in larix("diff", "p", "alpha@7").stderr
    done = larix("diff", "p", "gamma")
    assert done.returncode == 1
    assert "is not in the store\nhint: `larix build gamma' makes it" in done.stderr
    assert "profile 'nosuch' does not exist" in larix("diff", "-p", "nosuch").stderr
