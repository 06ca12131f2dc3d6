"""Entry points of Python distributions: read from entry_points.txt, and programs made for them.

[console_scripts]
NAME = MODULE:OBJECT.ATTRIBUTE [EXTRA,...]
"""

from __future__ import annotations

import configparser
import os
import re
from pathlib import Path
from typing import NamedTuple

from larix.buildside.failure import BuildSideError

__all__ = ["BadEntryPoint", "EntryPoint", "create_programs", "read_entry_points"]

PROGRAM_GROUPS = ("console_scripts", "gui_scripts")
REFERENCE = re.compile(
    r"(?P<module>\w+(?:\.\w+)*)(?:\s*:\s*(?P<attribute>\w+(?:\.\w+)*))?\s*(?:\[(?P<extras>[^\]]*)\])?"
)


class BadEntryPoint(BuildSideError):
    """An entry_points.txt that is not of the form, or a program without a function."""


class EntryPoint(NamedTuple):
    group: str
    name: str
    module: str
    attribute: str | None
    extras: tuple[str, ...]


def read_entry_points(file: str | os.PathLike[str]) -> list[EntryPoint]:
    """All entry points of a file; none when it is not there."""
    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        with open(file, encoding="utf-8") as stream:
            parser.read_file(stream)
    except FileNotFoundError:
        return []
    except (configparser.Error, UnicodeDecodeError) as error:
        raise BadEntryPoint(f"{os.fspath(file)}: {error}") from error
    return [
        _entry_point(file, group, name.strip(), reference)
        for group in parser.sections()
        for name, reference in parser.items(group)
    ]


def _entry_point(file: str | os.PathLike[str], group: str, name: str, reference: str) -> EntryPoint:
    match = REFERENCE.fullmatch(reference.strip())
    if match is None:
        raise BadEntryPoint(f"{os.fspath(file)}: `{name} = {reference}` names no object")
    extras = tuple([each.strip() for each in (match["extras"] or "").split(",") if each.strip()])
    return EntryPoint(group, name, match["module"], match["attribute"], extras)


def create_programs(
    entry_points: list[EntryPoint], directory: Path, *, interpreter: str | os.PathLike[str]
) -> list[Path]:
    """Make a program for each entry point that is one, in place of a file of that name; give their names."""
    made: list[Path] = []
    for each in entry_points:
        if each.group not in PROGRAM_GROUPS:
            continue
        if each.attribute is None or "/" in each.name or not each.name:
            raise BadEntryPoint(f"the program `{each.name}` has no function, or a name that no file can have")
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / each.name
        file.unlink(missing_ok=True)
        first = each.attribute.partition(".")[0]
        lines = [
            f"#!{os.fspath(interpreter)}",
            "import sys",
            "",
            f"from {each.module} import {first}",
            "",
            'if __name__ == "__main__":',
            f"    sys.exit({each.attribute}())",
            "",
        ]
        file.write_text("\n".join(lines), encoding="utf-8")
        file.chmod(0o755)
        made.append(file)
    return made
