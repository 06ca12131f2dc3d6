"""Python packages, built by their pyproject.toml with any back end of PEP 517 (or setuptools, without one).

The other half is `larix.buildside.pyproject`. Python is implied; the back end and what runs the tests are for
`native_inputs`, and what is imported at run time for `propagated_inputs`. `build_backend` and `backend_path`
replace what the source says, `config_settings` is a mapping for the back end. Tests are run after the
installation by pytest if that is among the inputs, or else by unittest, with `test_flags`; `test_command`
replaces the program.
"""

from __future__ import annotations

from larix.buildside.pyproject import standard_phases
from larix.buildsystems._tools import COMMON_ARGUMENTS, ToolBuildSystem

__all__ = ["PyprojectBuildSystem", "pyproject"]


class PyprojectBuildSystem(ToolBuildSystem):
    name = "pyproject"
    description = "a wheel by the back end of pyproject.toml, installed and then tested"
    argument_names = (
        *COMMON_ARGUMENTS,
        "backend_path",
        "build_backend",
        "config_settings",
        "python",
        "sanity_check",
        "set_version",
        "test_command",
        "test_flags",
        "tests",
        "wrap_programs",
    )
    default_phases = standard_phases
    supports_cross_builds = False  # extension modules would be compiled for this machine
    ordinary_tools = ("python",)


pyproject = PyprojectBuildSystem()
