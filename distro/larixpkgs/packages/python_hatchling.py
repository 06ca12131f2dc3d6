"""Build back end of Hatch for Python packages."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_packaging, python_pathspec, python_pluggy, python_trove_classifiers

__all__ = ["python_hatchling", "python_hatchling_bootstrap"]


python_hatchling: Package = Package(
    name="python-hatchling",
    version="1.27.0",
    source=lambda p: Origin(
        uri=(
            f"pypi://hatchling/hatchling-{p.version}.tar.gz",
            f"debian://pool/main/h/hatchling/hatchling_{p.version}.orig.tar.gz",
        ),
        sha256="971c296d9819abb3811112fc52c7a9751c8d381898f36533bb16f9791e941fd6",
    ),
    build_system=pyproject,
    arguments={
        # They build other projects, which they fetch.
        "tests": False,
    },
    propagated_inputs=lambda: [
        python_packaging.python_packaging,
        python_pathspec.python_pathspec,
        python_pluggy.python_pluggy,
        python_trove_classifiers.python_trove_classifiers,
    ],
    synopsis="Build back end of Hatch for Python packages",
    description=(
        "hatchling makes wheels and source archives of Python packages by what pyproject.toml says, and can "
        "be extended by plugins."
    ),
    home_page="https://hatch.pypa.io/",
    license=licenses.expat,
)

# With what is there before tests can run.
python_hatchling_bootstrap: Package = python_hatchling.inherit(
    name="python-hatchling-bootstrap",
    arguments={"tests": False},
    propagated_inputs=lambda: [
        python_packaging.python_packaging_bootstrap,
        python_pathspec.python_pathspec,
        python_pluggy.python_pluggy_bootstrap,
        python_trove_classifiers.python_trove_classifiers,
    ],
    hidden=True,
)
