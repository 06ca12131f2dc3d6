"""`--explain`: packages that are built, changed, and asked for again."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow

MORE = """
base = simple("base", "1.0")
middle = simple("middle", "1.0", inputs=lambda: [base])
top = simple("top", "1.0", inputs=lambda: [middle, alpha])
"""


@pytest.fixture
def larix(builder):
    with open(builder.folder / "packages" / "small.py", "a") as file:
        file.write(MORE)
    builder.succeed("build", "-q", "top")
    return builder


def change(larix, old, new):
    file = larix.folder / "packages" / "small.py"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def explained(larix, *words):
    done = larix("build", "-n", "--explain", "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["explanations"]


def test_what_is_there_needs_no_explanation(larix):
    assert explained(larix, "top") == []
    done = larix("build", "-n", "--explain", "top")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing to be done\n")


def test_a_change_far_down_is_named_with_its_place(larix):
    path = larix.succeed("build", "-q", "top").strip()
    change(larix, 'base = simple("base", "1.0")', 'base = simple("base", "1.1")')
    done = larix("build", "-n", "--explain", "top")
    assert done.returncode == 0
    assert done.stdout == ""
    assert f"Reasons to build top@1.0, compared with {path} of " in done.stderr
    assert "small.py:" in done.stderr
    assert ", by way of middle@1.0; 3 derivations are built for this:\n" in done.stderr
    assert "      version 1.0 → 1.1\n" in done.stderr
    (told,) = explained(larix, "top")
    assert (told["name"], told["compared"]["path"]) == ("top@1.0", path)
    (cause,) = told["causes"]
    assert [each["name"] for each in cause["subjects"]] == ["base@1.1"]
    assert cause["way"] == ["top@1.0", "middle@1.0"]
    assert cause["builds"] == 3
    assert {"kind": "version", "name": "", "from": "1.0", "to": "1.1", "location": None} in cause["changes"]


def test_new_and_lost_inputs_are_told(larix):
    change(larix, "inputs=lambda: [middle, alpha]", "inputs=lambda: [middle, beta]")
    ((cause,),) = [each["causes"] for each in explained(larix, "top")]
    found = {(each["kind"], each["from"], each["to"]) for each in cause["changes"]}
    assert found == {("input", "alpha-1.0", ""), ("input", "", "beta-1.0")}


def test_what_was_never_built_is_told_as_such_and_its_inputs_explained(larix):
    change(larix, 'base = simple("base", "1.0")', 'base = simple("base", "1.1")')
    with open(larix.folder / "packages" / "small.py", "a") as file:
        file.write('fresh = simple("fresh", "1.0", inputs=lambda: [base])\n')
    done = larix("build", "-n", "--explain", "fresh")
    assert "Reasons to build fresh@1.0: nothing of this name is there yet\n" in done.stderr
    assert "Reasons to build base@1.1, compared with /" in done.stderr


def test_builds_explain_themselves_before_they_start(larix):
    done = larix("build", "-q", "--explain", "top", "-e", "top.inherit(arguments={'script': 'mkdir $out'})")
    assert done.returncode == 0
    assert "Reasons to build top@1.0, compared with /" in done.stderr
    assert "mkdir $out" in done.stderr


def test_what_was_deleted_is_told_to_be_gone(larix):
    (path,) = larix.succeed("build", "-q", "beta").split()
    larix.succeed("gc", "-D", path)
    done = larix("build", "-n", "--explain", "beta")
    assert "Reasons to build beta@1.0: nothing of this name is there yet" in done.stderr


def test_changing_a_profile_compares_with_what_it_holds(larix):
    larix.succeed("package", "-p", "p", "-i", "top")
    held = larix.succeed("package", "-p", "p", "-I").split()[-1]
    # Newer, but not what the profile has.
    larix.succeed("build", "-q", "-e", "top.inherit(arguments={'script': 'mkdir $out; echo other'})")
    change(larix, 'base = simple("base", "1.0")', 'base = simple("base", "1.1")')
    done = larix("package", "-p", "p", "-n", "--explain", "-u")
    assert f"Reasons to build top@1.0, compared with {held} of " in done.stderr
    told = json.loads(larix.succeed("install", "-p", "p", "-n", "--explain", "--json", "top"))
    (explanation,) = told["explanations"]
    assert explanation["compared"]["path"] == held
    (cause,) = explanation["causes"]
    assert [each["kind"] for each in cause["changes"]] == ["version", "builder"]
    done = larix("upgrade", "-p", "p", "--explain")
    assert done.returncode == 0
    assert "Reasons to build top@1.0" in done.stderr
