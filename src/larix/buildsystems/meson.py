"""Packages that are configured by Meson and built by Ninja.

The other half is `larix.buildside.meson`. `build_type` is Meson's; `configure_flags` come after our own,
`build_flags` go to ninja and `test_flags` to `meson test`.
"""

from __future__ import annotations

from larix.buildside.meson import standard_phases
from larix.buildsystems._tools import COMMON_ARGUMENTS, ToolBuildSystem

__all__ = ["MesonBuildSystem", "meson"]


class MesonBuildSystem(ToolBuildSystem):
    name = "meson"
    description = "meson setup, ninja, meson test, meson install"
    argument_names = (
        *COMMON_ARGUMENTS,
        "build_flags",
        "build_type",
        "configure_flags",
        "meson",
        "ninja",
        "parallel_build",
        "parallel_tests",
        "test_flags",
        "tests",
    )
    default_phases = standard_phases
    native_tools = ("meson", "ninja")


meson = MesonBuildSystem()
