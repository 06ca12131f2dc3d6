from __future__ import annotations

import ast
import gzip
import os
import shutil
from pathlib import Path

import pytest

import larix.buildside
from larix.buildside.profile_tree import make_profile
from larix.profiles import profile as module
from projects import run, write

CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
INFO = """\
This is {name}.info.

INFO-DIR-SECTION {section}
START-INFO-DIR-ENTRY
* {name}: ({name}).{pad}What {name}
                                is about.
END-INFO-DIR-ENTRY

\x1f
File: {name}.info,  Node: Top
* Not an entry: (other).
"""


def manual(name, section="Tools"):
    return INFO.format(name=name, section=section, pad=" " * (28 - 2 * len(name)))


@pytest.fixture
def made(tmp_path):
    """Makes a profile of packages given as files and their text."""

    def make(*packages: dict[str, str]) -> Path:
        entries = [str(write(tmp_path / f"entry{number}", each)) for number, each in enumerate(packages)]
        make_profile(tmp_path / "profile", entries=entries, manifest="{}")
        return tmp_path / "profile"

    return make


def test_manuals_of_all_packages_are_in_one_directory(made):
    profile = made(
        {"share/info/zeta.info": manual("zeta"), "share/info/dir": "its own\n"},
        {"share/info/alpha.info": manual("alpha"), "share/info/alpha.info-1": "more"},
        {"share/info/beta.info": manual("beta", "Basics"), "share/info/bare.info": "\x1f\nFile: bare.info\n"},
    )
    assert sorted(os.listdir(profile / "share")) == ["info"]
    text = (profile / "share" / "info" / "dir").read_text()
    assert "its own" not in text
    assert text.partition("* Menu:\n")[2] == (
        "\nBasics\n* beta: (beta).                    What beta\n                                is about.\n"
        "\nMiscellaneous\n* bare: (bare).\n"
        "\nTools\n* alpha: (alpha).                  What alpha\n                                is about.\n"
        "* zeta: (zeta).                    What zeta\n                                is about.\n"
    )


def test_packed_manuals_are_read_and_damaged_ones_listed_by_name(made, tmp_path):
    folder = tmp_path / "entry0" / "share" / "info"
    folder.mkdir(parents=True)
    (folder / "packed.info.gz").write_bytes(gzip.compress((manual("packed") + "x" * 500_000).encode()))
    (folder / "odd.info.gz").write_bytes(b"no archive")
    text = (made({}) / "share" / "info" / "dir").read_text()
    assert "\nTools\n* packed: (packed).                What packed\n" in text
    assert "\nMiscellaneous\n* odd: (odd).\n" in text


def test_entries_stand_in_all_their_sections(made):
    text = manual("alpha").replace("INFO-DIR-SECTION Tools\n", "INFO-DIR-SECTION A\nINFO-DIR-SECTION B\n")
    text = text.replace("\x1f", manual("alpha", "C").replace("alpha", "other"), 1)
    menu = (made({"share/info/a.info": text}) / "share/info/dir").read_text().partition("* Menu:\n")[2]
    assert [line for line in menu.splitlines() if line[:1] not in (" ", "")] == [
        "A",
        "* alpha: (alpha).                  What alpha",
        "B",
        "* alpha: (alpha).                  What alpha",
        "C",
        "* other: (other).                  What other",
    ]


def test_certificates_become_one_bundle(made):
    one, two, three = (CERTIFICATE.format(each) for each in ("AAAA", "BBBB", "CCCC"))
    profile = made(
        {"etc/ssl/certs/b.pem": f"# one\n{one}", "etc/ssl/certs/ca-certificates.crt": "old"},
        {"etc/ssl/certs/a.pem": two + one.replace("\n", "\r\n"), "etc/ssl/certs/c.txt": three},
    )
    assert (profile / "etc/ssl/certs/ca-certificates.crt").read_text() == two + one
    assert sorted(os.listdir(profile / "etc/ssl/certs")) == ["a.pem", "b.pem", "c.txt", "ca-certificates.crt"]


def test_a_bundle_that_comes_whole_stays_as_it_is(made):
    profile = made({"etc/ssl/certs/ca-certificates.crt": "whole"})
    assert (profile / "etc/ssl/certs/ca-certificates.crt").read_text() == "whole"


def test_applications_are_found_by_file_type(made):
    entry = "[Desktop Entry]\nName=X\nMimeType=text/plain;image/png;\n[Desktop Action a]\nMimeType=no/no;\n"
    profile = made(
        {"share/applications/b.desktop": entry},
        {"share/applications/a.desktop": "[Desktop Entry]\nMimeType = text/plain\n"},
    )
    assert (profile / "share/applications/mimeinfo.cache").read_text() == (
        "[MIME Cache]\nimage/png=b.desktop;\ntext/plain=a.desktop;b.desktop;\n"
    )


def test_without_inputs_no_hook_runs_and_folders_stay_links(made, capfd):
    profile = made({"share/info/readme": "", "share/applications/x": "", "bin/x": ""})
    assert os.path.islink(profile / "share")
    assert capfd.readouterr().out == ""


def test_what_hooks_make_does_not_depend_on_the_order_of_files(made, tmp_path):
    files = {f"share/info/{name}.info": manual(name) for name in ("c", "a", "b")}
    first = (made(files) / "share/info/dir").read_bytes()
    other = write(tmp_path / "other", dict(reversed(files.items())))
    make_profile(tmp_path / "second", entries=[str(other)], manifest="{}")
    assert (tmp_path / "second/share/info/dir").read_bytes() == first


def test_the_name_of_a_profile_holds_all_code_that_makes_it():
    """What `profile_tree` imports of the build side, at any distance, is part of the hash."""
    folder = Path(larix.buildside.__path__[0])
    reached: set[str] = set()
    todo = ["profile_tree"]
    while todo:
        name = todo.pop()
        reached.add(name)
        imported = [
            (node.module or "").removeprefix("larix.buildside.")
            for node in ast.walk(ast.parse((folder / f"{name}.py").read_text()))
            if isinstance(node, ast.ImportFrom)
        ]
        todo += [each for each in imported if (folder / f"{each}.py").exists() and each not in reached]
    assert set(module._CODE) == reached - {"failure"}


def test_a_reader_of_manuals_finds_the_entry(made):
    reader = shutil.which("info")
    if reader is None:
        pytest.skip("no program `info` here")
    profile = made({"share/info/other-file.info": manual("zeta").replace("(zeta)", "(other-file)")})
    assert run(reader, "--where", "-d", str(profile / "share/info"), "zeta").strip() == str(
        profile / "share/info/other-file.info"
    )
