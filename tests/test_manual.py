"""The manual: it is built without a warning, lacks no page, and all that it shows holds.

Blocks marked `console` are run and print what is shown; those of Python and of settings are read by what is
to read them; commands that need another machine, shown as `sh` or in a line of text, have options that there
are.
"""

from __future__ import annotations

import contextlib
import html
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from larix.cli import registry
from larix.cli.manual import shown_groups
from larix.cli.options import STANDARD, Answered, parse, spelled
from larix.daemon.settings import read_settings
from sessions import BLOCK, CHECKOUT, document_of, place_of

DOCUMENTS = CHECKOUT / "docs"
TEXTS = {file.stem: file.read_text(encoding="utf-8") for file in sorted(DOCUMENTS.glob("*.md"))}
FOLLOWED = [name for name, text in TEXTS.items() if "```console" in text and name != "tutorial"]
# What is shown of a command whose words are not those of a call: `larix CMD` and the like.
PLACEHOLDER = re.compile(r"[A-Z]{3}|\.\.\.|…")


def blocks(text: str, language: str) -> list[str]:
    """Blocks of a language that are not written to a file."""
    return [body for kind, _, found, body in BLOCK.findall(text) if found == language and not kind]


@pytest.mark.build
@pytest.mark.slow
@pytest.mark.parametrize("name", FOLLOWED)
def test_commands_of_the_manual_hold_word_for_word(clone: Path, name: str) -> None:
    place_of(clone, clone.parent / name).follow(document_of(TEXTS[name]))


@pytest.mark.parametrize("name", TEXTS)
def test_every_example_is_of_a_kind_that_is_tried(name: str) -> None:
    """The tutorial is followed by a test of its own."""
    fenced = re.findall(r"^```(\S+)$", TEXTS[name], re.MULTILINE)
    assert set(fenced) <= {"console", "sh", "python", "toml", "c", "diff", "{toctree}"}
    prose = re.sub(r"^```.*?^```$", "", TEXTS[name], flags=re.DOTALL | re.MULTILINE)
    assert not re.findall(r"^(?: {4}|\t)\S.*", prose, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if blocks(text, "python")])
def test_python_shown_runs(name: str) -> None:
    names: dict[str, object] = {"__name__": "shown"}
    for block in blocks(TEXTS[name], "python"):
        exec(compile(block, f"{name}.md", "exec"), names)


def test_settings_shown_are_settings(tmp_path: Path) -> None:
    """All pages' together are one file, in which nothing comes twice."""
    shown = [block for text in TEXTS.values() for block in blocks(text, "toml")]
    (tmp_path / "daemon.toml").write_text("\n".join(shown))
    settings = read_settings(str(tmp_path / "daemon.toml"))
    assert (settings.max_jobs, settings.max_sessions) == (4, 512)
    assert settings.space.max_free == 20 << 30


def commands() -> list[tuple[str, str]]:
    """Calls of larix that are shown and not run, each with the page."""
    found: list[tuple[str, str]] = []
    for name, text in TEXTS.items():
        for block in blocks(text, "sh"):
            found += [(name, line[line.index("larix ") :]) for line in block.splitlines() if "larix " in line]
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        found += [(name, " ".join(each.split())) for each in re.findall(r"`(larix [^`]+)`", prose)]
    return found


@pytest.mark.parametrize(("name", "command"), commands())
def test_commands_that_are_mentioned_have_these_options(name: str, command: str) -> None:
    words = shlex.split(re.split(r" [|>&] | >", command)[0])[1:]
    grammar = registry.grammar_of(words[0])
    if grammar is None:
        assert words[0] in registry.all_names() or PLACEHOLDER.search(words[0]) or words[0].startswith("-")
        return
    with contextlib.suppress(Answered):
        parse(grammar, words[1:])


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = {
        line
        for block in re.findall(r"```\{toctree\}\n(.*?)```", TEXTS["index"], re.DOTALL)
        for line in block.splitlines()
        if line and not line.startswith(":")
    }
    assert listed - {"commands"} == TEXTS.keys() - {"index"}


@pytest.mark.slow
def test_the_manual_is_built_without_a_warning_and_can_be_searched(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="Sphinx is not installed")
    done = subprocess.run(
        [sys.executable, CHECKOUT / "tools/manual.py", tmp_path / "manual"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    index = (tmp_path / "manual/searchindex.js").read_text(encoding="utf-8")
    for name in TEXTS:
        assert f'"{name}"' in index
    page = (tmp_path / "manual/commands.html").read_text(encoding="utf-8")
    sections = dict(re.findall(r'<section id="larix-([a-z-]+)">(.*?)</section>', page, re.DOTALL))
    for name, synopsis in registry.synopses():
        grammar = registry.grammar_of(name)
        if grammar is not None:
            section = sections[name]
            shown = html.unescape(re.sub(r"<[^>]+>", "", section))
            assert synopsis.split("'")[0] in shown
            groups = [options for _, options in shown_groups(grammar)]
            for option in [*STANDARD, *(each for options in groups for each in options)]:
                long, argument = spelled(option)
                assert long + argument in shown, (name, long)
                assert all(f"-{letter}, " in shown for letter in option.short)
                # Quotes are shown as code.
                assert " ".join(re.split(r"[`']", option.help)[0].split()[:3]) in " ".join(shown.split())
