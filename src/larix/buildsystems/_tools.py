"""What build systems other than gnu share: the frame of gnu, with phases of their own and a tool implied.

A build system of this kind says its name, its phases, the arguments that it adds and the tools it wants; all
else, from the toolchain to the limits on references, is gnu's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from larix.buildsystems import _kinds
from larix.buildsystems._arguments import input_search_paths
from larix.buildsystems.gnu import ARGUMENTS, GnuBuildSystem
from larix.packages.bag import with_propagated
from larix.packages.inputs import Input
from larix.packages.native import native_inputs
from larix.packages.tools import tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larix.packages.arguments import Kind
    from larix.packages.bag import Bag
    from larix.packages.package import Package
    from larix.staging.lower import Lowerable, Lowering

__all__ = ["COMMON_ARGUMENTS", "ToolBuildSystem"]

OF_SOME = (
    "configure_flags",
    "install_target",
    "make_flags",
    "out_of_source",
    "parallel_build",
    "parallel_tests",
    "test_flags",
    "test_logs",
    "test_target",
    "tests",
)
COMMON_ARGUMENTS = tuple([name for name in ARGUMENTS if name not in OF_SOME])


class ToolBuildSystem(GnuBuildSystem):
    """One whose packages have some tools among their inputs without naming them.

    `native_tools` run in the build. `ordinary_tools` are used by what is built as well: scripts have them in
    their first line. Each is an input under the tool's name, unless the package has one of that label; the
    argument of that name puts another package in its place.
    """

    native_tools: tuple[str, ...] = ()
    ordinary_tools: tuple[str, ...] = ()

    def argument_kind(self, name: str) -> Kind | None:
        is_tool = name in self.native_tools or name in self.ordinary_tools
        return _kinds.tool if is_tool else super().argument_kind(name)

    def tools_for(self, arguments: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of native and of ordinary tools that a package with these arguments gets."""
        del arguments
        return self.native_tools, self.ordinary_tools

    def implied_tools(self, package: Package) -> Mapping[str, Lowerable]:
        """What `package` gets without naming it as an input, by the arguments that would replace it."""
        given = package.arguments
        if not given.get("implicit_inputs", True):
            return {}
        native, ordinary = self.tools_for(given)
        named = {each.label for each in with_propagated(package.direct_inputs())}
        return {
            name: given.get(name) or tool(name)
            for name in (*native, *ordinary)
            if given.get(name) is not None or name not in named
        }

    def lower(self, package: Package, lowering: Lowering) -> Bag:
        bag = super().lower(package, lowering)
        arguments = dict(bag.arguments)
        native_names, ordinary_names = self.tools_for(arguments)
        given = {name: arguments.pop(name, None) for name in (*self.native_tools, *self.ordinary_tools)}
        if not arguments.get("implicit_inputs", True):
            return bag._replace(arguments=arguments)
        native = with_propagated(package.native_inputs)
        toolchain = bag.build_inputs[len(native) :]
        named = {each.label: each.value for each in (*bag.host_inputs, *native)}

        def implied(names: Sequence[str], present: Sequence[Input]) -> list[Input]:
            labels = {each.label for each in present}
            return [
                Input(name, given.get(name) or named.get(name) or tool(name))
                for name in names
                if name not in labels
            ]

        host = with_propagated([*bag.host_inputs, *implied(ordinary_names, bag.host_inputs)])
        if lowering.target is None:
            native = with_propagated([*native, *implied(native_names, [*native, *host])])
        else:
            native = with_propagated([*native, *implied([*native_names, *ordinary_names], native)])
        runs_here = native if lowering.target is None else native_inputs(native)
        return bag._replace(
            build_inputs=(*runs_here, *toolchain),
            host_inputs=host,
            search_paths=tuple(dict.fromkeys([*bag.search_paths, *input_search_paths([*native, *host])])),
            arguments=arguments,
        )
