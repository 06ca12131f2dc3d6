"""What `-D` and `-P` put in the place of the package that follows: its build inputs, or who depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.options import UsageError
from larix.packages.bag import package_of
from larix.packages.dependents import dependents_of
from larix.packages.package import package_bag
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.evaluation import Evaluation
    from larix.cli.options import CommandLine
    from larix.errors import LarixError
    from larix.packages.package import Package

__all__ = ["build_inputs", "dependents", "listed_packages", "require_packages"]


def require_packages(line: CommandLine) -> None:
    """Raise UsageError for an option that no package follows, or not the one that it is about."""
    pending = ""
    for token in line.tokens:
        if token.name in {"development", "dependents"}:
            if pending:
                break
            pending = token.name
        elif token.value is not None and token.name in {"", "expression", "file", "manifest"}:
            if pending and (token.name == "manifest" or (token.name == "" and token.value.startswith("/"))):
                break
            pending = ""
    if pending:
        raise UsageError(
            tr("'--{pending}' is about the package after it, and none comes next", pending=pending),
            hint=f"Write `--{pending} PACKAGE'.",
        )


def build_inputs(evaluation: Evaluation, value: object, *, packages_only: bool = False) -> list[object]:
    """All that building the package takes: toolchain, native and other inputs, and what these propagate."""
    bag = package_bag(_package(value, "development"), evaluation.lowering)
    inputs = (*bag.build_inputs, *bag.host_inputs, *bag.target_inputs)
    values = {id(each.value): each.value for each in inputs}.values()
    return [each for each in values if not packages_only or package_of(each) is not None]


def dependents(evaluation: Evaluation, value: object, depth: str | None) -> list[Package]:
    """The packages of the catalogue that depend on the package, at most `depth` steps away."""
    if depth is not None and not (depth.isascii() and depth.isdigit() and int(depth[:9]) > 0):
        raise UsageError(tr("not a number: 'dependents' option argument: {depth}", depth=depth))
    package = _package(value, "dependents")
    found = dependents_of(
        listed_packages(evaluation),
        [package],
        evaluation.lowering,
        depth=None if depth is None else int(depth[:9]),
        tell=_tell,
    )
    if not found:
        diagnostics.warning(
            tr("nothing in the catalogue depends on {full_name}", full_name=package.full_name)
        )
    return found


def listed_packages(evaluation: Evaluation) -> list[Package]:
    """All packages of the catalogue that can be used on the system, loaded."""
    catalogue = evaluation.catalogue
    return [catalogue.load(catalogue.entry(row)) for row in catalogue.listed_rows()]


def _tell(error: LarixError) -> None:
    diagnostics.warning(error.message, error.place)


def _package(value: object, option: str) -> Package:
    package = package_of(value)
    if package is None:
        raise UsageError(tr("'--{option}': `{value!r:.80}' is not a package", option=option, value=value))
    return package
