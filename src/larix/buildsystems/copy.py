"""Packages that are installed as they come: data, scripts, fonts, what others have built.

The other half is `larix.buildside.copy`, which tells the form of `install_plan`; without one, all of the
source is installed.
"""

from __future__ import annotations

from larix.buildside.copy import standard_phases
from larix.buildsystems._tools import COMMON_ARGUMENTS, ToolBuildSystem

__all__ = ["CopyBuildSystem", "copy"]


class CopyBuildSystem(ToolBuildSystem):
    name = "copy"
    description = "files of the source, installed by a plan"
    argument_names = (*COMMON_ARGUMENTS, "install_plan")
    default_phases = standard_phases


copy = CopyBuildSystem()
