import os
import re
import subprocess
import sys
import tarfile

import pytest

from larix.buildside.files import substitute
from larix.packages import Origin
from larix.packages.record import BadRecord
from toolchains import lower, program

HELLO = "31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b"
URI = "mirror://gnu/hello/hello-2.10.tar.gz"


def env(item):
    return {key.decode(): value.decode() for key, value in item.origin.derivation.env.items()}


def test_origin_is_a_download_with_a_fixed_hash():
    item = lower(Origin(uri=URI, sha256=HELLO))
    derivation = item.origin.derivation
    assert derivation.builder == b"builtin:download"
    assert env(item)["url"] == URI
    assert derivation.outputs["out"].hash == HELLO
    assert derivation.outputs["out"].hash_algo == "sha256"
    assert item.path.endswith("-hello-2.10.tar.gz")


def test_addresses_do_not_change_the_file_name_in_the_store():
    first = lower(Origin(uri=URI, sha256=HELLO))
    second = lower(Origin(uri=("https://example.org/hello-2.10.tar.gz", URI), sha256=HELLO))
    assert first.path == second.path
    assert first.origin.path != second.origin.path


@pytest.mark.parametrize(
    "spelling",
    [
        HELLO,
        "0ssi1wpaf7plaswqqjwigppsg5fyh99vdlb9kzl7c9lng89ndq1i",
        "sha256-MeBmE3qWJnbon2nRtlOC3pWn732RS4y5VvQepy4PUWs=",
        f"sha256:{HELLO}",
        bytes.fromhex(HELLO),
    ],
)
def test_every_spelling_of_the_hash_is_read(spelling):
    assert lower(Origin(uri=URI, sha256=spelling)).path == lower(Origin(uri=URI, sha256=HELLO)).path


@pytest.mark.parametrize("spelling", ["", "abc", HELLO[:-1], "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "z" * 64])
def test_bad_hash_is_told_at_the_definition(spelling):
    with pytest.raises(BadRecord, match="field `sha256` of an origin") as caught:
        Origin(uri=URI, sha256=spelling)
    assert caught.value.place is not None
    assert caught.value.place.file == __file__


def test_other_algorithms_are_named_in_the_hash():
    item = lower(Origin(uri=URI, hash="sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="))
    assert item.origin.derivation.outputs["out"].hash_algo == "sha1"


@pytest.mark.parametrize("hashes", [{}, {"sha256": HELLO, "hash": f"sha256:{HELLO}"}])
def test_one_hash_is_needed(hashes):
    with pytest.raises(BadRecord, match="an origin needs one hash"):
        Origin(uri=URI, **hashes)


@pytest.mark.parametrize(
    ("uri", "words", "hint"),
    [
        (
            "mirror://gnuu/a.tar.gz",
            "expected a mirror list that larix knows, found `gnuu`",
            "Did you mean `gnu'?",
        ),
        ("mirror://q/a.tar.gz", "found `q`", "there are: apache, "),
        (
            "htps://example.org/a",
            "expected a URI with a scheme that larix can fetch",
            "Did you mean `https'?",
        ),
        ("gopher://example.org/a", "expected a URI with a scheme", "there are: debian, file, "),
    ],
)
def test_place_that_nobody_knows_is_told_when_it_is_written(uri, words, hint):
    with pytest.raises(BadRecord) as caught:
        Origin(uri=uri, sha256=HELLO)
    assert words in caught.value.message
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize("uri", ["hello.tar.gz", "", [], ["http://a b/c"], 3, "http://exämple.org/x"])
def test_what_is_no_uri_is_refused(uri):
    with pytest.raises(BadRecord, match="field `uri`"):
        Origin(uri=uri, sha256=HELLO)


def test_address_without_a_name_at_its_end_needs_one():
    with pytest.raises(BadRecord, match="ends in no name") as caught:
        lower(
            Origin(uri="https://example.org/get?file=1&x=~", sha256=HELLO).inherit(uri="https://example.org/")
        )
    assert caught.value.hint == "give `file_name`"
    named = Origin(uri="https://example.org/", file_name="x.tar.gz", sha256=HELLO)
    assert lower(named).path.endswith("-x.tar.gz")


def test_executable_is_hashed_as_a_tree():
    item = lower(Origin(uri=URI, sha256=HELLO, executable=True))
    assert env(item)["executable"] == "1"
    assert item.origin.derivation.outputs["out"].hash_algo == "r:sha256"


def test_patches_and_snippet_make_a_second_derivation_that_packs_again(tmp_path):
    (tmp_path / "fix.patch").write_text("--- a/x\n+++ b/x\n")

    def snippet():
        open("extra", "w").close()

    origin = Origin(uri=URI, sha256=HELLO, patches=[tmp_path / "fix.patch"], snippet=snippet)
    item = lower(origin)
    assert item.path.endswith("-hello-2.10.tar.xz")
    assert any(each.name == "hello-2.10.tar.gz" for each, _ in item.origin.inputs)
    assert any(each.path.endswith("-fix.patch") for each in item.origin.sources)
    text = program(item.origin)
    assert "open(" in text
    assert "top = 'hello-2.10'" in text


def test_patch_that_is_not_there_is_told_with_where_it_was_looked_for():
    origin = Origin(uri=URI, sha256=HELLO, patches=["no-such.patch"])
    with pytest.raises(BadRecord, match=r"patch `no-such.patch` does not exist") as caught:
        lower(origin)
    assert "relative to" in (caught.value.hint or "")


def test_source_that_follows_the_version():
    from toolchains import package

    hello = package(source=lambda p: Origin(uri=f"mirror://gnu/hello/hello-{p.version}.tar.gz", sha256=HELLO))
    assert hello.inherit(version="2.7").source.uri == ("mirror://gnu/hello/hello-2.7.tar.gz",)


def changed(tmp_path, origin):
    """Run the program that changes a source, by the tools of this machine."""
    item = lower(origin)
    text = program(item.origin)
    archive = next(each for each, _ in item.origin.inputs if each.name == "x.tar")
    text = text.replace(archive.output_path(), str(tmp_path / "x.tar"))
    for each in item.origin.sources:
        if each.path.endswith(".patch"):
            text = text.replace(each.path, str(tmp_path / "fix.patch"))
    for root in re.findall(r"/larix/store/[a-z0-9]{32}-tools", text):
        text = text.replace(root, "/usr")
    (tmp_path / "work").mkdir()
    (tmp_path / "builder").write_text(text)
    return subprocess.run(
        [sys.executable, tmp_path / "builder"],
        cwd=tmp_path / "work",
        env={"out": str(tmp_path / "out"), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def archive(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "greeting").write_text("hello\n")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(tmp_path / "x", "x")
    (tmp_path / "fix.patch").write_text("--- a/greeting\n+++ b/greeting\n@@ -1 +1 @@\n-bye\n+hi\n")
    return {"uri": "https://example.org/x.tar", "sha256": HELLO}


@pytest.mark.skipif(not os.path.exists("/usr/bin/patch"), reason="needs patch")
def test_patch_that_does_not_apply_is_one_line_with_the_file(tmp_path, archive):
    done = changed(tmp_path, Origin(**archive, patches=[tmp_path / "fix.patch"]))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: patch `{tmp_path}/fix.patch` does not apply to `greeting`: `patch` ended with status 1"
    ]


def test_snippet_that_fails_is_told_with_its_line(tmp_path, archive):
    def snippet():
        substitute("greeting", ("good day", "hi"))

    done = changed(tmp_path, Origin(**archive, snippet=snippet))
    lines = done.stderr.splitlines()
    assert [line.rpartition(" ")[2] for line in lines if line.startswith("  File")] == ["snippet"]
    assert lines[-1] == "error: substitute: /good day/ matches nothing in `greeting`"
