"""Arrays and numerical computing."""

from __future__ import annotations

from larix.buildsystems.pyproject import pyproject
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import (
    cython,
    ninja,
    openblas,
    pkgconf,
    python_hypothesis,
    python_meson_python,
    python_pytest,
)

__all__ = ["python_numpy"]


python_numpy = Package(
    name="python-numpy",
    version="2.3.3",
    source=lambda p: Origin(
        uri=(f"pypi://numpy/numpy-{p.version}.tar.gz",),
        sha256="ddc7c39727ba62b80dfdbedf400d1c10ddfa8eefbd7ec8dcb118be8b56d31029",
    ),
    build_system=pyproject,
    arguments={
        # Code for old machines, and for those that have AVX2, chosen when it is loaded.
        "config_settings": {"setup-args": ["-Dallow-noblas=false", "-Dcpu-dispatch=AVX2 FMA3"]},
        # Those of linear algebra, transforms, random numbers, texts and types: a minute of the ten of all.
        "test_flags": [
            "-q",
            # One starts a Python in the source, which is no place to import NumPy; the others are a class
            # that this version of pytest cannot set up.
            *("-k", "not test_sdot_bug_8577 and not TestBroadcast"),
            "--pyargs",
            "numpy.linalg",
            "numpy.fft",
            "numpy.random.tests.test_random",
            "numpy._core.tests.test_dtype",
            "numpy._core.tests.test_numeric",
        ],
    },
    native_inputs=lambda: [
        cython.cython,
        python_hypothesis.python_hypothesis,
        python_meson_python.python_meson_python,
        python_pytest.python_pytest,
        ninja.ninja,
        pkgconf.pkgconf,
    ],
    inputs=lambda: [openblas.openblas],
    synopsis="Arrays and numerical computing",
    description=(
        "NumPy has arrays of many dimensions and the operations on them in compiled code: arithmetic, linear "
        "algebra, Fourier transforms, random numbers. Scientific software in Python is built on it."
    ),
    home_page="https://numpy.org/",
    license=(licenses.bsd_3, licenses.expat, licenses.zlib),
)
