"""Libtool and C++: how C++ libraries are linked with the toolchain of the seed.

Libtool leaves C++ alone when the compiler is called `g++` and `g++ -v` fails, as with the seed, whose specs
give each call something to link. And it links C++ libraries with `-nostdlib` and a list of the compiler's own
objects and libraries; so those specs do not name the directory in which these are found at run time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.buildside.files import find_files, substitute

if TYPE_CHECKING:
    from larix.buildside.phases import Phases

__all__ = ["link_cxx_by_compiler", "name_cxx_compiler", "with_libtool_for_cxx"]


def with_libtool_for_cxx(phases: Phases) -> Phases:
    """The phases for a package of which Libtool links C++ libraries."""
    return phases.add_before("configure", name_cxx_compiler).add_before("build", link_cxx_by_compiler)


def name_cxx_compiler() -> None:
    os.environ["CXX"] = "c++"


def link_cxx_by_compiler() -> None:
    """Let the compiler itself add what C++ libraries are linked with, in all scripts `libtool`."""
    scripts = find_files(".", r"^libtool$")
    substitute(
        scripts,
        (r" -nostdlib(?= |\\?\")", ""),
        (r" \\?\$(?:predep|postdep)_objects(?= |\\?\")", ""),
        (r'^(postdeps|predeps|predep_objects|postdep_objects)=".*"$', r'\1=""'),
    )
