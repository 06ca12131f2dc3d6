"""Packages whose build is one function, given as the argument `builder`.

The function runs in the build and takes what it wants of `output`, `outputs`, `inputs`, `source`, `name`,
`version`, `system` and `target` by name. Inputs of all kinds are in `inputs`. Nothing is on PATH.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from larix.buildside.failure import show_failure
from larix.buildside.phases import call_with
from larix.buildsystems._arguments import (
    LIMITS,
    BadArguments,
    checked_arguments,
    reference_limits,
    toolchain_of,
)
from larix.buildsystems._kinds import ARGUMENT_KINDS
from larix.packages.bag import Bag, with_propagated
from larix.packages.toolchain import toolchain
from larix.staging import build_expression_to_derivation
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from larix.derivation import Lowered
    from larix.packages.arguments import Kind
    from larix.packages.package import Package
    from larix.staging.lower import Lowering

__all__ = ["TrivialBuildSystem", "trivial"]


def run_builder(*, builder: Callable[..., None], **given: Any) -> None:
    """What the builder calls."""
    sys.excepthook = show_failure
    call_with(builder, given)


class TrivialBuildSystem:
    name = "trivial"
    description = "one function that makes the outputs"
    argument_names = ("builder", "toolchain")
    given_names = ("inputs", "name", "output", "outputs", "source", "system", "target", "version")

    def __repr__(self) -> str:
        return f"<build system {self.name}>"

    def argument_kind(self, name: str) -> Kind | None:
        """The check of an argument, if it has one."""
        return ARGUMENT_KINDS.get(name)

    def lower(self, package: Package, lowering: Lowering) -> Bag:
        arguments = checked_arguments(package)
        if "builder" not in arguments:
            raise BadArguments(
                tr(
                    "package `{package}`: build system `trivial` needs the argument `builder`, a function",
                    package=package.name,
                ),
                place=package.location,
            )
        toolchain_of(package, arguments)
        arguments["version"], arguments["package_name"] = package.version, package.name
        return Bag(
            name=f"{package.name}-{package.version}",
            system=lowering.system,
            target=lowering.target,
            source=package.source,
            build_inputs=with_propagated(package.native_inputs),
            host_inputs=with_propagated([*package.inputs, *package.propagated_inputs]),
            target_inputs=(),
            outputs=package.outputs,
            search_paths=(),
            arguments=arguments,
            build=self.build,
        )

    def build(self, bag: Bag, lowering: Lowering) -> Lowered:
        skipped = {*LIMITS, "toolchain", "package_name"}
        return build_expression_to_derivation(
            bag.name,
            run_builder,
            lowering=lowering,
            inputs={each.label: each.value for each in (*bag.build_inputs, *bag.host_inputs)},
            outputs=bag.outputs,
            arguments={
                "name": bag.arguments["package_name"],
                "source": bag.source,
                **{name: value for name, value in bag.arguments.items() if name not in skipped},
            },
            env=reference_limits(bag, lowering),
            python=toolchain(bag.arguments.get("toolchain")).python,
        )


trivial = TrivialBuildSystem()
