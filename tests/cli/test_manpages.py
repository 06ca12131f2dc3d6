"""Manual pages: what is in them, and that the programs that read them find nothing wrong."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from larix.cli import registry
from larix.cli.manual import pages

PAGES = dict(pages())


def plain(page):
    """What a reader sees, in one line: no requests, fonts or escapes."""
    text = re.sub(r"\\f[BIP]|^\.(TP|SH|SS|BR|B|PP|nh|ad l)\b ?", "", page, flags=re.MULTILINE)
    return " ".join(text.replace("\\-", "-").replace("\\e", "\\").replace("\\&", "").split())


def test_there_is_a_page_for_each_command_and_one_for_the_whole():
    assert set(PAGES) == {"larix.1", *(f"larix-{name}.1" for name in registry.command_names())}
    overview = plain(PAGES["larix.1"])
    for name, synopsis in registry.synopses():
        assert f"larix-{name} (1) {synopsis}" in overview


@pytest.mark.parametrize("name", registry.command_names())
def test_a_page_has_every_option_of_the_help_text(name, larix):
    text = plain(PAGES[f"larix-{name}.1"])
    done = larix.succeed(name, "--help")
    for option in re.findall(r"^ .{5}(--[a-z-]+(?:\[?=?[A-Z@=\[\],.]+)?)", done, re.MULTILINE):
        assert option in text


def test_options_that_help_does_not_list_are_there_too():
    assert "--with-input=PKG=SPEC" in plain(PAGES["larix-build.1"])
    assert "--answer" not in plain(PAGES["larix-completion.1"])


def test_nothing_in_a_text_is_taken_for_a_request(monkeypatch):
    monkeypatch.setattr("larix.cli.commands.hash.SYNOPSIS", ".so /etc/passwd \\fBx 'y")
    page = dict(pages())["larix-hash.1"]
    assert "larix\\-hash \\- \\&.so /etc/passwd \\efBx 'y" in page
    assert not [line for line in page.splitlines() if line.startswith(".so")]


def test_files_are_written_and_named(larix):
    names = larix.succeed("manpages", "made/man").split()
    assert len(names) == len(PAGES)
    assert (larix.folder / "made/man/larix-gc.1").read_text() == PAGES["larix-gc.1"]
    assert "no folder given" in larix("manpages").stderr
    assert "b: extraneous argument" in larix("manpages", "a", "b").stderr


@pytest.mark.parametrize("language", ["C.UTF-8", "fr_FR.UTF-8"])
@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("mandoc", ["mandoc", "-T", "lint", "-W", "warning"]),
        ("groff", ["groff", "-ww", "-man", "-T", "utf8", "-K", "utf8", "-z"]),
    ],
)
def test_programs_that_read_manual_pages_find_nothing_wrong(program, command, language, larix):
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    files = larix.succeed("manpages", "man", LANG=language, PYTHONUTF8="1").split()
    for file in files:
        done = subprocess.run([*command, larix.folder / file], capture_output=True, text=True, check=False)
        told = [line for line in (done.stdout + done.stderr).splitlines() if "missing date" not in line]
        assert told == []


@pytest.mark.skipif(shutil.which("man") is None, reason="needs man")
def test_man_shows_a_page(larix):
    larix.succeed("manpages", ".")
    environment = larix.environment | {"MANWIDTH": "80", "MANPAGER": "cat"}
    done = subprocess.run(
        ["man", "-l", larix.folder / "larix-hash.1"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert "larix-hash - compute the cryptographic hash of a file" in done.stdout
    assert "-r, --recursive" in re.sub(".\b|\x1b\\[[0-9]*m", "", done.stdout)
