"""Packages that are configured by CMake.

The other half is `larix.buildside.cmake`. `build_type` and `generator` are CMake's; with the generator
`Ninja`, that is implied too. `configure_flags` come after our own, and `build_flags` go to `cmake --build`.
Tests are run by ctest, with `test_flags`, without those that `test_exclude` matches; or they are what
`test_target` builds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from larix.buildside.cmake import standard_phases
from larix.buildsystems._kinds import late
from larix.buildsystems._tools import COMMON_ARGUMENTS, ToolBuildSystem
from larix.packages.kinds import optional, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.packages.arguments import Kind

__all__ = ["CMakeBuildSystem", "cmake"]


class CMakeBuildSystem(ToolBuildSystem):
    name = "cmake"
    description = "cmake, cmake --build, ctest, cmake --install"
    argument_names = (
        *COMMON_ARGUMENTS,
        "build_flags",
        "build_type",
        "cmake",
        "configure_flags",
        "generator",
        "ninja",
        "out_of_source",
        "parallel_build",
        "parallel_tests",
        "test_exclude",
        "test_flags",
        "test_target",
        "tests",
    )
    default_phases = standard_phases
    native_tools = ("cmake", "ninja")

    def argument_kind(self, name: str) -> Kind | None:
        kind = super().argument_kind(name)
        return late(optional(text)) if name == "test_target" else kind

    def tools_for(self, arguments: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        wants_ninja = "Ninja" in str(arguments.get("generator"))
        return (("cmake", "ninja") if wants_ninja else ("cmake",)), ()


cmake = CMakeBuildSystem()
