"""The phases of pyproject on small projects, by a stand-in for our Python that runs this machine's own."""

import importlib.util
import os
import shlex
import sys
from pathlib import Path

import pytest

from larix.buildside import gnu
from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files
from larix.buildside.pyproject import SETUPTOOLS, pyproject_phases, read_build_system, standard_phases
from projects import Built, build, run, write

pytestmark = pytest.mark.slow
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE = f"lib/python{VERSION}/site-packages"

# A back end that stands in the source itself, in few lines.
BACKEND = """
import base64, hashlib, os, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = os.environ.get("SETUPTOOLS_SCM_PRETEND_VERSION", "none")
    files = {
        "greet/__init__.py": open("greet/__init__.py").read(),
        "greet/settings.py": f"SETTINGS = {config_settings!r}\\nVERSION = {name!r}\\n",
        "greet-1.0.dist-info/METADATA": open("METADATA").read(),
        "greet-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "greet-1.0.dist-info/entry_points.txt": "[console_scripts]\\ngreet = greet:main\\n",
        "greet-1.0.data/scripts/script": "#!python\\nimport greet\\ngreet.main()\\n",
    }
    lines = []
    with zipfile.ZipFile(os.path.join(wheel_directory, "greet-1.0-py3-none-any.whl"), "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(file), text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{file},sha256={digest},{len(text)}")
        archive.writestr(zipfile.ZipInfo("greet-1.0.dist-info/RECORD"), "\\n".join(lines) + "\\n")
    return "greet-1.0-py3-none-any.whl"
"""
FILES = {
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "maker"\nbackend-path = ["tools"]\n',
    "tools/maker.py": BACKEND,
    "METADATA": "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n",
    "greet/__init__.py": "def main():\n    print('hello')\n",
    "tests/test_greet.py": """import unittest
import greet

class Greet(unittest.TestCase):
    def test_installed_copy_is_tested(self):
        self.assertIn('/out/', greet.__file__)

    def test_greeting(self):
        self.assertIsNone(greet.main())
""",
    "LICENSE": "free\n",
}


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A directory as our Python's, whose program takes LARIX_PYTHONPATH for PYTHONPATH."""
    program = f'#!/bin/sh\nPYTHONPATH=$LARIX_PYTHONPATH exec {shlex.quote(sys.executable)} "$@"\n'
    return write(tmp_path / "python", {"bin/python3": program})


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """The same without what is installed on this machine, pytest for example."""
    program = f'#!/bin/sh\nPYTHONPATH=$LARIX_PYTHONPATH exec {shlex.quote(sys.executable)} -S "$@"\n'
    return write(tmp_path / "python", {"bin/python3": program})


def pyproject_build(files: dict[str, str], tmp_path: Path, python: Path, **given: object) -> Built:
    source = write(tmp_path / "greet", files)
    given = {"inputs": {"python": str(python)}, "tests": False, **given}
    return build("pyproject", source, tmp_path / "work", **given)


def test_project_is_built_by_its_own_back_end_and_installed(tmp_path, python):
    built = pyproject_build(FILES, tmp_path, python)
    assert built.succeeded, built.log
    assert (built.out / SITE / "greet" / "__init__.py").is_file()
    assert run(built.out / "bin" / "greet") == "hello\n"
    assert run(built.out / "bin" / "script") == "hello\n"
    assert (built.out / "bin" / "greet").read_text().startswith(f"#!{python}/bin/python3\n")
    assert (built.out / "share" / "doc" / "greet-1.0" / "LICENSE").is_file()
    assert "greet 1.0: sane" in built.log


def test_settings_and_version_reach_the_back_end(tmp_path, python):
    built = pyproject_build(FILES, tmp_path, python, config_settings={"colour": "red"})
    assert built.succeeded, built.log
    text = (built.out / SITE / "greet" / "settings.py").read_text()
    assert text == "SETTINGS = {'colour': 'red'}\nVERSION = '1.0'\n"


def test_back_end_may_change_the_command_and_the_directory(tmp_path, python):
    """setuptools leaves its own words behind."""
    backend = BACKEND.replace("import base64", "import sys; sys.argv[1:] = ['build']; import base64")
    backend = backend.replace("    return", '    os.chdir("/")\n    return')
    assert pyproject_build({**FILES, "tools/maker.py": backend}, tmp_path, python).succeeded


def test_version_is_left_alone_when_asked(tmp_path, python):
    built = pyproject_build(FILES, tmp_path, python, set_version=False)
    assert "VERSION = 'none'" in (built.out / SITE / "greet" / "settings.py").read_text()


def test_unittest_runs_the_tests_on_what_was_installed(tmp_path, bare_python):
    built = pyproject_build(FILES, tmp_path, bare_python, tests=True)
    assert built.succeeded, built.log
    assert "Ran 2 tests" in built.log
    assert built.phases().index("check") > built.phases().index("install")


@pytest.mark.skipif(not importlib.util.find_spec("pytest"), reason="needs pytest")
def test_pytest_runs_the_tests_where_it_is_an_input(tmp_path, python):
    built = pyproject_build(FILES, tmp_path, python, tests=True, test_flags=["-k", "installed"])
    assert built.succeeded, built.log
    assert "1 passed, 1 deselected" in built.log
    assert not find_files(built.out, "pytest"), "it leaves no bytecode of its own in the output"


def test_suite_without_tests_is_an_error(tmp_path, python):
    built = pyproject_build(FILES, tmp_path, python, tests=True, test_flags=["-k", "nothing"])
    assert not built.succeeded
    assert "found no tests: give `test_flags` or `test_command`" in built.error


def test_command_of_the_package_runs_the_tests(tmp_path, bare_python):
    words = ["python3", "-P", "-m", "unittest", "discover", "-s", "tests"]
    built = pyproject_build(FILES, tmp_path, bare_python, tests=True, test_command=words, test_flags=["-f"])
    assert built.succeeded, built.log
    assert "unittest discover -s tests -f" in built.commands()[-1]


def test_failing_tests_fail_the_build(tmp_path, bare_python):
    files = {
        **FILES,
        "tests/test_greet.py": FILES["tests/test_greet.py"].replace("assertIsNone", "assertTrue"),
    }
    built = pyproject_build(files, tmp_path, bare_python, tests=True)
    assert not built.succeeded
    assert built.phases()[-1] == "check"


def test_missing_requirement_is_found_before_users_find_it(tmp_path, python):
    metadata = (
        FILES["METADATA"] + "Requires-Dist: surely-not-there>=2\nRequires-Dist: of-an-extra; extra == 'x'\n"
    )
    built = pyproject_build({**FILES, "METADATA": metadata}, tmp_path, python)
    assert not built.succeeded
    assert "greet 1.0: requires `surely-not-there>=2`, which is not there" in built.log
    assert "of-an-extra" not in built.log
    assert "belong to propagated_inputs" in built.error


def test_program_that_cannot_import_its_function_is_found(tmp_path, python):
    built = pyproject_build({**FILES, "greet/__init__.py": "import not_there_at_all\n"}, tmp_path, python)
    assert not built.succeeded
    assert "program `greet` cannot import `greet:main`: No module named 'not_there_at_all'" in built.log


def test_sanity_check_can_be_left_out(tmp_path, python):
    files = {**FILES, "greet/__init__.py": "import not_there_at_all\n"}
    assert pyproject_build(files, tmp_path, python, sanity_check=False).succeeded


def test_bytecode_is_trusted_without_times_and_comes_out_the_same(tmp_path, python):
    contents: list[dict[str, bytes]] = []
    for name in ("first", "later"):
        built = pyproject_build(FILES, tmp_path / name, python)
        assert built.succeeded, built.log
        files = find_files(built.out, r"\.pyc$")
        assert {file.name.partition(".")[0] for file in files} == {"__init__", "settings"}
        # Of the sixteen bytes of the header, these say: by hash, and not to be checked.
        assert {file.read_bytes()[4:8] for file in files} == {b"\x01\0\0\0"}
        place = os.fsencode(tmp_path / name)
        contents.append({file.name: file.read_bytes().replace(place, b"out:") for file in files})
    assert contents[0] == contents[1]


def test_back_end_that_is_not_there_is_told_with_what_the_source_requires(tmp_path, python):
    text = '[build-system]\nrequires = ["flit_fancy>=3"]\nbuild-backend = "flit_fancy.api"\n'
    built = pyproject_build({**FILES, "pyproject.toml": text}, tmp_path, python)
    assert not built.succeeded
    assert "the build back end `flit_fancy.api` cannot be imported" in built.error
    assert "requires flit_fancy>=3; add what is missing to native_inputs" in built.error


def test_back_end_given_as_argument_replaces_that_of_the_source(tmp_path, python):
    text = '[build-system]\nrequires = []\nbuild-backend = "flit_fancy.api"\n'
    given = {"build_backend": "maker", "backend_path": ["tools"]}
    assert pyproject_build({**FILES, "pyproject.toml": text}, tmp_path, python, **given).succeeded


def test_back_end_outside_the_source_is_refused(tmp_path, python):
    text = FILES["pyproject.toml"].replace('"tools"', '"../../elsewhere"')
    built = pyproject_build({**FILES, "pyproject.toml": text}, tmp_path, python)
    assert not built.succeeded
    assert "`backend-path` leaves the source" in built.log


@pytest.mark.skipif(not importlib.util.find_spec("hatchling"), reason="needs hatchling")
def test_hatchling_makes_a_wheel(tmp_path, python):
    files = {
        "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "greet"\nversion = "1.0"\n[project.scripts]\ngreet = "greet:main"\n',
        "src/greet/__init__.py": FILES["greet/__init__.py"],
    }
    built = pyproject_build(files, tmp_path, python)
    assert built.succeeded, built.log
    assert run(built.out / "bin" / "greet") == "hello\n"


def test_files_from_before_1980_are_made_younger(tmp_path, python):
    source = write(tmp_path / "greet", FILES)
    os.utime(source / "METADATA", (1000, 1000))
    backend = BACKEND.replace('open("METADATA").read()', 'str(os.stat("METADATA").st_mtime)')
    write(source, {"tools/maker.py": backend})
    built = build(
        "pyproject", source, tmp_path / "work", inputs={"python": python}, sanity_check=False, tests=False
    )
    assert built.succeeded, built.log
    assert (built.out / SITE / "greet-1.0.dist-info" / "METADATA").read_text() == "315532800.0"


def test_source_without_pyproject_is_for_setuptools(tmp_path):
    assert read_build_system(tmp_path).backend == SETUPTOOLS
    write(tmp_path, {"pyproject.toml": "[tool.x]\n"})
    assert read_build_system(tmp_path) == (SETUPTOOLS, (), ("setuptools",))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[build-system\n", "Expected"),
        ("[build-system]\nbuild-backend = 1\n", "`build-backend` is no text"),
        ("[build-system]\nrequires = 'x'\n", "`requires` is no list of texts"),
        ("[build-system]\nbackend-path = [1]\n", "`backend-path` is no list of texts"),
    ],
)
def test_broken_pyproject_is_told_by_its_name(tmp_path, text, cause):
    write(tmp_path, {"pyproject.toml": text})
    with pytest.raises(BuildSideError, match=rf"pyproject\.toml: {cause}"):
        read_build_system(tmp_path)


def test_phases_stand_in_their_order():
    names = [*gnu.standard_phases.delete("bootstrap", "configure", "check").names]
    at = names.index("unpack") + 1
    names[at:at] = [
        "ensure-no-mtimes-pre-1980",
        "enable-bytecode-determinism",
        "ensure-no-cythonized-files",
        "set-version",
    ]
    at = names.index("install") + 1
    names[at:at] = [
        "add-install-to-pythonpath",
        "add-install-to-path",
        "create-entrypoints",
        "wrap",
        "sanity-check",
        "compile-bytecode",
        "check",
    ]
    names.insert(names.index("patch-shebangs") + 1, "rename-pth-file")
    assert list(standard_phases.names) == names
    assert pyproject_phases() == standard_phases
