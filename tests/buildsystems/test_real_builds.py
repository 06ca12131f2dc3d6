"""Packages of pyproject and copy in real builds; their Python is that of the seed, under a program of ours.

That Python knows no LARIX_PYTHONPATH, for which the program puts PYTHONPATH. The others need tools whose
builds take long: what they do is tested with this machine's tools, and by the packages of the distribution.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from larix.buildsystems.copy import copy
from larix.buildsystems.pyproject import pyproject
from larix.buildsystems.trivial import trivial
from larix.errors import LarixError
from larix.packages import Package, SearchPath, licenses
from larix.packages.toolchain import toolchain
from larix.packages.tools import register_tool
from larix.protocol import BuildOptions
from larix.staging import local_file
from projects import write
from shops import Shop, open_shop

pytestmark = [
    pytest.mark.build,
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the seed is for x86_64"),
]

SITE = "lib/python3.11/site-packages"
BACKEND = '''
import base64, hashlib, os, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """All that stands in the directory `wheel`, with a RECORD."""
    lines = []
    with zipfile.ZipFile(os.path.join(wheel_directory, "NAME-1.0-py3-none-any.whl"), "w") as archive:
        for top, _, names in sorted(os.walk("wheel")):
            for name in sorted(names):
                file = os.path.join(top, name)
                data = open(file, "rb").read()
                archive.write(file, os.path.relpath(file, "wheel"))
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                lines.append(f"{os.path.relpath(file, 'wheel')},sha256={digest},{len(data)}\\n")
        archive.writestr("NAME-1.0.dist-info/RECORD", "".join(lines))
    return "NAME-1.0-py3-none-any.whl"
'''


def make_python(output: Path, inputs: dict[str, Path]) -> None:
    seed = inputs["seed"]
    program = output / "bin" / "python3"
    program.parent.mkdir(parents=True)
    program.write_text(
        f'#!{seed}/bin/bash\\nPYTHONPATH=$LARIX_PYTHONPATH exec {seed}/bin/python3 "$@"\\n'.replace(
            "\\n", "\n"
        )
    )
    program.chmod(0o755)


python = Package(
    name="python",
    version="3.11",
    source=None,
    build_system=trivial,
    arguments={"builder": make_python},
    inputs=lambda: toolchain().inputs,
    native_search_paths=[SearchPath("LARIX_PYTHONPATH", (SITE,))],
    synopsis="Python of the seed",
    description="That of the toolchain.",
    home_page=None,
    license=licenses.psfl,
)


def make_package(directory: Path, name: str, code: str, **fields: object) -> Package:
    """A Python package that makes its wheel itself."""
    information = f"wheel/{name}-1.0.dist-info"
    requires = fields.pop("requires", "")
    source = write(
        directory / name,
        {
            "pyproject.toml": "[build-system]\nrequires = []\n"
            'build-backend = "maker"\nbackend-path = ["."]\n',
            "maker.py": BACKEND.replace("NAME", name),
            f"wheel/{name}/__init__.py": code,
            f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}",
            f"{information}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{information}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
            "tests/test_it.py": f"import unittest, {name}\n\nclass It(unittest.TestCase):\n"
            f"    def test_it(self):\n        self.assertIn('/store/', {name}.__file__)\n",
        },
    )
    given = {
        "name": name,
        "version": "1.0",
        "source": local_file(source, recursive=True),
        "build_system": pyproject,
        "synopsis": "A package of a test",
        "description": "It is for tests alone.",
        "home_page": None,
        "license": licenses.gpl3_plus,
        **fields,
    }
    return Package(**given)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as opened, pytest.MonkeyPatch.context() as patch:
        patch.setattr("larix.packages.tools._factories", {})
        register_tool("python", lambda: python)
        yield opened


@pytest.fixture
def words(tmp_path: Path) -> Package:
    return make_package(tmp_path, "words", "GREETING = 'hello'\ndef main(): print(GREETING)\n")


def run(program: Path) -> str:
    return subprocess.run([program], check=True, capture_output=True, text=True, env={}).stdout


def test_program_of_a_python_package_runs_with_nothing_around_it(shop: Shop, words: Package, tmp_path: Path):
    code = "import words\ndef main(): print(words.GREETING.upper())\n"
    greet = make_package(
        tmp_path, "greet", code, requires="Requires-Dist: words>=1.0,<2\n", propagated_inputs=[words]
    )
    out = shop.build(greet)
    assert run(out / "bin" / "greet") == "HELLO\n"
    assert "Ran 1 test" in shop.log
    assert "greet 1.0: sane" in shop.log
    assert shop.phases.index("sanity-check") < shop.phases.index("check")
    (bytecode,) = (out / SITE / "greet" / "__pycache__").iterdir()
    assert bytecode.read_bytes()[4:8] == b"\x01\0\0\0"


def test_requirement_that_nothing_propagates_fails_the_build(shop: Shop, words: Package, tmp_path: Path):
    """A native input is there when it is built, and not when it is used."""
    greet = make_package(
        tmp_path,
        "greet",
        "def main(): pass\n",
        requires="Requires-Dist: words\n",
        native_inputs=[words],
    )
    with pytest.raises(LarixError):
        shop.build(greet)
    assert "greet 1.0: requires `words`, which is not there" in shop.log


def test_python_package_comes_out_the_same_again(shop: Shop, words: Package):
    shop.build(words)
    shop.build(words, BuildOptions(cores=2, check=True))


def test_copied_script_names_the_shell_of_the_store(shop: Shop, tmp_path: Path):
    source = write(tmp_path / "source", {"greet": "#!/bin/sh\necho hello\n", "notes.txt": "none\n"})
    given = Package(
        name="greet-script",
        version="1.0",
        source=local_file(source, recursive=True),
        build_system=copy,
        arguments={"install_plan": [("greet", "bin/"), ("./", "share/notes", {"include": [".txt"]})]},
        synopsis="A package of a test",
        description="It is for tests alone.",
        home_page=None,
        license=licenses.gpl3_plus,
    )
    out = shop.build(given)
    assert run(out / "bin" / "greet") == "hello\n"
    assert (out / "bin" / "greet").read_text().startswith(f"#!{shop.store.store_dir}/")
    assert [file.name for file in (out / "share" / "notes").iterdir()] == ["notes.txt"]
