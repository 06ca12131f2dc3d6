"""The index of a catalogue is refreshed by reading what changed, and what that changes elsewhere."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]

PACKAGE = """
from larix.buildsystems.trivial import trivial
from larix.packages import Package, licenses

def make(output):
    output.write_text("x")

{name} = Package(
    name="{name}", version="{version}", source=None, build_system=trivial, arguments={{"builder": make}},
    synopsis="Synopsis of {name}", description="Text.", home_page=None, license=licenses.expat, {more}
)
"""

# Prints what the catalogue lists and which modules of its folders were run for that.
LIST = """
import json, os, sys
folders, cache, runs = sys.argv[3:], sys.argv[1], sys.argv[2]
from larix.packages.catalogue import Catalogue
warnings = []
catalogue = Catalogue(folders, cache_directory=cache, warn=warnings.append)
listed = [[each.full_name, list(each.dependencies)] for each in catalogue.entries]
run = open(runs).read().split() if os.path.exists(runs) else []
print(json.dumps([listed, run, [str(each) for each in warnings]]))
"""


class Folders:
    """Package folders whose modules tell when they are run, and a cache."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.runs = base / "runs"

    def write(self, file: str, text: str) -> None:
        target = self.base / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"open({str(self.runs)!r}, 'a').write('{target.stem}\\n')\n{text}")

    def package(self, file: str, version: str = "1.0", more: str = "", before: str = "") -> None:
        self.write(file, before + PACKAGE.format(name=Path(file).stem, version=version, more=more))

    def list(self, *folders: str) -> tuple[dict[str, list[str]], set[str], list[str]]:
        """What is listed, with dependencies; the modules that were run; the warnings."""
        self.runs.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-S", "-c", LIST, str(self.base / "cache"), str(self.runs)]
            + [str(self.base / each) for each in folders or ("a",)],
            env={"PYTHONPATH": f"{CHECKOUT / 'src'}:{self.base / 'path'}", "PYTHONDONTWRITEBYTECODE": "1"},
            check=True,
            text=True,
            capture_output=True,
        )
        listed, run, warnings = json.loads(done.stdout)
        return dict(listed), set(run), warnings


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def needs(*names: str) -> dict[str, str]:
    """What makes a package need others, which are imported when the field is read."""
    lines = "".join(f"    from {name} import {name}\n" for name in names)
    return {
        "before": f"def needed():\n{lines}    return [{', '.join(names)}]\n",
        "more": "inputs=needed",
    }


@pytest.mark.slow
def test_a_changed_module_is_read_alone_when_it_is_listed_as_before(folders: Folders):
    folders.package("a/lib.py")
    folders.package("a/user.py", **needs("lib"))
    folders.package("a/other.py")
    first = folders.list()
    assert first == ({"lib@1.0": [], "other@1.0": [], "user@1.0": ["lib@1.0"]}, {"lib", "user", "other"}, [])
    assert folders.list() == (first[0], set(), [])
    folders.package("a/lib.py", before="# a comment\n")
    assert folders.list() == (first[0], {"lib"}, [])
    folders.package("a/user.py", **needs("lib"), version="2.0")
    assert folders.list()[1] == {"user", "lib"}, "the input of what changed is needed to describe it"
    assert folders.list()[1] == set()


@pytest.mark.slow
def test_another_version_reaches_those_that_need_it_and_ends_there(folders: Folders):
    folders.package("a/lib.py")
    folders.package("a/user.py", **needs("lib"))
    folders.package("a/far.py", **needs("user"))
    folders.package("a/other.py")
    folders.list()
    folders.package("a/lib.py", "1.1")
    listed, run, _ = folders.list()
    assert listed["user@1.0"] == ["lib@1.1"]
    assert "other" not in run


@pytest.mark.slow
def test_what_a_helper_changes_is_read_however_far_away(folders: Folders):
    folders.write("a/_numbers.py", "NUMBER = '5'\n")
    folders.write("a/_more.py", "from _numbers import NUMBER\nMORE = NUMBER * 2\n")
    folders.package("a/user.py", before="from _more import MORE\n", more="propagated_inputs=[]")
    text = (folders.base / "a/user.py").read_text().replace('version="1.0"', "version=MORE")
    (folders.base / "a/user.py").write_text(text)
    folders.package("a/other.py")
    assert set(folders.list()[0]) == {"user@55", "other@1.0"}
    folders.write("a/_numbers.py", "NUMBER = '6'\n")
    listed, run, _ = folders.list()
    assert set(listed) == {"user@66", "other@1.0"}
    assert "other" not in run


@pytest.mark.slow
def test_a_module_that_is_gone_takes_its_packages_along_and_breaks_its_users(folders: Folders):
    folders.package("a/lib.py")
    folders.package("a/user.py", **needs("lib"))
    folders.list()
    (folders.base / "a/lib.py").unlink()
    listed, _, warnings = folders.list()
    assert listed == {"user@1.0": []}
    assert "field `inputs` of package `user`: no module is named `lib`" in warnings[0]
    assert folders.list() == (listed, set(), warnings), "told again from the index"
    folders.package("a/lib.py")
    listed, _, warnings = folders.list()
    assert (listed, warnings) == ({"lib@1.0": [], "user@1.0": ["lib@1.0"]}, [])


@pytest.mark.slow
def test_a_broken_module_is_read_again_when_it_is_mended(folders: Folders):
    folders.package("a/good.py")
    folders.write("a/bad.py", "oops\n")
    listed, _, warnings = folders.list()
    assert set(listed) == {"good@1.0"}
    assert "unknown name `oops`" in warnings[0]
    folders.package("a/bad.py")
    listed, run, warnings = folders.list()
    assert (set(listed), run, warnings) == ({"good@1.0", "bad@1.0"}, {"bad"}, [])


@pytest.mark.slow
def test_packages_of_a_distribution_keep_their_index_whatever_folders_are_added(folders: Folders):
    folders.write("path/dist/__init__.py", "")
    folders.write("path/dist/packages/__init__.py", "")
    folders.package("path/dist/packages/shipped.py")
    (folders.base / "path/dist/larix-distribution.json").write_text('{"version": 1, "packages": "packages"}')
    folders.package(
        "a/own.py",
        before="def needed():\n    from dist.packages.shipped import shipped\n    return [shipped]\n",
        more="inputs=needed",
    )
    folders.package("b/more.py")
    listed, run, _ = folders.list("a")
    assert listed == {"own@1.0": ["shipped@1.0"], "shipped@1.0": []}
    assert {"own", "shipped"} <= run
    listed, run, _ = folders.list("b")
    assert (set(listed), run) == ({"more@1.0", "shipped@1.0"}, {"more"})
    folders.package("path/dist/packages/shipped.py", "2.0")
    assert folders.list("a")[0] == {"own@1.0": ["shipped@2.0"], "shipped@2.0": []}


@pytest.mark.slow
def test_a_variant_belongs_to_the_module_that_names_it_and_an_import_does_not(folders: Folders):
    folders.package("a/lib.py")
    folders.write(
        "a/variants.py",
        "from lib import lib\nfrom _make import made, spare\n__all__ = ['older', 'made']\n"
        "older = lib.inherit(location=lib.location, version='0.9')\n",
    )
    folders.write(
        "a/_make.py", PACKAGE.format(name="made", version="3", more="") + "spare = made.inherit()\n"
    )
    listed, _, warnings = folders.list()
    assert (set(listed), warnings) == ({"lib@1.0", "lib@0.9", "made@3"}, [])


@pytest.mark.slow
def test_imports_are_seen_however_they_are_written(folders: Folders):
    folders.write("a/pack/__init__.py", "")
    for number, line in enumerate(
        (
            "import _plain",
            "from _plain import VALUE as V",
            "from _plain import (\n    VALUE,  # why\n)",
            "if True: import os, _plain as p",
            "x = 1; from _plain import *",
            "def late():\n    import _plain\n    return _plain",
        )
    ):
        folders.package(f"a/user{number}.py", before=f"{line}\n")
    folders.write("a/pack/_near.py", "VALUE = 1\n")
    folders.write("a/_plain.py", "VALUE = 1\n")
    folders.package("a/pack/inner.py", before="from ._near import VALUE\n")
    assert len(folders.list()[0]) == 7
    folders.write("a/_plain.py", "VALUE = 2\n")
    assert {f"user{number}" for number in range(6)} <= folders.list()[1]
    folders.write("a/pack/_near.py", "VALUE = 2\n")
    assert folders.list()[1] >= {"inner", "_near"}


def test_modules_of_one_name_are_refreshed_apart(folders):
    folders.package("a/twin.py", "1.0")
    folders.package("b/twin.py", "2.0")
    folders.list("a", "b")
    folders.package("b/twin.py", "2.1")
    listed, run, warnings = folders.list("a", "b")
    assert (sorted(listed), warnings) == (["twin@1.0", "twin@2.1"], [])
    assert run == {"twin"}
