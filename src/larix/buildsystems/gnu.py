"""Packages that follow the GNU standards: configure, make, make check, make install.

The other half is `larix.buildside.gnu`, whose phases tell what each argument does. An argument is a literal
value, or a function that is called in the build with what it asks for by name and gives the value:

    def configure_flags(inputs):
        return ["--disable-color", f"--with-gawk={inputs['gawk']}"]
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from larix.buildside.failure import show_failure
from larix.buildside.gnu import standard_phases
from larix.buildside.phases import Phases
from larix.buildsystems._arguments import (
    LIMITS,
    checked_arguments,
    gnu_triplet,
    input_search_paths,
    reference_limits,
    toolchain_of,
)
from larix.buildsystems._kinds import ARGUMENT_KINDS
from larix.errors import LarixError
from larix.packages.bag import Bag, with_propagated
from larix.packages.native import Native, native_inputs, native_interpreter
from larix.packages.search_paths import BUILD_SEARCH_PATHS
from larix.packages.toolchain import cross_tools, toolchain
from larix.staging import build_expression_to_derivation
from larix.words import tr

if TYPE_CHECKING:
    from larix.derivation import Lowered
    from larix.packages.arguments import Kind
    from larix.packages.inputs import Input
    from larix.packages.package import Package
    from larix.staging.lower import Lowering

__all__ = ["GnuBuildSystem", "NoCrossBuild", "gnu"]

HOST_ARGUMENTS = ("implicit_inputs", "toolchain")
GIVEN = (
    "build_triplet",
    "inputs",
    "name",
    "native_inputs",
    "output",
    "outputs",
    "search_paths",
    "shell",
    "shell_link",
    "source",
    "system",
    "target",
    "toolchain",
    "version",
)
ARGUMENTS = (
    *HOST_ARGUMENTS,
    "compress",
    "configure_flags",
    "install_target",
    "license_files",
    "locale_name",
    "make_flags",
    "out_of_source",
    "parallel_build",
    "parallel_tests",
    "phases",
    "strip_binaries",
    "strip_directories",
    "strip_flags",
    "test_flags",
    "test_logs",
    "test_target",
    "tests",
    "validate_runpath",
)


class NoCrossBuild(LarixError):
    """A package was to be built for another machine, and its build system cannot do that."""


def run_phases(*, phases: Phases, **given: Any) -> None:
    """What the builder calls."""
    sys.excepthook = show_failure
    phases.run(**phases.called_arguments(given))


class GnuBuildSystem:
    name = "gnu"
    description = "configure, make, make check, make install"
    argument_names: tuple[str, ...] = ARGUMENTS
    given_names = GIVEN
    supports_cross_builds = True
    default_phases = standard_phases

    def __repr__(self) -> str:
        return f"<build system {self.name}>"

    def argument_kind(self, name: str) -> Kind | None:
        """The check of an argument, if it has one."""
        return ARGUMENT_KINDS.get(name)

    def lower(self, package: Package, lowering: Lowering) -> Bag:
        """The bag: native inputs and the toolchain for the build, the other inputs for what is built.

        In a cross build the native inputs are those of this machine, and the toolchain is joined by what
        compiles for the target, whose libraries are the target inputs.
        """
        if lowering.target is not None and not self.supports_cross_builds:
            raise NoCrossBuild(
                tr(
                    "package `{package}`: build system `{system}` does not support cross builds",
                    package=package.name,
                    system=self.name,
                ),
                place=package.location,
            )
        arguments = checked_arguments(package)
        host = with_propagated([*package.inputs, *package.propagated_inputs])
        native = with_propagated(package.native_inputs)
        paths = (*BUILD_SEARCH_PATHS, *input_search_paths([*native, *host]))
        tools = toolchain_of(package, arguments)
        implicit = tools.inputs if arguments.get("implicit_inputs", True) else ()
        libraries: tuple[Input, ...] = ()
        if lowering.target is not None:
            cross = cross_tools(tools, lowering.target)
            native, libraries = native_inputs(native), cross.libraries
            implicit = native_inputs([*implicit, *cross.inputs])
        arguments["version"], arguments["package_name"] = package.version, package.name
        arguments["toolchain_inputs"] = implicit
        return Bag(
            name=f"{package.name}-{package.version}",
            system=lowering.system,
            target=lowering.target,
            source=package.source,
            build_inputs=(*native, *implicit),
            host_inputs=host,
            target_inputs=libraries,
            outputs=package.outputs,
            search_paths=paths,
            arguments=arguments,
            build=self.build,
        )

    def build(self, bag: Bag, lowering: Lowering) -> Lowered:
        """One derivation, whose builder runs the phases."""
        tools = toolchain(bag.arguments.get("toolchain"))
        implicit: tuple[Input, ...] = bag.arguments["toolchain_inputs"]
        python, shell = tools.python, tools.shell if bag.arguments.get("implicit_inputs", True) else None
        if bag.target is not None:
            python, shell = native_interpreter(python), Native(shell) if shell is not None else None
        skipped = {*HOST_ARGUMENTS, *LIMITS, "phases", "package_name", "toolchain_inputs"}
        given: dict[str, Any] = {
            "phases": bag.arguments.get("phases", self.default_phases),
            "name": bag.arguments["package_name"],
            "source": bag.source,
            "native_inputs": {each.label: each.value for each in bag.build_inputs if each not in implicit},
            "toolchain": tuple([each.value for each in implicit]),
            "search_paths": tuple([tuple(each) for each in dict.fromkeys(bag.search_paths)]),
            "build_triplet": gnu_triplet(bag.system),
            "shell": shell,
            "shell_link": tools.shell_link if shell is not None else None,
            **{name: value for name, value in bag.arguments.items() if name not in skipped},
        }
        return build_expression_to_derivation(
            bag.name,
            run_phases,
            lowering=lowering,
            inputs={each.label: each.value for each in bag.host_inputs},
            outputs=bag.outputs,
            arguments=given,
            env=reference_limits(bag, lowering),
            python=python,
        )


gnu = GnuBuildSystem()
