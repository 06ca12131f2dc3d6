"""`larix describe` in Git checkouts that are made for it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]

CHECKOUT = Path(__file__).parents[2]


def git(folder: Path, *words: str) -> str:
    settings = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *settings, "-C", str(folder), *words], capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(larix, tmp_path):
    """A larix that runs from a checkout of its own, with a commit and an address."""
    folder = tmp_path / "checkout"
    for name in ("src", "distro"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")
    git(folder, "remote", "add", "origin", "https://git.example/larix.git")
    larix.environment["PYTHONPATH"] = f"{folder / 'src'}:{folder / 'distro'}"
    return folder


def test_a_checkout_is_described_by_its_commit(larix, checkout):
    commit = git(checkout, "rev-parse", "HEAD")
    assert larix.succeed("describe") == (
        f"Git checkout:\n  repository: https://git.example/larix.git\n  branch: main\n  commit: {commit}\n"
    )
    channel = {"name": "larix", "url": "https://git.example/larix.git", "branch": "main", "commit": commit}
    assert json.loads(larix.succeed("describe", "-f", "json")) == [channel]
    told = json.loads(larix.succeed("describe", "--json"))
    assert told == {"version": 1, "channels": [channel | {"paths": ["src/larix", "distro/larixpkgs"]}]}
    lines = "".join(f"{name}: {value}\n" for name, value in channel.items())
    assert larix.succeed("describe", "--format=recutils") == lines
    for name in ("channels", "channels-sans-intro"):
        given: dict[str, object] = {}
        exec(larix.succeed("describe", "-f", name), given)
        assert given["channels"] == [channel]


def test_changes_that_are_in_no_commit_are_told(larix, checkout):
    (checkout / "distro" / "larixpkgs" / "new.py").write_text("")
    assert "  changes: there are files that differ from the commit\n" in larix.succeed("describe")
    assert "# larix: with changes that are not in the commit" in larix.succeed("describe", "-f", "channels")
    assert json.loads(larix.succeed("describe", "--json"))["channels"][0]["dirty"] is True


def test_folders_of_packages_are_captured_where_they_are_checkouts(larix, checkout, tmp_path):
    mine, loose = tmp_path / "mine", tmp_path / "loose"
    mine.mkdir()
    loose.mkdir()
    git(mine, "init", "-q")
    (mine / "m.py").write_text("")
    git(mine, "add", "-A")
    git(mine, "commit", "-q", "-m", "mine")
    commit = git(mine, "rev-parse", "HEAD")
    done = larix("describe", LARIX_PACKAGE_PATH=f"{mine}:{loose}")
    assert done.returncode == 0
    told = f"  mine {commit[:7]}\n    repository URL: {mine}\n    branch: main\n    commit: {commit}\n"
    assert told in done.stdout
    assert f"larix describe: warning: the packages in '{loose}' are in no Git checkout" in done.stderr
    assert "# loose: no commit" in larix.succeed("describe", "-f", "channels", "-L", str(loose))


def test_what_is_in_no_checkout_has_no_origin(larix, checkout):
    shutil.rmtree(checkout / ".git")
    done = larix("describe")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: failed to determine origin\nhint: larix " in done.stderr


def test_a_profile_is_described_by_what_its_entries_noted(builder, checkout_of_packages):
    commit = checkout_of_packages
    builder.succeed("package", "-p", "p", "-i", "alpha")
    lines = builder.succeed("describe", "-p", "p").splitlines()
    assert lines[0].startswith("Generation 1\t")
    assert lines[0].endswith("\t(current)")
    assert f"  packages {commit[:7]}" in lines
    assert f"    commit: {commit}" in lines
    told = json.loads(builder.succeed("describe", "-p", "p", "--json"))
    assert told["generation"]["number"] == 1
    assert commit in {channel.get("commit") for channel in told["channels"]}


@pytest.fixture
def checkout_of_packages(builder):
    folder = builder.folder / "packages"
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "packages")
    return git(folder, "rev-parse", "HEAD")


def test_a_profile_that_notes_nothing_has_no_origin(larix, shelf):
    shelf.add(str(larix.folder / "p"), "alpha")
    done = larix("describe", "-p", "p")
    assert done.returncode == 1
    assert "error: failed to determine origin\nhint: nothing in 'p' tells" in done.stderr
    assert "profile 'q' does not exist" in larix("describe", "-p", "q").stderr


def test_formats_are_listed_and_checked(larix):
    assert larix.succeed("describe", "--list-formats").startswith("The available formats are:\n\n  - human\n")
    done = larix("describe", "-f", "recutil")
    assert done.returncode == 1
    assert "error: recutil: unsupported output format\nhint: Did you mean `recutils'?" in done.stderr
    assert "x: extraneous argument" in larix("describe", "x").stderr
