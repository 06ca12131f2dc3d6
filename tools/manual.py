"""The manual as pages for browsers, with a search that needs no server.

    .venv/bin/python tools/manual.py [FOLDER]     build docs/ into FOLDER, dist/manual if none is given

The reference of commands is made from the tables that `--help` is made from. Warnings are errors.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT / "src"))

from larix.cli import registry  # noqa: E402
from larix.cli.options import STANDARD, Grammar, Option, spelled  # noqa: E402

EXIT_CODES = """\
## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | any error that is none of the following |
| 100 | a build failed |
| 101 | a build took longer than allowed |
| 102 | what was downloaded or built has another hash than promised |
| 104 | two builds of the same differ |
| 127 | there is no such program to run |
| 130 | interrupted by the user |

Under `--keep-going`, the codes of builds that failed are or-ed. Programs that larix starts give their own.
"""


def reference() -> str:
    """The page on all commands."""
    lines = ["# Commands", "", "`larix COMMAND --help` shows the same.", "", EXIT_CODES]
    for category, commands in registry.by_category().items():
        shown = [(name, synopsis) for name, synopsis in commands if registry.grammar_of(name) is not None]
        if shown:
            lines += [f"## {category.capitalize()} commands", ""]
        for name, synopsis in shown:
            grammar = registry.grammar_of(name)
            if grammar is not None:
                lines += command(name, synopsis, grammar)
    return "\n".join(lines) + "\n"


def command(name: str, synopsis: str, grammar: Grammar) -> Iterator[str]:
    yield from (f"### larix {name}", "", f"*{plain(synopsis)}*", "", f"    larix {grammar.usage}", "")
    yield from (plain(line) for line in grammar.summary.splitlines())
    yield ""
    for heading, options in (*grammar.groups, ("On larix itself:", STANDARD)):
        shown = [option for option in options if not option.hidden]
        if not shown:
            continue
        if heading:
            yield from (f"**{plain(heading.rstrip(': '))}**", "")
        for option in shown:
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
    import re

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
