"""Whether installed Python distributions have what they say they need, and their programs what they import.

Run by the Python that they are for, with the search path that their users will have: `python3 -P -c` with
`check_sites` as the last call, see `python_phases`.
"""

from __future__ import annotations

import importlib.metadata
import sys
import traceback
from collections.abc import Iterable, Sequence

from larix.buildside.requirements import (
    BadRequirement,
    marker_environment,
    marker_holds,
    parse_requirement,
    satisfies,
)

__all__ = ["check_sites", "missing_requirements", "unloadable_programs"]

PROGRAM_GROUPS = ("console_scripts", "gui_scripts")


def check_sites(sites: Sequence[str]) -> int:
    """Look at each distribution in some site directories; print what is wrong and give an exit status."""
    count = problems = 0
    for distribution in importlib.metadata.distributions(path=list(sites)):
        count += 1
        name = f"{distribution.metadata['Name']} {distribution.version}"
        found = [*missing_requirements(distribution.requires or ()), *unloadable_programs(distribution)]
        print(f"{name}: {'; '.join(found) if found else 'sane'}", flush=True)
        problems += len(found)
    if not count:
        print(f"no distribution is installed in {', '.join(sites) or 'any site directory'}", flush=True)
    return 1 if problems or not count else 0


def missing_requirements(requirements: Iterable[str]) -> list[str]:
    """What is wrong with the requirements that hold here; those of extras hold for nobody."""
    environment = marker_environment()
    problems: list[str] = []
    for text in requirements:
        try:
            wanted = parse_requirement(text)
            if wanted.marker is not None and not marker_holds(wanted.marker, environment):
                continue
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"requires `{text}`, which is not there")
            continue
        except BadRequirement as error:
            problems.append(str(error))
            continue
        if not satisfies(version, wanted.specifiers):
            problems.append(f"requires `{text}`, and there is {version}")
    return problems


def unloadable_programs(distribution: importlib.metadata.Distribution) -> list[str]:
    """What goes wrong when the functions of its programs are imported; those of extras are left out."""
    problems: list[str] = []
    for each in distribution.entry_points:
        if each.group not in PROGRAM_GROUPS or each.extras:
            continue
        try:
            each.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  (it is what was asked for)
            traceback.print_exc(file=sys.stdout)
            problems.append(f"program `{each.name}` cannot import `{each.value}`: {error}")
    return problems
