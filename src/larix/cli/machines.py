"""Which machines can be built on and for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.cli.tables import print_json
from larix.packages.platform import host_system
from larix.packages.toolchain import toolchain
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.options import CommandLine

__all__ = ["list_machines"]


def list_machines(line: CommandLine) -> int:
    """The systems and targets of the toolchain in use, the machine's own system marked."""
    line.no_operands()
    tools = toolchain(os.environ.get("LARIX_TOOLCHAIN"))
    current = host_system()
    mark = tr("[current]")
    lists = [
        (name, sorted(rows))
        for name, rows in (("systems", tools.systems or (current,)), ("targets", tools.targets))
        if line.has(f"list-{name}")
    ]
    if line.has("json"):
        print_json(current=current, **dict(lists))
        return 0
    headings = {"systems": tr("The available systems are:"), "targets": tr("The available targets are:")}
    for number, (name, rows) in enumerate(lists):
        if number:
            print()
        print(f"{headings[name]}\n")
        for each in rows:
            print(f"   - {each}{f' {mark}' if each == current else ''}")
    return 0
