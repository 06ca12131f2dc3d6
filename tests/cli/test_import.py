from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.servers import HttpServer, files
from larix.packages.modules import packages_of_file


def archive(contents: dict[str, str], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as made:
        for name, text in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            made.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


THING = archive(
    {
        "some_thing-1.10/PKG-INFO": """\
Metadata-Version: 2.4
Name: some.thing
Version: 1.10
Summary: A thing for tests.
License-Expression: MIT
Project-URL: Homepage, https://a.example/thing
Requires-Dist: python-flask>=1; python_version > '3'
Requires-Dist: needed>=2
Requires-Dist: only-there; sys_platform == 'win32'
Requires-Dist: for-tests; extra == 'test'

It does what it does in whole sentences. So it is good.
""",
        "some_thing-1.10/pyproject.toml": '[build-system]\nrequires = ["setuptools", "wheel", "needed"]\n',
        "some_thing-1.10/tests/test_thing.py": "",
    }
)
NEEDED = archive(
    {
        "needed-2.0/PKG-INFO": "Metadata-Version: 1.1\nName: needed\nVersion: 2.0\nLicense: BSD\n",
        "needed-2.0/needed.egg-info/requires.txt": "some.thing\n\n[docs]\nsphinx\n",
    }
)
CONTROL = """\
Source: tool
Build-Depends: debhelper

Package: tool-dev
Description: for those who build

Package: tool
Description: small tool for tests - with a long tail that is longer than sixty
 The tool does one thing, and it does that well enough for tests.
 .
 More of it.
"""
COPYRIGHT = "Format: x\n\nFiles: *\nLicense: GPL-3+\n\nFiles: debian/*\nLicense: Other\n"
WATCH = "version=4\nhttps://ftp.gnu.org/gnu/tool/tool-(.+)\\.tar\\.gz\n"
TOOL = b"upstream's archive\n"
PACKAGING = archive(
    {"debian/control": CONTROL, "debian/copyright": COPYRIGHT, "debian/watch": WATCH}, mode="w:xz"
)
SOURCES = f"""\
Package: tool
Binary: tool, tool-dev
Version: 1:1.9-1
Build-Depends: debhelper-compat (= 13), pkgconf, zlib1g-dev, libunheard-dev, doxygen <!nodoc>, check <nocheck>
Homepage: https://a.example/tool
Directory: pool/main/t/tool
Checksums-Sha256:
 {"00" * 32} 10 tool_1.9-1.dsc
 {hashlib.sha256(TOOL).hexdigest()} 10 tool_1.9.orig.tar.gz
 {hashlib.sha256(PACKAGING).hexdigest()} 10 tool_1.9-1.debian.tar.xz

Package: tool
Binary: tool
Version: 1:1.10-1
Directory: pool/main/t/tool
Checksums-Sha256:
 {"00" * 32} 10 tool_1.10.orig.tar.gz

Package: zlib
Binary: zlib1g, zlib1g-dev
Version: 1:1.3-1
"""


@pytest.fixture
def importing(larix) -> Iterator[object]:
    contents = {
        "/simple/some-thing/": "".join(
            f'<a href="/f/some_thing-{version}.tar.gz">x</a>' for version in ("1.9", "1.10", "2.0a1")
        ).encode(),
        "/simple/needed/": b'<a href="/f/needed-2.0.tar.gz">x</a>',
        "/simple/broken/": b'<a href="/f/broken-1.tar.gz">x</a>',
        "/f/some_thing-1.10.tar.gz": THING,
        "/f/needed-2.0.tar.gz": NEEDED,
        "/f/broken-1.tar.gz": b"no archive",
        "/debian/dists/trixie/main/source/Sources.xz": lzma.compress(SOURCES.encode()),
        "/debian/pool/main/t/tool/tool_1.9.orig.tar.gz": TOOL,
        "/debian/pool/main/t/tool/tool_1.9-1.debian.tar.xz": PACKAGING,
    }
    with HttpServer(files(contents, headers=["Content-Type: text/html"])) as server:
        larix.environment["LARIX_PYPI_INDEX"] = f"{server.url}/simple"
        larix.environment["LARIX_DEBIAN_MIRROR"] = f"{server.url}/debian"
        yield larix


def definitions(text: str, folder: Path) -> dict[str, object]:
    file = folder / "imported.py"
    file.write_text(text)
    return dict(packages_of_file(str(file)))


def test_python_project_becomes_a_definition_that_can_be_evaluated(importing, tmp_path):
    done = importing("import", "pypi", "Some-Thing")
    assert (done.returncode, done.stderr) == (0, "importing Some-Thing...\n")
    thing = definitions(done.stdout, tmp_path)["python_some_thing"]
    assert thing.full_name == "python-some-thing@1.10"
    assert thing.source.uri == ("pypi://some-thing/some_thing-1.10.tar.gz",)
    assert thing.source.sha256.digest == hashlib.sha256(THING).digest()
    assert (thing.synopsis, thing.home_page) == ("Thing for tests", "https://a.example/thing")
    assert thing.description == "It does what it does in whole sentences. So it is good."
    assert [each.label for each in thing.native_inputs] == ["python-setuptools"]
    assert thing.arguments["tests"] is False
    assert "# Its tests want, and the catalogue has not: for-tests\n" in done.stdout
    assert "# not in the catalogue: needed>=2\n" in done.stdout
    assert "only-there" not in done.stdout


def test_older_release_can_be_asked_for(importing):
    done = importing("import", "pypi", "some-thing@1.8")
    assert done.returncode == 1
    assert (
        "error: there is no source archive of `some-thing` 1.8\nhint: there is 2.0a1, 1.10, 1.9\n"
        in done.stderr
    )


def test_what_is_missing_is_imported_too_and_named(importing, tmp_path):
    """The two need each other, which is found out once and ends."""
    out = importing.succeed("import", "-r", "pypi", "some-thing")
    made = definitions(out, tmp_path)
    assert list(made) == ["python_needed", "python_some_thing"]
    needed, thing = made["python_needed"], made["python_some_thing"]
    assert needed in [each.value for each in thing.propagated_inputs]
    assert [each.value for each in needed.propagated_inputs] == [thing]
    assert "not in the catalogue" not in out


def test_definitions_are_added_to_a_file(importing, tmp_path):
    file = tmp_path / "mine.py"
    done = importing("import", "-i", str(file), "debian", "tool")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith(f"{file}: added tool\n")
    importing.succeed("import", "-i", str(file), "-r", "pypi", "some-thing")
    text = file.read_text()
    assert list(dict(packages_of_file(str(file)))) == ["tool", "python_needed", "python_some_thing"]
    assert text.count("from larix.packages import Origin, Package, licenses\n") == 1
    assert '__all__ = ["python_needed", "python_some_thing", "tool"]\n' in text
    again = importing("import", "-i", str(file), "debian", "tool")
    assert "error: the file has a definition of `tool` already\n" in again.stderr
    assert file.read_text() == text
    own = tmp_path / "own.py"
    own.write_text('"""Mine."""\n\nx = 1\n')
    importing.succeed("import", "-i", str(own), "debian", "tool")
    assert own.read_text().startswith('"""Mine."""\nfrom larix.buildsystems.gnu import gnu\n')
    assert [name for name, _ in packages_of_file(str(own))] == ["tool"]
    lost = importing("import", "-i", str(tmp_path / "no/where.py"), "debian", "tool")
    assert "error: cannot write `" in lost.stderr


def test_source_that_no_mirror_has_is_told_of(importing):
    """The index has it, as the index of another suite, or of yesterday, may."""
    out = importing.succeed("import", "debian", "tool@1.10")
    assert "# No mirror of this machine has this source: name another version, or another place.\n" in out
    assert "No mirror" not in importing.succeed("import", "debian", "tool")


def test_source_package_of_debian_becomes_a_definition(importing, tmp_path):
    """The index is ahead of the archive: what is not there yet is passed over."""
    out = importing.succeed("import", "debian", "tool")
    tool = definitions(out, tmp_path)["tool"]
    assert tool.full_name == "tool@1.9"
    assert tool.source.uri == (
        "mirror://gnu/tool/tool-1.9.tar.gz",
        "debian://pool/main/t/tool/tool_1.9.orig.tar.gz",
    )
    assert tool.source.sha256.digest == hashlib.sha256(TOOL).digest()
    assert [each.label for each in tool.native_inputs] == ["pkgconf"]
    assert [each.label for each in tool.inputs] == ["zlib"]
    assert "# not in the catalogue: libunheard-dev\n" in out
    assert "# not in the catalogue: doxygen\n" in out
    assert (
        "# Debian does not tell how it is built: where there is no `configure`, delete that phase.\n" in out
    )
    assert "debhelper" not in out
    assert "check\n" not in out
    assert tool.synopsis == "Small tool for tests"
    assert tool.description == "The tool does one thing, and it does that well enough for tests."
    assert [each.name for each in tool.license] == ["GPL 3+"]
    assert tool.home_page == "https://a.example/tool"


def test_name_of_a_binary_package_leads_to_its_source(importing, tmp_path):
    assert "tool" in definitions(importing.succeed("import", "debian", "tool-dev@1.9"), tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "missing importer name\nhint: there are debian, pypi"),
        (["pipy", "x"], "pipy: invalid importer\nhint: Did you mean `pypi'?"),
        (["pypi"], "`pypi' wants the name of a package"),
        (["pypi", "a", "b"], "b: extraneous argument"),
        (["pypi", "a@"], "`a@' is not of the form NAME or NAME@VERSION"),
        (["-r", "debian", "tool"], "`debian' imports one package at a time"),
        (["pypi", "unheard-of"], "no index of Python packages has a project `unheard-of`"),
        (["pypi", "broken"], "`broken-1.tar.gz` cannot be read: file could not be opened successfully"),
        (["debian", "tol"], "Debian has no source package `tol`\nhint: Did you mean `tool'?"),
        (["debian", "tool@3"], "Debian has no `tool` of version 3\nhint: there is 1.10, 1.9"),
    ],
)
def test_bad_wishes_are_one_error(importing, words, message):
    done = importing("import", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"larix import: error: {message}" in done.stderr
    assert "Traceback" not in done.stderr
