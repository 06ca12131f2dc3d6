"""Match file names by patterns as git does."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_flit_core

__all__ = ["python_pathspec"]


python_pathspec = Package(
    name="python-pathspec",
    version="0.12.1",
    source=lambda p: Origin(
        uri=(f"pypi://pathspec/pathspec-{p.version}.tar.gz",),
        sha256="a482d51503a1ab33b1c67a6c3813a26953dbdc71c31dacaef9a838c4e29f5712",
    ),
    build_system=pyproject,
    native_inputs=lambda: [python_flit_core.python_flit_core],
    synopsis="Match file names by patterns as git does",
    description=(
        "pathspec tells which files a list of patterns selects, such as those of a .gitignore file."
    ),
    home_page="https://github.com/cpburnz/python-pathspec",
    license=licenses.mpl2_0,
)
