"""The manual as pages for browsers, with a search that needs no server.

    .venv/bin/python tools/manual.py [FOLDER]     build docs/ into FOLDER, dist/manual if none is given

The reference of commands is made from the tables that `--help` is made from. Warnings are errors.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT / "src"))

from larix.cli import registry  # noqa: E402
from larix.cli.manual import EXIT_CODES, VARIABLES, shown_groups  # noqa: E402
from larix.cli.options import STANDARD, Grammar, Option, spelled  # noqa: E402


def reference() -> str:
    """The page on all commands."""
    lines = ["# Commands", "", "`larix COMMAND --help` shows the same.", "", *exit_codes(), *variables()]
    for category, commands in registry.by_category().items():
        shown = [(name, synopsis) for name, synopsis in commands if registry.grammar_of(name) is not None]
        if shown:
            lines += [f"## {registry.CATEGORIES[category].capitalize().rstrip(':')}", ""]
        for name, synopsis in shown:
            grammar = registry.grammar_of(name)
            if grammar is not None:
                lines += command(name, synopsis, grammar)
    return "\n".join(lines) + "\n"


def exit_codes() -> list[str]:
    rows = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES]
    after = "Under `--keep-going`, the codes of all builds that failed are or-ed. Programs give their own."
    return ["## Exit codes", "", "| code | meaning |", "|---|---|", *rows, "", after, ""]


def variables() -> list[str]:
    rows = [
        f"| {', '.join(f'`{name}`' for name in names.split(', '))} | {plain(meaning)} |"
        for names, meaning in VARIABLES
    ]
    return ["## Environment variables", "", "| variable | meaning |", "|---|---|", *rows, ""]


def command(name: str, synopsis: str, grammar: Grammar) -> Iterator[str]:
    yield from (f"### larix {name}", "", f"*{plain(synopsis)}*", "", f"    larix {grammar.usage}", "")
    yield from (plain(line) for line in grammar.summary.splitlines())
    yield ""
    if grammar.build_options_from_environment:
        yield from ("The words of the variable `LARIX_BUILD_OPTIONS` are read as options, too.", "")
    for heading, options in (*shown_groups(grammar), ("", list(STANDARD))):
        if heading:
            yield from (f"**{plain(heading)}**", "")
        for option in options:
            yield from (names(option), f": {plain(option.help)}", "")


def names(option: Option) -> str:
    long, argument = spelled(option)
    short = "".join(f"`-{letter}`, " for letter in option.short)
    return f"{short}`{long}{argument}`"


def plain(text: str) -> str:
    """Text in which nothing is markup; what is quoted as GNU does is code."""
    for letter in "\\*_[]<>|":
        text = text.replace(letter, f"\\{letter}")
    return text.replace("`", "`` ` ``") if text.count("`") != text.count("'") else quoted(text)


def quoted(text: str) -> str:
    """`word' becomes `word`."""
    return re.sub(r"`([^`']*)'", lambda found: f"`{found[1]}`".replace("\\", ""), text)


def main(arguments: list[str]) -> int:
    from sphinx.cmd.build import build_main

    target = Path(arguments[0]) if arguments else CHECKOUT / "dist" / "manual"
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "docs"
        shutil.copytree(CHECKOUT / "docs", source)
        (source / "commands.md").write_text(reference(), encoding="utf-8")
        os.environ.setdefault("SOURCE_DATE_EPOCH", "1")
        return int(build_main(["-q", "-W", "-b", "html", "-d", f"{scratch}/state", str(source), str(target)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
