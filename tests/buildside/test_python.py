"""The phases of python on a small project with a setup.py, by a stand-in for our Python."""

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from larix.buildside import gnu
from larix.buildside.files import find_files
from larix.buildside.python import python_phases_of_setup, standard_phases
from projects import Built, build, run, write

pytestmark = pytest.mark.slow
needs_setuptools = pytest.mark.skipif(not importlib.util.find_spec("setuptools"), reason="needs setuptools")
SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
FILES = {
    "setup.py": """from distutils.core import setup
from helper import NAME
setup(name=NAME, version="1.0", packages=["greet"], scripts=["bin/greet"])
""",
    "helper.py": "NAME = 'greet'\n",
    "bin/greet": "#!/usr/bin/env python3\nimport greet\nprint(greet.GREETING)\n",
    "greet/__init__.py": "GREETING = 'hello'\n",
    "tests/test_greet.py": "import greet\n\ndef test_installed():\n    assert '/out/' in greet.__file__\n",
}


@pytest.fixture
def python(tmp_path: Path) -> Path:
    program = f'#!/bin/sh\nPYTHONPATH=$LARIX_PYTHONPATH exec {shlex.quote(sys.executable)} "$@"\n'
    return write(tmp_path / "python", {"bin/python3": program})


def python_build(files: dict[str, str], tmp_path: Path, python: Path, **given: object) -> Built:
    source = write(tmp_path / "greet", files)
    return build("python", source, tmp_path / "work", inputs={"python": str(python)}, **given)


@needs_setuptools
def test_project_is_built_by_setup_py_installed_and_tested(tmp_path, python):
    """Its setup.py uses distutils, which Python has no more, and a module that stands beside it."""
    built = python_build(FILES, tmp_path, python)
    assert built.succeeded, built.log
    assert run(built.out / "bin" / "greet") == "hello\n"
    assert (built.out / SITE / "greet" / "__init__.py").is_file()
    assert "greet 1.0: sane" in built.log
    assert "1 passed" in built.log
    (bytecode,) = find_files(built.out, r"\.pyc$")
    assert bytecode.read_bytes()[4:8] == b"\x01\0\0\0"


@needs_setuptools
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_extension_module_is_compiled(tmp_path, python):
    files = {
        **FILES,
        "setup.py": "from setuptools import setup, Extension\nsetup(name='greet', version='1.0', "
        "packages=['greet'], ext_modules=[Extension('greet.answer', ['answer.c'])])\n",
        "answer.c": "#include <Python.h>\n"
        'static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "answer"};\n'
        "PyMODINIT_FUNC PyInit_answer(void) { return PyModule_Create(&module); }\n",
    }
    built = python_build(files, tmp_path, python)
    assert built.succeeded, built.log
    assert (
        run(python / "bin" / "python3", "-c", "import greet.answer", LARIX_PYTHONPATH=str(built.out / SITE))
        == ""
    )


def test_source_without_setup_py_is_told(tmp_path, python):
    files = {name: text for name, text in FILES.items() if name != "setup.py"}
    built = python_build(files, tmp_path, python)
    assert not built.succeeded
    assert built.error.startswith("error: no setup.py in ")
    assert built.error.endswith("use the build system `pyproject`")


def test_build_without_python_is_told(tmp_path):
    built = build("python", write(tmp_path / "greet", FILES), tmp_path / "work")
    assert built.error == "error: no input is labelled `python`"


def test_phases_stand_in_their_order():
    names = [*gnu.standard_phases.delete("bootstrap", "configure", "check").names]
    at = names.index("unpack") + 1
    names[at:at] = ["ensure-no-mtimes-pre-1980", "enable-bytecode-determinism", "ensure-no-cythonized-files"]
    at = names.index("install") + 1
    names[at:at] = ["add-install-to-pythonpath", "add-install-to-path", "wrap", "check", "sanity-check"]
    names.insert(names.index("patch-shebangs") + 1, "rename-pth-file")
    assert list(standard_phases.names) == names
    assert python_phases_of_setup() == standard_phases
