"""Definitions in the house's style: their layout, the order of fields, the order of inputs.

A definition is read as text, changed as a tree of brackets, and laid out again; comments go along with what
they stand beside or above. What a definition means never changes: the layout leaves the syntax tree as it is,
and for the rest whoever calls compares derivations.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from larix.packages.definition import CannotEdit, Edit
from larix.packages.layout import Group, Item, Leaf, flat, laid_out, read_expression
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from larix.packages.definition import SourceText

__all__ = ["RULES", "Rule", "definitions_in", "restyled"]


class Rule(NamedTuple):
    """`is_layout` of a rule that leaves the syntax tree as it is."""

    name: str
    description: str
    is_layout: bool


RULES = (
    Rule("format", mark("lay definitions out as the house does"), is_layout=True),
    Rule("arguments", mark("put fields in the usual order"), is_layout=False),
    Rule("inputs", mark("sort inputs by name, where that changes no build"), is_layout=False),
)
_INPUTS = frozenset({"inputs", "native_inputs", "propagated_inputs"})
_FIELDS: dict[str, tuple[str, ...]] = {
    "Package": (
        *("name", "version", "source", "build_system", "arguments"),
        *("native_inputs", "inputs", "propagated_inputs"),
        *("outputs", "supported_systems", "search_paths", "native_search_paths"),
        *("synopsis", "description", "home_page", "license"),
        *("properties", "hidden", "superseded_by", "replacement"),
    ),
    "Origin": (
        *("uri", "file_name", "sha256", "hash", "recursive", "executable", "unpack"),
        *("patches", "patch_flags", "snippet"),
    ),
}
_FIELDS["inherit"] = tuple(dict.fromkeys((*_FIELDS["Package"], *_FIELDS["Origin"])))


def definitions_in(source: SourceText) -> list[ast.Call]:
    """The calls that make the records which a module binds to names."""
    return [
        node.value
        for node in source.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Call)
        and _called(node.value.func) in _FIELDS
    ]


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def restyled(source: SourceText, call: ast.Call, rules: Collection[str]) -> Edit | None:
    """What makes a definition follow the rules; None when it does. Raises CannotEdit.

    Whatever the rules, what is changed is laid out anew.
    """
    start, end = source.span(call)
    written = source.data[start:end].decode()
    item = read_expression(written)
    if "arguments" in rules:
        for group, names in _calls(item):
            _order(group, names)
    if "inputs" in rules:
        for group, _ in _calls(item):
            _sort_inputs(group)
    line = source.lines[call.lineno - 1]
    before = len(line.encode()[: call.col_offset].decode())
    text = laid_out(item, indent=len(line) - len(line.lstrip(" ")), column=before)
    if text == written:
        return None
    moved = "arguments" in rules or "inputs" in rules
    if not moved and ast.dump(_parsed(text)) != ast.dump(_parsed(written)):
        raise CannotEdit(
            tr("the layout would change what this means, so it is left as it is"), place=source.place(call)
        )
    return Edit(call, text)


def _parsed(text: str) -> ast.expr:
    return ast.parse(f"(\n{text}\n)", mode="eval").body


def _groups(item: Item) -> Iterator[tuple[Leaf | Group | None, Group]]:
    """All brackets, each with what stands before it."""
    for index, part in enumerate(item.parts):
        if isinstance(part, Group):
            yield item.parts[index - 1] if index else None, part
            for each in part.items:
                yield from _groups(each)


def _calls(item: Item) -> Iterator[tuple[Group, Sequence[str]]]:
    """The arguments of calls that make records, each with the order of fields."""
    for function, group in _groups(item):
        if group.bracket == "(" and isinstance(function, Leaf) and function.text in _FIELDS:
            yield group, _FIELDS[function.text]


def _order(group: Group, names: Sequence[str]) -> None:
    """Unless something is given otherwise than by name: then the order may mean something."""
    if all(each.keyword in names for each in group.items):
        _put(group, sorted(group.items, key=lambda each: names.index(each.keyword or "")))


def _sort_inputs(call: Group) -> None:
    for item in call.items:
        last = item.parts[-1] if item.parts else None
        if (
            item.keyword not in _INPUTS
            or not isinstance(last, Group)
            or last.bracket != "["
            or last.follows_value
        ):
            continue
        if all(_is_plain(each) for each in last.items):
            _put(last, sorted(last.items, key=_name))


def _put(group: Group, items: list[Item]) -> None:
    group.items[:] = items


def _is_plain(item: Item) -> bool:
    """A package, an output of one, or one of these with a label."""
    words = {part.text for part in item.parts if isinstance(part, Leaf)}
    return not item.has_inner_comment and words.isdisjoint({"*", "for", "if", "lambda", "or", "and"})


def _name(item: Item) -> str:
    return flat(item).lstrip("(\"'")
