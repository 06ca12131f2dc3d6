"""Compile Python with types of C to extension modules."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import python_setuptools

__all__ = ["cython"]


cython = Package(
    name="cython",
    version="3.1.4",
    source=lambda p: Origin(
        uri=(f"pypi://cython/cython-{p.version}.tar.gz",),
        sha256="9aefefe831331e2d66ab31799814eae4d0f8a2d246cbaaaa14d1be29ef777683",
    ),
    build_system=pyproject,
    arguments={
        # Cython itself stays in Python: compiled, it runs half as long but takes four minutes to build.
        "config_settings": {"--global-option": "--no-cython-compile"},
        # Those of single classes. The others compile and run two thousand modules.
        "test_command": ["python3", "-P", "-m", "unittest", "-v"],
        "test_flags": [
            "Cython.Compiler.Tests.TestBuffer",
            "Cython.Compiler.Tests.TestGrammar",
            "Cython.Compiler.Tests.TestSignatureMatching",
            "Cython.Compiler.Tests.TestTypes",
            "Cython.Tests.TestCodeWriter",
        ],
    },
    native_inputs=lambda: [python_setuptools.python_setuptools],
    synopsis="Compile Python with types of C to extension modules",
    description=(
        "Cython translates Python, with declarations of types of C where wanted, to C and C++: for extension "
        "modules that are fast or that use libraries."
    ),
    home_page="https://cython.org/",
    license=licenses.apache2,
)
