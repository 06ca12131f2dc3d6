"""Plugin of hatchling: versions from version control."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_hatchling, python_setuptools_scm

__all__ = ["python_hatch_vcs", "python_hatch_vcs_bootstrap"]


python_hatch_vcs = Package(
    name="python-hatch-vcs",
    version="0.5.0",
    source=lambda p: Origin(
        uri=(f"pypi://hatch-vcs/hatch_vcs-{p.version}.tar.gz",),
        sha256="0395fa126940340215090c344a2bf4e2a77bcbe7daab16f41b37b98c95809ff9",
    ),
    build_system=pyproject,
    arguments={
        # They make repositories with git.
        "tests": False,
    },
    native_inputs=lambda: [python_hatchling.python_hatchling],
    propagated_inputs=lambda: [
        python_hatchling.python_hatchling,
        python_setuptools_scm.python_setuptools_scm,
    ],
    synopsis="Plugin of hatchling: versions from version control",
    description=("hatch-vcs lets hatchling take the version of a package from the tags of its repository."),
    home_page="https://github.com/ofek/hatch-vcs",
    license=licenses.expat,
)

# With what is there before tests can run.
python_hatch_vcs_bootstrap: Package = python_hatch_vcs.inherit(
    name="python-hatch-vcs-bootstrap",
    arguments={"tests": False},
    native_inputs=lambda: [python_hatchling.python_hatchling_bootstrap],
    propagated_inputs=lambda: [
        python_hatchling.python_hatchling_bootstrap,
        python_setuptools_scm.python_setuptools_scm_bootstrap,
    ],
    hidden=True,
)
