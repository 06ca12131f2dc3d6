from __future__ import annotations

import os

import pytest

from larix.cli.provenance import content_hash, describe_folder
from projects import write
from repositories import git


@pytest.fixture
def folder(tmp_path):
    """A folder of packages in a repository, all of it in one commit."""
    top = write(tmp_path / "work" / "repo", {"catalogue/one.py": "one\n", "other/file": "x"})
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "x")
    return top / "catalogue"


def test_a_checkout_is_told_by_commit_and_place(folder):
    git(folder, "remote", "add", "origin", "https://user:secret@example.org/some.git")
    assert describe_folder(str(folder)) == {
        "channel": "catalogue",
        "url": "https://example.org/some.git",
        "branch": "main",
        "commit": git(folder, "rev-parse", "HEAD"),
        "path": "catalogue",
        "hash": content_hash(str(folder)),
    }


def test_changes_in_the_folder_alone_count(folder):
    (folder.parent / "other" / "file").write_text("changed")
    assert "dirty" not in describe_folder(str(folder))
    (folder / "two.py").write_text("")
    assert describe_folder(str(folder))["dirty"] is True


def test_what_python_leaves_is_no_change(folder):
    before = describe_folder(str(folder))
    for place in (folder, folder / "deep"):
        write(place / "__pycache__", {"one.cpython-311.pyc": "compiled"})
    (folder / "deep" / "__pycache__").rename(folder / "__pycache__" / "more")
    (folder / "deep").rmdir()
    assert describe_folder(str(folder)) == before


def test_without_a_branch_or_a_remote_the_commit_is_enough(folder):
    git(folder, "checkout", "-q", "--detach")
    assert set(describe_folder(str(folder))) == {"channel", "commit", "path", "hash"}


def test_a_folder_that_no_commit_has_is_told_by_its_content(folder, tmp_path):
    ignored = write(folder.parent / "ignored", {"one.py": "one\n"})
    assert set(describe_folder(str(ignored))) == {"channel", "hash"}
    plain = write(tmp_path / "plain", {"one.py": "one\n", ".hidden": "x", "__pycache__/x.pyc": ""})
    record = describe_folder(str(plain))
    assert record == {"channel": "plain", "hash": content_hash(str(folder))}
    (plain / "one.py").write_text("other\n")
    assert describe_folder(str(plain))["hash"] != record["hash"]


def test_git_is_asked_about_the_folder_whatever_its_environment_says(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert describe_folder(str(folder))["path"] == "catalogue"
    monkeypatch.setenv("PATH", os.devnull)
    assert set(describe_folder(str(folder))) == {"channel", "hash"}
