"""The phases that install files as they come, by a plan.

They are those of `gnu`, without `bootstrap`, `configure`, `build` and `check`. A step of the plan is a source
and a target, both relative (to the source's directory and to the main output), and perhaps a choice:

    ("etc/config", "share/config")           the file or directory itself, under that name
    ("etc/config", "share/")                 below that directory, under its own name
    ("etc/", "share/config")                 what the directory holds, below that directory
    ("lib/", "lib", {"include": ["a.el"]})   of a directory, those files that are chosen

A choice has some of `include` and `exclude`, lists of base names or of ends of file names, and
`include_regexp` and `exclude_regexp`, patterns searched in names relative to the directory. Without an
`include` of either kind, all is included. The chosen files keep their place below the directory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from larix.buildside import gnu
from larix.buildside.failure import BuildSideError
from larix.buildside.files import copy_recursively, find_files, mkdir_p
from larix.buildside.gnu import main_output
from larix.buildside.phases import Phases

__all__ = ["BadPlan", "copy_phases", "install_by_plan", "standard_phases"]

Step = Sequence[Any]
CHOICES = ("include", "include_regexp", "exclude", "exclude_regexp")


class BadPlan(BuildSideError):
    """A step of an install plan is of no known form, or there is nothing that it would install."""

    def __init__(self, step: Step, cause: str) -> None:
        super().__init__(f"install plan: {tuple(step)!r}: {cause}")


def install_by_plan(plan: Iterable[Step], output: Path) -> None:
    """Carry out all steps, from the current directory; a step that installs nothing is an error."""
    for step in plan:
        source, target, choice = _parts(step)
        if not os.path.lexists(source.rstrip("/") or "."):
            raise BadPlan(step, f"there is no `{source}` in {os.getcwd()}")
        if os.path.isdir(source) and (source.endswith("/") or choice):
            _install_chosen(step, source, output / target, choice)
        elif choice or source.endswith("/"):
            raise BadPlan(step, f"`{source}` is no directory")
        else:
            name = os.path.basename(source)
            destination = output / target / name if _is_directory_name(target) else output / target
            _copy(source, destination)


def _parts(step: Step) -> tuple[str, str, Mapping[str, Sequence[str]]]:
    if (
        isinstance(step, str)
        or len(step) not in {2, 3}
        or not all(isinstance(each, str) for each in step[:2])
    ):
        raise BadPlan(step, "a step is a source, a target, and perhaps a choice")
    source, target = str(step[0]), str(step[1])
    if target.startswith("/") or ".." in target.split("/"):
        raise BadPlan(step, "a target is relative to the output and stays in it")
    given: object = step[2] if len(step) == 3 else {}
    choice = cast("Mapping[str, Sequence[str]]", given) if isinstance(given, Mapping) else {"": ()}
    if not set(choice) <= set(CHOICES) or any(isinstance(each, str) for each in choice.values()):
        raise BadPlan(step, f"a choice has some of {', '.join(CHOICES)}, which are lists")
    return source, target, choice


def _is_directory_name(target: str) -> bool:
    return target in {"", ".", "./"} or target.endswith("/")


def _install_chosen(step: Step, source: str, target: Path, choice: Mapping[str, Sequence[str]]) -> None:
    names = [os.path.relpath(file, source) for file in find_files(source)]
    chosen = [name for name in names if _is_chosen(name, choice)]
    if not chosen:
        raise BadPlan(step, f"it chooses none of the {len(names)} files of `{source}`")
    for name in chosen:
        _copy(os.path.join(source, name), target / name)


def _is_chosen(name: str, choice: Mapping[str, Sequence[str]]) -> bool:
    def matches(kind: str) -> bool:
        endings = tuple(choice.get(kind, ()))
        patterns = choice.get(f"{kind}_regexp", ())
        return bool(endings and name.endswith(endings)) or any(re.search(each, name) for each in patterns)

    wants_all = "include" not in choice and "include_regexp" not in choice
    return (wants_all or matches("include")) and not matches("exclude")


def _copy(source: str, target: Path) -> None:
    mkdir_p(target.parent)
    copy_recursively(source, target)
    print(f"{source} -> {target}", flush=True)


def _install(*, outputs: Mapping[str, Path], install_plan: Sequence[Step] = (("./", "."),)) -> None:
    install_by_plan(install_plan, main_output(outputs))


def copy_phases() -> Phases:
    """The standard phases, as the program of a build asks for them."""
    return standard_phases


standard_phases = Phases(
    gnu.standard_phases.delete("bootstrap", "configure", "build", "check").replace("install", _install).pairs,
    made_by=(copy_phases, ()),
)
