"""Perl modules and programs, built by their Makefile.PL or Build.PL.

The other half is `larix.buildside.perl`. Makefile.PL is taken where there are both, unless `prefer_makefile`
is false. `configure_flags` go to either, `make_flags` to make or to Build.
"""

from __future__ import annotations

from larix.buildside.perl import standard_phases
from larix.buildsystems._tools import COMMON_ARGUMENTS, ToolBuildSystem

__all__ = ["PerlBuildSystem", "perl"]


class PerlBuildSystem(ToolBuildSystem):
    name = "perl"
    description = "perl Makefile.PL and make, or perl Build.PL and Build"
    argument_names = (
        *COMMON_ARGUMENTS,
        "configure_flags",
        "make_flags",
        "parallel_build",
        "parallel_tests",
        "perl",
        "prefer_makefile",
        "test_flags",
        "tests",
    )
    default_phases = standard_phases
    supports_cross_builds = False  # extension modules would be compiled for this machine
    ordinary_tools = ("perl",)


perl = PerlBuildSystem()
