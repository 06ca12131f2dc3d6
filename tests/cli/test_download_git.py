"""Trees of commits, from real repositories on disk and behind a server that knows nothing of Git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from builder.servers import HttpServer, files

if shutil.which("git") is None:
    pytest.skip("no git", allow_module_level=True)


def git(folder: Path, *words: str) -> str:
    settings = [
        "user.name=A",
        "user.email=a@example.org",
        "init.defaultBranch=main",
        "protocol.file.allow=always",
    ]
    options = [word for setting in settings for word in ("-c", setting)]
    done = subprocess.run(["git", *options, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, text: str, tag: str) -> str:
    (folder / "text").write_text(f"{text}\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", text)
    git(folder, "tag", tag)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "upstream" / "thing"
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("text")
    commit(folder, "one", "v1")
    git(folder, "branch", "old")
    commit(folder, "two", "v2")
    return folder


def with_submodule(repository: Path) -> None:
    part = repository.parent / "part"
    part.mkdir()
    git(part, "init", "-q")
    commit(part, "of part", "p1")
    git(repository, "submodule", "--quiet", "add", "../part", "part")
    commit(repository, "three", "v3")


def test_tree_of_the_tip_is_in_the_store_without_history(larix, repository):
    path, digest = larix.succeed("download", "--git", f"file://{repository}").splitlines()
    assert path.endswith("-thing-checkout")
    assert sorted(os.listdir(path)) == ["link", "run", "text"]
    assert Path(path, "text").read_text() == "two\n"
    assert os.readlink(f"{path}/link") == "text"
    assert os.access(f"{path}/run", os.X_OK)
    assert larix.succeed("hash", "-r", path).strip() == digest


@pytest.mark.parametrize("words", [["--branch=old"], ["--commit=v1"], ["--commit", "abbreviated"]])
def test_branches_tags_and_commits_can_be_named(larix, repository, words):
    words = [
        git(repository, "rev-parse", "--short=12", "v1") if each == "abbreviated" else each for each in words
    ]
    path, _ = larix.succeed("download", "-g", *words, f"file://{repository}").splitlines()
    assert Path(path, "text").read_text() == "one\n"


def test_store_name_and_hash_are_those_of_an_origin_that_unpacks_an_archive_of_the_commit(larix, repository):
    path, digest = larix.succeed("download", "-g", f"file://{repository}").splitlines()
    expression = (
        "Origin(uri='https://upstream.invalid/archive/v2.tar.gz', unpack=True, "
        f"file_name='thing-checkout', sha256={digest!r})"
    )
    assert larix.succeed("build", "-e", expression) == f"{path}\n"


def test_submodules_come_along_when_asked(larix, repository):
    with_submodule(repository)
    without, _ = larix.succeed("download", "-g", f"file://{repository}").splitlines()
    assert os.listdir(f"{without}/part") == []
    path, _ = larix.succeed("download", "-g", "-r", f"file://{repository}").splitlines()
    assert os.listdir(f"{path}/part") == ["text"]
    assert Path(path, "part/text").read_text() == "of part\n"


def served(*repositories: Path) -> dict[str, bytes]:
    """What a server of plain files shows of them."""
    contents: dict[str, bytes] = {}
    for each in repositories:
        git(each, "update-server-info")
        for file in (each / ".git").rglob("*"):
            if file.is_file():
                contents[f"/{each.name}/{file.relative_to(each / '.git')}"] = file.read_bytes()
        contents[f"/{each.name}/info/refs?service=git-upload-pack"] = contents[f"/{each.name}/info/refs"]
    return contents


def test_repository_behind_a_server_with_its_submodule(larix, repository):
    with_submodule(repository)
    with HttpServer(files(served(repository, repository.parent / "part"))) as server:
        path, digest = larix.succeed("download", "-g", "-r", f"{server.url}/thing").splitlines()
    assert Path(path, "part/text").read_text() == "of part\n"
    assert larix.succeed("hash", "-r", path).strip() == digest


def test_tree_can_be_had_outside_the_store(larix, repository, tmp_path):
    said = json.loads(
        larix.succeed(
            "download", "-g", "--json", "-H", "sha512", "-f", "hex", "-o", "here", f"file://{repository}"
        )
    )
    assert said["path"] == str(tmp_path / "here")
    assert said["commit"] == git(repository, "rev-parse", "HEAD")
    assert len(said["hash"]) == 128
    assert (tmp_path / "here" / "text").read_text() == "two\n"
    assert not os.path.exists(larix.layout.store_dir)
    done = larix("download", "-g", "-o", "here", f"file://{repository}")
    assert (done.returncode, done.stderr) == (1, "larix download: error: 'here' is there already\n")


def test_settings_of_the_user_do_not_change_the_tree(larix, repository):
    """Else the same commit would have another hash on another machine."""
    (Path(larix.environment["HOME"]) / ".gitconfig").write_text("[core]\n\tautocrlf = true\n\teol = crlf\n")
    path, _ = larix.succeed("download", "-g", f"file://{repository}").splitlines()
    assert Path(path, "text").read_bytes() == b"two\n"


def test_what_is_not_there_is_told(larix, repository):
    url = f"file://{repository}"
    for words, message in (
        (["--commit=none"], f"{url}: no such commit `none`"),
        (["--branch=none"], f"{url}: no such branch `none`"),
    ):
        done = larix("download", "-g", *words, url)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"larix download: error: {message}\n"
    done = larix("download", "-g", f"{url}-absent")
    assert done.returncode == 1
    assert done.stderr.endswith(
        f"error: {url}-absent: the repository cannot be fetched\nhint: what git says stands above\n"
    )


@pytest.mark.parametrize("word", ["--commit=1", "--branch=main", "--recursive"])
def test_options_of_repositories_are_for_repositories(larix, word):
    done = larix("download", word, "http://127.0.0.1:9/x")
    name = word.partition("=")[0]
    assert done.stderr == f"larix download: error: '{name}' cannot be used without '--git'\n"
    assert done.returncode == 1


def test_archive_of_a_commit_unpacks_to_the_tree(larix, repository):
    """The claim of the name and hash above, with an archive such as a forge makes."""
    path, digest = larix.succeed("download", "-g", f"file://{repository}").splitlines()
    archive = subprocess.run(
        ["git", "archive", "--format=tar.gz", "--prefix=thing-2/", "v2"],
        cwd=repository,
        check=True,
        capture_output=True,
    ).stdout
    with HttpServer(files({"/v2.tar.gz": archive})) as server:
        expression = (
            f"Origin(uri='{server.url}/v2.tar.gz', unpack=True, file_name='again', sha256={digest!r})"
        )
        again = larix.succeed("build", "-q", "-e", expression).strip()
    assert sorted(os.listdir(again)) == sorted(os.listdir(path))
    assert larix.succeed("hash", "-r", again).strip() == digest
