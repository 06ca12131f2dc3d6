"""Sealed deployments, replayed on what stands for another machine: the store directory with nothing in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from larix.profiles import generation
from larix.profiles.notes import read_notes
from larix.store.atomic import remove_tree
from repositories import git

pytestmark = pytest.mark.slow


def names(larix, profile):
    return [line.split()[0] for line in larix.succeed("package", "-p", profile, "-I").splitlines()]


def seal(larix, *words):
    """Seal a profile into `d.json`; what was warned of."""
    done = larix("seal", *words)
    assert done.returncode == 0, done.stderr
    (larix.folder / "d.json").write_text(done.stdout)
    return done.stderr


def another_machine(larix):
    """Its store is empty, and its catalogue a folder of another name that must be named."""
    remove_tree(str(larix.folder / "store"))
    remove_tree(str(larix.folder / "var"))
    for name in ("p", "p-1-link", "p-2-link"):
        (larix.folder / name).unlink(missing_ok=True)
    catalogue = larix.folder / "elsewhere" / "catalogue"
    shutil.copytree(larix.folder / "packages", catalogue, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(larix.folder / "packages")
    del larix.environment["LARIX_PACKAGE_PATH"]
    return catalogue


def test_a_profile_is_made_again_the_same_to_the_bit(builder):
    builder.succeed("package", "-p", "./p", "-i", "alpha@0.9", "beta")
    builder.succeed("package", "-p", "./p", "-i", "delta", "--with-input=alpha=gamma", "-r", "beta")
    item = os.path.realpath(builder.folder / "p")
    assert seal(builder, "./p") == ""
    catalogue = another_machine(builder)
    planned = json.loads(
        builder.succeed("replay", "d.json", "-p", "./q", "-L", str(catalogue), "-n", "--json")
    )
    assert planned["profile"] == item
    assert [each["found"] for each in planned["catalogues"]] == [True, True]
    assert [each["name"] for each in planned["catalogues"]] == ["packages", "larixpkgs"]
    assert "cost" in planned
    assert len(planned["derivations"]) == 4
    assert not os.path.lexists(builder.folder / "q")
    done = builder("replay", "d.json", "-p", "./q", "-L", str(catalogue), "--tag=2026-11-29")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("bit-identical: 4 items, ")
    assert os.path.realpath(builder.folder / "q") == item
    assert names(builder, "./q") == ["alpha", "delta"]
    ran = subprocess.run([builder.folder / "q/bin/alpha"], capture_output=True, text=True, check=True)
    assert ran.stdout == "alpha 0.9\n"
    assert read_notes(f"{builder.folder}/q")[1].tags == ("2026-11-29",)
    assert builder.succeed("seal", "./q") == (builder.folder / "d.json").read_text()
    again = builder.succeed("replay", "d.json", "-p", "./q", "-L", str(catalogue), "--check-contents")
    assert again == done.stdout
    assert generation.generations(f"{builder.folder}/q") == [1]


def test_what_differs_is_named_and_does_not_go_live(builder):
    builder.succeed("package", "-p", "./p", "-i", "alpha", "noisy")
    seal(builder, "./p")
    catalogue = another_machine(builder)
    done = builder("replay", "d.json", "-p", "./q", "-L", str(catalogue))
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert lines[0].startswith("differs: ")
    assert lines[0].endswith("-noisy-1.0")
    assert lines[1].startswith("  expected sha256:")
    assert lines[2].startswith("  found    sha256:")
    assert lines[3] == "1 of 3 items differ"
    assert not os.path.lexists(builder.folder / "q")
    done = builder("replay", "d.json", "-p", "./q", "-L", str(catalogue), "--accept-differences", "--json")
    assert done.returncode == 2
    result = json.loads(done.stdout)
    assert (result["version"], result["identical"], result["generation"]) == (1, False, 1)
    assert [each["path"] for each in result["differing"]] == [lines[0].removeprefix("differs: ")]
    assert (result["missing"], result["extra"]) == ([], [])
    assert names(builder, "./q") == ["alpha", "noisy"]


def test_damage_on_the_disk_is_seen_when_contents_are_read(builder):
    builder.succeed("package", "-p", "./p", "-i", "alpha")
    seal(builder, "./p")
    program = os.path.realpath(builder.folder / "p" / "bin" / "alpha")
    os.chmod(program, 0o755)
    with open(program, "a") as file:
        file.write("echo more\n")
    assert builder("replay", "d.json", "-p", "./q").stdout.startswith("bit-identical: ")
    done = builder("replay", "d.json", "-p", "./r", "--check-contents")
    assert done.returncode == 2
    assert done.stdout.startswith(f"differs: {os.path.dirname(os.path.dirname(program))}\n")
    assert not os.path.lexists(builder.folder / "r")


def test_another_catalogue_is_told_and_matters_if_packages_do(builder):
    folder = builder.folder / "packages"
    git(folder, "init", "-q")
    git(folder, "add", "small.py")
    git(folder, "commit", "-q", "-m", "x")
    git(folder, "remote", "add", "origin", "https://example.org/small.git")
    commit = git(folder, "rev-parse", "HEAD")
    builder.succeed("package", "-p", "./p", "-i", "alpha", "beta")
    seal(builder, "./p")
    catalogue = another_machine(builder)
    small = catalogue / "small.py"
    small.write_text(small.read_text() + "# changed\n")
    done = builder("replay", "d.json", "-p", "./q", "-L", str(catalogue))
    assert done.returncode == 0
    assert done.stderr.startswith(
        f"larix replay: warning: no folder here is the catalogue small at commit {commit}\n"
        f"hint:   git clone https://example.org/small.git small-{commit[:12]}\n"
        f"hint:   git -C small-{commit[:12]} checkout {commit}\n"
    )
    assert done.stdout.startswith("bit-identical: ")
    remove_tree(str(builder.folder / "store"))
    remove_tree(str(builder.folder / "var"))
    builder.succeed("package", "-p", "./old", "-i", "gamma", "-L", str(catalogue))
    small.write_text(
        small.read_text().replace('beta = simple("beta", "1.0")', 'beta = simple("beta", "1.1")')
    )
    small.write_text(
        small.read_text().replace(
            'alpha = simple("alpha", "1.0")',
            'alpha = simple("alpha", "1.0", synopsis="x", arguments={"script": "mkdir $out"})',
        )
    )
    done = builder("replay", "d.json", "-p", "./old", "-L", str(catalogue))
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    start = lines.index("larix replay: error: 2 packages come out otherwise than in the deployment:")
    assert lines[start + 1].startswith("  alpha@1.0 ")
    assert lines[start + 1].rpartition(": ")[2].endswith("-alpha-1.0")
    assert lines[start + 2].startswith("  beta@1.0 ")
    assert lines[start + 2].endswith(": no such package")
    assert names(builder, "./old") == ["gamma"]
    git(builder.folder, "clone", "-q", str(catalogue), "cloned")
    done = builder("replay", "d.json", "-p", "./old", "-L", "cloned")
    assert done.returncode == 0
    assert "warning" not in done.stderr
    assert names(builder, "./old") == ["alpha", "beta"]


def test_a_generation_is_sealed_by_number_or_tag(builder):
    builder.succeed("package", "-p", "./p", "-i", "alpha", "--tag=live")
    builder.succeed("package", "-p", "./p", "-i", "beta")
    first = builder.succeed("seal", "./p", "--generation=1")
    assert builder.succeed("seal", "./p", "-g", "live") == first
    assert [each["specification"] for each in json.loads(first)["packages"]] == ["alpha@1.0"]
    assert builder.succeed("seal", "./p", "--json") != first


def test_what_is_hard_to_replay_is_told_when_it_is_sealed(builder):
    folder = builder.folder / "packages"
    git(folder, "init", "-q")
    git(folder, "add", "small.py")
    git(folder, "commit", "-q", "-m", "x")
    (folder / "note.txt").write_text("not in the commit")
    builder.succeed("package", "-p", "./p", "-i", "alpha")
    told = seal(builder, "./p")
    assert "warning: the catalogue packages had changes that are not in commit " in told
    path = json.loads((builder.folder / "d.json").read_text())["packages"][0]["path"]
    builder.succeed("package", "-p", "./q", "-i", path)
    assert "warning: nothing tells where alpha@1.0 was defined" in seal(builder, "./q")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seal", "./none"], "larix seal: error: profile './none' does not exist"),
        (["seal", "a", "b"], "larix seal: error: b: extraneous argument"),
        (["replay"], "larix replay: error: missing argument: no deployment given"),
        (["replay", "a", "b"], "larix replay: error: b: extraneous argument"),
        (["replay", "none.json"], "larix replay: error: cannot read 'none.json': No such file or directory"),
        (["replay", "."], "larix replay: error: cannot read '.': Is a directory"),
        (["replay", "packages/small.py"], "packages/small.py:2: error: not a deployment: "),
        (["replay", "none.json", "--tag=7"], "larix replay: error: '7' cannot be a tag"),
    ],
)
def test_mistakes_are_one_line(reader, words, message):
    done = reader(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_other_machines_and_stores_are_refused(builder):
    larix = builder
    larix.succeed("package", "-p", "./p", "-i", "alpha")
    seal(larix, "./p")
    text = (larix.folder / "d.json").read_text()
    (larix.folder / "arm.json").write_text(text.replace('"x86_64-linux"', '"aarch64-linux"'))
    done = larix("replay", "arm.json", "-p", "./q")
    assert done.returncode == 1
    assert "the deployment is for aarch64-linux, and this machine is x86_64-linux\n" in done.stderr
    (larix.folder / "far.json").write_text(text.replace(str(larix.layout.store_dir), "/far/store"))
    done = larix("replay", "far.json", "-p", "./q")
    assert done.returncode == 1
    assert (
        f"the deployment is for the store `/far/store', and this is `{larix.layout.store_dir}'" in done.stderr
    )
    assert "hint: " in done.stderr
    done = larix("replay", "d.json", "-p", "./no/where/q")
    assert done.returncode == 1
    assert "cannot make profile './no/where/q': there is no directory" in done.stderr
    assert not os.path.lexists(larix.folder / "q")
