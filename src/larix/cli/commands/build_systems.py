"""`larix build-systems [NAME...]`: how packages can be built, and what they may say to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from larix.cli.options import Grammar, Option, parse
from larix.cli.tables import Style, print_json, print_paged, print_table
from larix.words import tr

if TYPE_CHECKING:
    from larix.buildsystems._description import Description

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "list build systems, their phases and arguments"

GRAMMAR = Grammar(
    "build-systems",
    "build-systems [OPTION] [BUILD-SYSTEM]...",
    "List the build systems, or tell all about each BUILD-SYSTEM that is named.",
    (("", (Option("json", help="print JSON"),)),),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    from larix.buildsystems import build_system_names
    from larix.buildsystems._description import describe_build_system

    found = [describe_build_system(name) for name in line.operands or build_system_names()]
    if line.has("json"):
        print_json(build_systems=[_fields(each) for each in found])
    elif line.operands:
        style = Style.of_output()
        print_paged([_text(each, style) for each in found])
    else:
        print_table([(each.name, tr(each.summary)) for each in found])
    return 0


def _fields(description: Description) -> dict[str, Any]:
    fields: dict[str, Any] = description._asdict()
    return {**fields, "arguments": [each._asdict() for each in description.arguments]}


def _text(description: Description, style: Style) -> str:
    lines = [style.bold(f"{description.name}: {tr(description.summary)}"), "", description.text, ""]
    if description.tools:
        lines += [tr("Implied: {tools}", tools=", ".join(description.tools)), ""]
    if description.phases:
        lines += [style.bold(tr("Phases")), *[f"  {name}" for name in description.phases], ""]
    lines.append(style.bold(tr("Arguments")))
    for each in description.arguments:
        default = tr(" (default: {value})", value=each.default) if each.default is not None else ""
        lines.append(f"  {each.name}{default}")
        lines.append(f"      {tr(each.meaning)}")
        if each.phases:
            lines.append("      " + tr("taken by: {phases}", phases=", ".join(each.phases)))
    return "\n".join([*lines, "", ""])
