"""Build tools among what the result uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from larix.lint.subject import Finding, Subject
from larix.packages.bag import package_of
from larix.words import tr

__all__ = ["BUILD_TOOLS", "DESCRIPTION", "NEEDS_NETWORK", "check"]

DESCRIPTION = "Tools that only run in builds are native inputs"
NEEDS_NETWORK = False

BUILD_TOOLS = frozenset(
    """autoconf automake autoconf-archive bison cmake cython doxygen flex gettext gnulib gperf help2man
    intltool itstool libtool m4 meson nasm ninja pkg-config pkgconf pkgconfig po4a python-cython
    python-flit-core python-hatchling python-meson python-meson-python python-pytest python-pytest-cov
    python-setuptools python-setuptools-scm python-sphinx python-tox python-wheel scdoc scons swig texinfo
    vala yasm""".split()  # noqa: SIM905
)
_FRIENDS = re.compile(r"(^|-)(hatch|setuptools|pytest|meson|sphinx|flit|tox)")  # and what plugs into them


def check(subject: Subject) -> Iterator[Finding]:
    name = subject.package.name
    if name in BUILD_TOOLS or _FRIENDS.search(name):
        return  # such tools use each other when they run
    for field in ("inputs", "propagated_inputs"):
        for each in subject.inputs()[field]:
            package = package_of(each.value)
            if package is not None and package.name in BUILD_TOOLS:
                yield subject.found(
                    field, tr("`{package}' should probably be a native input", package=package.name)
                )
