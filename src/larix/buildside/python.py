"""The phases that build Python packages by their setup.py, for those that know no other way.

Tests run after the installation, with what was installed. See `python_phases` for what the phases share with
`pyproject`, which is the better choice where it works.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from larix.buildside import gnu, python_phases
from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import main_output
from larix.buildside.invoke import invoke
from larix.buildside.phases import Phases
from larix.buildside.python_site import Interpreter, find_interpreter, output_site

__all__ = ["python_phases_of_setup", "standard_phases"]

Outputs = Mapping[str, Path]
Inputs = Mapping[str, Path]

# Runs a setup.py with setuptools in the place of distutils, which Python has no more.
START = (
    "import sys, setuptools, tokenize; sys.argv[0] = 'setup.py'; sys.path.insert(0, ''); "
    "__file__ = 'setup.py'; exec(compile(tokenize.open('setup.py').read(), 'setup.py', 'exec'))"
)


def _run_setup(python: Interpreter, *arguments: str) -> None:
    if not os.path.exists("setup.py"):
        raise BuildSideError(f"no setup.py in {os.getcwd()}: use the build system `pyproject`")
    invoke(python.program, "-P", "-c", START, *arguments)


def _build(*, inputs: Inputs, native_inputs: Inputs, build_flags: Sequence[str] = ()) -> None:
    _run_setup(find_interpreter(inputs, native_inputs), "build", *build_flags)


def _install(
    *, outputs: Outputs, inputs: Inputs, native_inputs: Inputs, install_flags: Sequence[str] = ()
) -> None:
    python = find_interpreter(inputs, native_inputs)
    prefix, site = main_output(outputs), output_site(outputs, python)
    words = [
        "--skip-build",
        "--no-compile",
        "--root=/",
        "--single-version-externally-managed",
        f"--prefix={prefix}",
        f"--install-purelib={site}",
        f"--install-platlib={site}",
        f"--install-scripts={outputs.get('bin', prefix)}/bin",
    ]
    _run_setup(python, "install", *words, *install_flags)
    python_phases.remove_leftovers(outputs=outputs)
    python_phases.compile_bytecode(outputs=outputs, inputs=inputs, native_inputs=native_inputs)


def python_phases_of_setup() -> Phases:
    """The standard phases, as the program of a build asks for them."""
    return standard_phases


standard_phases = Phases(
    gnu.standard_phases.delete("bootstrap", "configure", "check")
    .replace("build", _build)
    .replace("install", _install)
    .add_after("unpack", python_phases.ensure_no_cythonized_files)
    .add_after("unpack", python_phases.enable_bytecode_determinism)
    .add_after("unpack", python_phases.ensure_no_mtimes_pre_1980)
    .add_after("install", python_phases.sanity_check)
    .add_after("install", python_phases.check)
    .add_after("install", python_phases.wrap)
    .add_after("install", python_phases.add_install_to_path)
    .add_after("install", python_phases.add_install_to_pythonpath)
    .add_after("patch-shebangs", python_phases.rename_pth_file)
    .pairs,
    made_by=(python_phases_of_setup, ()),
)
