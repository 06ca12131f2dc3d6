"""Parts of the catalogue that packagers work on: the core, the rest, one module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.options import UsageError
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.evaluation import Evaluation
    from larix.packages.package import Package

__all__ = ["all_packages"]


def all_packages(evaluation: Evaluation, subset: str | None) -> list[Package]:
    """The listed packages of a subset, of all when it is None.

    `core` is the tools that build systems add to what definitions name, with all that they are built with: a
    change there rebuilds much. `non-core` is the rest, and `module:NAME` what a module defines.
    """
    catalogue = evaluation.catalogue
    entries = [catalogue.entry(row) for row in catalogue.listed_rows()]
    if subset is not None and subset.startswith("module:"):
        name = subset.removeprefix("module:")
        chosen = [each for each in entries if each.module == name or each.module.endswith(f".{name}")]
        if not chosen:
            hint = diagnostics.did_you_mean(name, {each.module.rpartition(".")[2] for each in entries})
            raise UsageError(tr("{subset}: no packages are in a module called so", subset=subset), hint=hint)
        return [catalogue.load(each) for each in chosen]
    if subset not in {None, "core", "non-core"}:
        raise UsageError(
            tr("{subset}: unknown subset", subset=subset), hint=tr("there are core, non-core and module:NAME")
        )
    packages = [catalogue.load(each) for each in entries]
    if subset is None:
        return packages
    core = _core(evaluation)
    return [each for each in packages if (id(each) in core) == (subset == "core")]


def _core(evaluation: Evaluation) -> set[int]:
    from larix.buildsystems import build_system_names
    from larix.buildsystems._description import describe_build_system
    from larix.packages.dependents import needed_by

    names = {tool for name in build_system_names() for tool in describe_build_system(name).tools}
    found: set[int] = set()
    todo = [package for name in sorted(names) if (package := evaluation.newest(name)) is not None]
    while todo:
        package = todo.pop()
        if id(package) not in found:
            found.add(id(package))
            todo += needed_by(package, evaluation.lowering)
    return found
