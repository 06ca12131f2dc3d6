from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess

import pytest

HELLO = b"hello\n"
# Computed with sha256sum, and spelled by nix-hash and basenc.
SPELLINGS = {
    "base16": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
    "hex": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
    "hexadecimal": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
    "nix-base32": "00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq",
    "base32": "lci3lnjc2xpqq3ip6cyrb66z2in3j7drmoxtjuecq2roqrxwxybq",
    "base64": "WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=",
    "sri": "sha256-WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=",
}


@pytest.fixture
def file(tmp_path):
    name = tmp_path / "file"
    name.write_bytes(HELLO)
    return name


@pytest.mark.parametrize(("style", "text"), SPELLINGS.items())
def test_spellings(larix, file, style, text):
    done = larix("hash", "-f", style, str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{text}\n", "")


def test_the_usual_spelling_is_nix_base32_and_one_line_a_file(larix, file):
    done = larix("hash", str(file), str(file))
    assert done.stdout == f"{SPELLINGS['nix-base32']}\n" * 2


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha512", "sha3-256"])
def test_algorithms(larix, file, algorithm):
    done = larix("hash", "-H", algorithm, "-f", "hex", str(file))
    assert done.stdout.strip() == hashlib.new(algorithm.replace("-", "_"), HELLO).hexdigest()


def test_standard_input(larix):
    assert larix("hash", "-f", "hex", "-", stdin="hello\n").stdout.strip() == SPELLINGS["hex"]


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "sub" / "file").write_bytes(HELLO)
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "link").symlink_to("sub/file")
    (root / "sub.txt").write_text("sorts between sub and sub/\n")
    return root


@pytest.mark.compat
@pytest.mark.skipif(shutil.which("nix-hash") is None, reason="needs nix-hash")
def test_archive_hash_is_that_of_nix(larix, tree):
    expected = subprocess.run(
        ["nix-hash", "--type", "sha256", "--base32", tree], capture_output=True, text=True, check=True
    ).stdout
    assert larix("hash", "-r", str(tree)).stdout == expected
    assert larix("hash", "--serializer=nar", str(tree)).stdout == expected


@pytest.mark.compat
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_git_hash_is_that_of_git(larix, tree):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}

    def git(*words):
        done = subprocess.run(
            ["git", *words], cwd=tree, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init", "-q")
    git("add", ".")
    expected = git("write-tree")
    done = larix("hash", "-x", "-S", "git", "-H", "sha1", "-f", "hex", str(tree))
    assert done.stdout.strip() == expected


def test_version_control_is_left_out_when_asked(larix, tree):
    before = larix("hash", "-r", str(tree)).stdout
    (tree / "sub" / ".git").mkdir()
    assert larix("hash", "-r", str(tree)).stdout != before
    assert larix("hash", "-rx", str(tree)).stdout == before


def test_json_has_a_version(larix, file):
    done = larix("hash", "--json", "-f", "hex", str(file))
    assert json.loads(done.stdout) == {
        "version": 1,
        "hashes": [{"file": str(file), "algorithm": "sha256", "format": "hex", "hash": SPELLINGS["hex"]}],
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no arguments specified"),
        (["-H", "sha25", "x"], "sha25: unknown hash algorithm\nhint: Did you mean `sha256'?"),
        (["-f", "bass64", "x"], "unsupported hash format: bass64\nhint: Did you mean `base64'?"),
        (["-S", "zip", "x"], "unsupported serializer type: zip\nhint: there are none, nar, git"),
        (["nowhere"], "'nowhere': No such file or directory"),
        (["."], "'.' is a directory\nhint: `-r' hashes it as origins of trees do"),
    ],
)
def test_bad_command_lines(larix, words, message):
    done = larix("hash", *words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"larix hash: error: {message}\n")


@pytest.mark.parametrize("serializer", ["nar", "git"])
def test_what_cannot_be_serialised_is_named(larix, tmp_path, serializer):
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    done = larix("hash", "-S", serializer, str(folder))
    assert done.returncode == 1
    assert "folder/pipe" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr
