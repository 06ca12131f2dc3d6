"""Imported definitions in a file that may hold others: they come last, and nothing is imported twice."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

from larix.errors import LarixError, Location
from larix.packages.definition import SourceText
from larix.upstream.drafts import WIDTH, print_drafts
from larix.upstream.editing import replace_file
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from larix.upstream.drafts import Draft

__all__ = ["CannotInsert", "insert_drafts"]


class CannotInsert(LarixError):
    """The file has something of that name, or cannot be written."""


def insert_drafts(file: str, drafts: Sequence[Draft]) -> None:
    """Add packages to the end of a file, or make the file. It is replaced in one step."""
    text = print_drafts(drafts)
    try:
        if os.path.exists(file):
            replace_file(file, _joined(SourceText(file), text))
        else:
            with open(file, "x", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise CannotInsert(
            tr("cannot write `{file}`: {problem}", file=file, problem=error.strerror)
        ) from error


def _joined(old: SourceText, text: str) -> bytes:
    new = SourceText("<imported>", text.encode())
    made = dict(_bound(new.tree))
    bound = dict(_bound(old.tree))
    for name in made:
        if name in bound:
            raise CannotInsert(
                tr("the file has a definition of `{name}` already", name=name),
                place=Location(old.file, bound[name]),
            )
    head, here = _imports(new.tree), _imports(old.tree)
    # Definitions follow the list of names, which follows the imports.
    last = new.value_of_name("__all__") or head[-1]
    definitions = "\n".join(new.lines[last.end_lineno or 0 :]).strip("\n")
    missing = [line for each in head for line in _missing(each, here)]
    lines = old.text.splitlines()
    names = old.value_of_name("__all__")
    if isinstance(names, ast.List | ast.Tuple) and names.end_lineno is not None:
        lines[names.lineno - 1 : names.end_lineno] = _export_lines(names, made)
    after = here[-1].end_lineno or 0 if here else _docstring_end(old.tree)
    lines[after:after] = missing
    return ("\n".join(lines).rstrip("\n") + f"\n\n{definitions}\n").encode()


def _imports(tree: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    return [each for each in tree.body if isinstance(each, ast.Import | ast.ImportFrom)]


def _bound(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What a module defines, with the lines; neither what it imports nor its special names."""
    for each in tree.body:
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            yield each.name, each.lineno
        elif isinstance(each, ast.Assign | ast.AnnAssign):
            for target in each.targets if isinstance(each, ast.Assign) else [each.target]:
                if isinstance(target, ast.Name) and not target.id.startswith("__"):
                    yield target.id, each.lineno


def _missing(
    wanted: ast.Import | ast.ImportFrom, here: Sequence[ast.Import | ast.ImportFrom]
) -> Iterator[str]:
    """The statement for what the file does not import, if there is anything."""
    if isinstance(wanted, ast.ImportFrom):
        if wanted.module == "__future__":
            return
        known = {
            alias.name
            for each in here
            if isinstance(each, ast.ImportFrom) and each.module == wanted.module
            for alias in each.names
            if alias.asname is None
        }
        start = f"from {wanted.module} import "
    else:
        known = {alias.name for each in here if isinstance(each, ast.Import) for alias in each.names}
        start = "import "
    names = [alias.name for alias in wanted.names if alias.name not in known]
    if names:
        yield start + ", ".join(names)


def _export_lines(names: ast.List | ast.Tuple, more: Iterable[str]) -> list[str]:
    known = [each.value for each in names.elts if isinstance(each, ast.Constant)]
    quoted = [f'"{name}"' for name in sorted({*map(str, known), *more})]
    line = f"__all__ = [{', '.join(quoted)}]"
    return [line] if len(line) <= WIDTH else ["__all__ = [", *(f"    {each}," for each in quoted), "]"]


def _docstring_end(tree: ast.Module) -> int:
    first = tree.body[0] if tree.body else None
    return first.end_lineno or 0 if first is not None and ast.get_docstring(tree) is not None else 0
