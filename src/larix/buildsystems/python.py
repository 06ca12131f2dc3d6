"""Python packages, built by their setup.py: for those that the build system `pyproject` cannot build.

The other half is `larix.buildside.python`. Python is implied; setuptools, which runs a setup.py, and what
runs the tests are for `native_inputs`. `build_flags` and `install_flags` go to the commands `build` and
`install` of setup.py; for the tests see `pyproject`.
"""

from __future__ import annotations

from larix.buildside.python import standard_phases
from larix.buildsystems._tools import COMMON_ARGUMENTS, ToolBuildSystem

__all__ = ["PythonBuildSystem", "python"]


class PythonBuildSystem(ToolBuildSystem):
    name = "python"
    description = "setup.py build, setup.py install, and then tests"
    argument_names = (
        *COMMON_ARGUMENTS,
        "build_flags",
        "install_flags",
        "python",
        "sanity_check",
        "test_command",
        "test_flags",
        "tests",
        "wrap_programs",
    )
    default_phases = standard_phases
    supports_cross_builds = False  # extension modules would be compiled for this machine
    ordinary_tools = ("python",)


python = PythonBuildSystem()
