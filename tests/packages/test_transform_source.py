import os
import subprocess
import sys

import pytest

from larix.formats.hashes import parse_hash
from larix.packages import Origin
from larix.packages.record import BadRecord
from larix.packages.transform_source import following_uris, guess_name_version, with_origin, with_patches
from larix.staging import plain_text
from toolchains import lower, package, program

HASH = "0" * 52


@pytest.mark.parametrize(
    ("file", "name", "version"),
    [
        ("hello-2.12.1.tar.gz", "hello", "2.12.1"),
        ("https://example.org/a/hello-2.12.tar.xz?download=1", "hello", "2.12"),
        ("/home/me/src/hello", "hello", None),
        ("/home/me/src/hello-3/", "hello", "3"),
        ("hello_2.10.orig.tar.gz", "hello", "2.10"),
        ("gtk+-3.24.tar.zst", "gtk+", "3.24"),
        ("foo-bar-v1.2-rc1.zip", "foo-bar", "1.2-rc1"),
        ("font-b612.tar", "font-b612", None),
        ("lib2geom-1.2", "lib2geom", "1.2"),
    ],
)
def test_names_and_versions_are_guessed(file, name, version):
    assert guess_name_version(file) == (name, version)


def follower(**fields):
    return package(
        source=lambda p: Origin(
            uri=[f"https://example.org/hello-{p.version}.tar.gz", "https://example.org/mirror"], sha256=HASH
        ),
        **fields,
    )


def test_addresses_that_follow_the_version_are_told_from_those_that_do_not():
    assert following_uris(follower(), "2.0") == ("https://example.org/hello-2.0.tar.gz",)
    still = package(source=Origin(uri="https://example.org/hello-1.0.tar.gz", sha256=HASH))
    assert following_uris(still, "2.0") is None
    assert following_uris(package(source=plain_text("a", "")), "2.0") is None


def test_another_version_has_another_source_and_its_hash():
    content = parse_hash("sha256:" + "1" * 52)
    made = with_origin(follower(), "2.0", ["https://example.org/hello-2.0.tar.gz"], content)
    item = lower(made)
    assert item.path.endswith("-hello-2.0")
    (source,) = [each for each, _ in item.origin.inputs if each.name == "hello-2.0.tar.gz"]
    assert source.derivation.env[b"url"] == b"https://example.org/hello-2.0.tar.gz"
    assert source.derivation.outputs["out"].hash == content.base16()
    with pytest.raises(BadRecord, match="has no address"):
        with_origin(package(source=plain_text("a", "")), "2", ["https://example.org/a"], content)


def test_patches_are_added_to_origins_and_to_other_sources():
    patch, own = plain_text("fix.patch", "+1"), plain_text("own.patch", "+0")
    made = with_patches(follower(), [patch])
    assert made.source.patches == (patch,)
    assert with_patches(made, [own]).source.patches == (patch, own)
    assert with_patches(made, [own]).inherit(version="3").source.uri[0].endswith("/hello-3.tar.gz")
    item = lower(with_patches(package(source=plain_text("hello-1.tar.gz", "")), [patch]))
    (source,) = [each for each, _ in item.origin.inputs if "patched" in each.name]
    assert source.name == "hello-1-patched.tar.xz"
    assert "-fix.patch')" in program(source)
    with pytest.raises(BadRecord, match="has no source to patch"):
        with_patches(package(), [patch])


@pytest.mark.skipif(not os.path.exists("/usr/bin/patch"), reason="needs patch")
def test_patch_that_does_not_apply_is_one_line(tmp_path):
    """In a process of its own, since it changes the directory and the environment."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "greeting").write_text("hello\n")
    (tmp_path / "fix.patch").write_text("--- a/greeting\n+++ b/greeting\n@@ -1 +1 @@\n-bye\n+hi\n")
    call = f"""
from pathlib import Path
from larix.packages.transform_source import patch_source
top = Path({str(tmp_path)!r})
tools = (Path("/usr"),)
patch_source(output=top / "out", source=top / "x", patches=(top / "fix.patch",), tools=tools, top="x")
"""
    done = subprocess.run(
        [sys.executable, "-c", call],
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines() == [
        f"error: patch `{tmp_path}/fix.patch` does not apply to `greeting`: `patch` ended with status 1"
    ]
