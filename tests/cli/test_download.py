from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from builder.servers import HttpServer, answer, files
from larix.formats import base32

BODY = b"what upstream has published\n"
DIGEST = hashlib.sha256(BODY).digest()


@pytest.fixture(autouse=True)
def _loopback_only(larix):
    larix.environment["LARIX_DEBIAN_MIRROR"] = "http://127.0.0.1:9/nothing-listens-here"
    larix.environment["LARIX_PYPI_INDEX"] = "http://127.0.0.1:9/nothing-listens-here"


def test_store_name_and_hash_are_printed_and_a_build_needs_no_download_after(larix, tmp_path):
    """The name in the store is that of an origin's output, so the server is asked but once."""
    with HttpServer(answer(BODY)) as server:
        uri = f"{server.url}/some/file-1.tar.gz"
        path, digest = larix.succeed("download", uri).splitlines()
        assert Path(path).read_bytes() == BODY
        assert path.startswith(f"{larix.layout.store_dir}/")
        assert path.endswith("-file-1.tar.gz")
        assert digest == base32.encode(DIGEST)
        expression = f"Origin(uri={uri!r}, sha256={digest!r})"
        assert larix.succeed("build", "-e", expression) == f"{path}\n"
        assert len(server.requests) == 1


def test_progress_off_a_terminal_is_one_line_on_standard_error(larix):
    with HttpServer(answer(BODY)) as server:
        done = larix("download", f"{server.url}/x")
    assert done.stderr == f"downloading from {server.url}/x ...\n"


@pytest.mark.parametrize(
    ("uri", "variable", "base"),
    [
        ("debian://pool/x_1.orig.tar.gz", "LARIX_DEBIAN_MIRROR", "/debian"),
        ("pypi://Some.Thing/x_1.orig.tar.gz", "LARIX_PYPI_INDEX", "/simple"),
    ],
)
def test_archives_of_this_machine_are_asked(larix, uri, variable, base):
    contents = {
        "/debian/pool/x_1.orig.tar.gz": BODY,
        "/simple/some-thing/": b'<a href="/debian/pool/x_1.orig.tar.gz">x</a>',
    }
    with HttpServer(files(contents, headers=["Content-Type: text/html"])) as server:
        path, _ = larix.succeed("download", uri, **{variable: server.url + base}).splitlines()
    assert path.endswith("-x_1.orig.tar.gz")


def test_file_can_be_had_outside_the_store(larix, tmp_path):
    with HttpServer(answer(BODY)) as server:
        out = larix.succeed("download", "-H", "sha3-256", "-f", "hex", "-o", "here", f"{server.url}/")
    assert out.splitlines() == [str(tmp_path / "here"), hashlib.sha3_256(BODY).hexdigest()]
    assert (tmp_path / "here").read_bytes() == BODY
    assert not os.path.exists(larix.layout.store_dir)


def test_json_says_all(larix):
    with HttpServer(answer(BODY)) as server:
        said = json.loads(larix.succeed("download", "--json", "-f", "sri", "-H", "sha512", f"{server.url}/x"))
    path = said.pop("path")
    assert Path(path).read_bytes() == BODY
    assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", said["hash"])
    del said["hash"]
    assert said == {"version": 1, "algorithm": "sha512", "format": "sri", "size": len(BODY)}


def test_failure_names_every_place_and_leaves_nothing(larix, tmp_path):
    with HttpServer(answer(b"", status="404 Not Found")) as server:
        done = larix("download", "-o", "here", f"{server.url}/x?token=secret")
        asked = f"{server.url}/x?..."
    assert done.returncode == 1
    assert done.stderr == f"larix download: error: {asked}: download failed:\n  {asked}: HTTP 404 Not Found\n"
    assert not list(tmp_path.glob("here*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no download URI was specified"),
        (["file"], "`file' is no URI"),
        (["http://a.example/x", "y"], "y: extraneous argument"),
        (["http://a.example/"], "`http://a.example/' ends in no name for a store file"),
        (["-H", "sha3-256", "http://a.example/x"], "sha3-256: unknown hash algorithm"),
        (
            ["-f", "bas16", "http://a.example/x"],
            "unsupported hash format: bas16\nhint: Did you mean `base16'?",
        ),
        (
            ["mirror://gnuu/x"],
            "mirror://gnuu/x: download failed:\n  mirror://gnuu/x: there is no mirror list",
        ),
    ],
)
def test_bad_command_lines(larix, words, message):
    done = larix("download", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"larix download: error: {message}")
    assert "Traceback" not in done.stderr
