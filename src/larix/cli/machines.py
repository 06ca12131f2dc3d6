"""Which machines can be built on and for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.cli.tables import print_json
from larix.packages.platform import host_system
from larix.packages.toolchain import toolchain

if TYPE_CHECKING:
    from larix.cli.options import CommandLine

__all__ = ["list_machines"]


def list_machines(line: CommandLine) -> int:
    """The systems and targets of the toolchain in use, the machine's own system marked."""
    line.no_operands()
    tools = toolchain(os.environ.get("LARIX_TOOLCHAIN"))
    current = host_system()
    lists = [
        (name, sorted(rows))
        for name, rows in (("systems", tools.systems or (current,)), ("targets", tools.targets))
        if line.has(f"list-{name}")
    ]
    if line.has("json"):
        print_json(current=current, **dict(lists))
        return 0
    for number, (name, rows) in enumerate(lists):
        if number:
            print()
        print(f"The available {name} are:\n")
        for each in rows:
            print(f"   - {each}{' [current]' if each == current else ''}")
    return 0
