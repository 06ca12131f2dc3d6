"""`larix style` on files of a user's, and on the whole distribution."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TEXT = '''\
"""Packages of a user's."""
from larix.buildsystems.gnu import gnu
from larix.packages import Package, licenses

common = dict(source = None)

abc = Package(
  name="abc", version = '1',
  # The build system.
  build_system=gnu, synopsis="", description="", home_page=None,
  license=licenses.expat, source=None)
xyz = abc.inherit(name="xyz", inputs=lambda: [ abc ])
two = abc.inherit(license=licenses.gpl3, version="2", name="two",
                  inputs=lambda: [xyz, abc])  # both
'''
FORMATTED = """\
abc = Package(
    name="abc",
    version="1",
    # The build system.
    build_system=gnu,
    synopsis="",
    description="",
    home_page=None,
    license=licenses.expat,
    source=None,
)
xyz = abc.inherit(name="xyz", inputs=lambda: [abc])
two = abc.inherit(license=licenses.gpl3, version="2", name="two", inputs=lambda: [xyz, abc])  # both
"""


class Desk:
    def __init__(self, larix) -> None:
        folder = larix.folder / "definitions"
        folder.mkdir()
        self.file: Path = folder / "things.py"
        self.file.write_text(TEXT)
        self.larix = larix
        larix.environment["LARIX_PACKAGE_PATH"] = str(folder)

    def __call__(self, *words: str) -> tuple[int, str, str]:
        done = self.larix("style", *words)
        return done.returncode, done.stdout, done.stderr

    def derivations(self) -> list[str]:
        return self.larix.succeed("build", "-d", "abc", "xyz", "two").splitlines()


@pytest.fixture
def desk(larix) -> Desk:
    return Desk(larix)


HEAD = TEXT[: TEXT.index("abc = ")]


def test_definition_is_laid_out_and_the_rest_of_the_file_stays(desk):
    before = desk.derivations()
    assert desk("abc") == (0, "definitions/things.py:7:7: restyled\n", "")
    expected = HEAD + FORMATTED[: FORMATTED.index("xyz")] + TEXT[TEXT.index("xyz") :]
    assert desk.file.read_text() == expected
    assert desk("abc") == (0, "", "")
    assert desk.derivations() == before


def test_whole_file_is_laid_out(desk):
    before = desk.derivations()
    status, out, error = desk("-f", "definitions/things.py")
    assert (status, error) == (0, "")
    assert out.splitlines() == [f"definitions/things.py:{each}:7: restyled" for each in (7, 12, 13)]
    assert desk.file.read_text() == HEAD + FORMATTED
    assert desk("--whole-file", "definitions/things.py") == (0, "", "")
    assert desk.derivations() == before


def test_dry_run_shows_what_would_change(desk):
    status, out, error = desk("-n", "xyz")
    assert (status, error) == (0, "")
    assert out.startswith("--- a/definitions/things.py\n+++ b/definitions/things.py\n@@ ")
    assert '\n-xyz = abc.inherit(name="xyz", inputs=lambda: [ abc ])\n' in out
    assert '\n+xyz = abc.inherit(name="xyz", inputs=lambda: [abc])\n' in out
    assert desk.file.read_text() == TEXT
    said = json.loads(desk("-n", "--json", "xyz")[1])["files"]
    assert [(each["file"], each["diff"]) for each in said] == [(str(desk.file), out)]
    assert said[0]["places"] == [f"{desk.file}:12:7"]


def test_fields_are_put_in_their_order(desk):
    before = desk.derivations()
    assert desk("-S", "arguments", "two")[0] == 0
    expected = (
        'abc.inherit(name="two", version="2", inputs=lambda: [xyz, abc], license=licenses.gpl3)  # both'
    )
    assert f"two = {expected}\n" in desk.file.read_text()
    assert desk.derivations() == before


def test_inputs_whose_order_counts_are_left_alone(desk):
    """The order is that of PATH, so another would be another build."""
    before = desk.derivations()
    status, out, error = desk("-S", "inputs", "two")
    assert (status, out) == (0, "")
    assert error == (
        "definitions/things.py:13:7: warning: `inputs' would change how this is built, so it is left alone\n"
    )
    assert desk.file.read_text() == TEXT
    assert desk("-S", "inputs", "--input-simplification=always", "two")[0] == 0
    assert "inputs=lambda: [abc, xyz])" in desk.file.read_text()
    after = desk.derivations()
    assert after[:2] == before[:2]
    assert after[2] != before[2]
    assert sorted(path.name for path in desk.file.parent.iterdir() if path.suffix == ".py") == ["things.py"]


def test_inputs_whose_order_does_not_count_are_sorted(desk):
    text = TEXT.replace("inputs=lambda: [xyz, abc]", "build_system=none, inputs=lambda: [xyz, abc]")
    system = (
        "class Nothing:\n    name = description = 'nothing'\n\n    def lower(self, package, lowering):\n"
        "        return gnu.lower(package.inherit(build_system=gnu, inputs=()), lowering)\n\n\n"
        "none = Nothing()\n"
    )
    desk.file.write_text(text.replace("common = ", f"{system}common = "))
    before = desk.derivations()
    status, _, error = desk("-S", "inputs", "two")
    assert (status, error) == (0, "")
    assert "inputs=lambda: [abc, xyz]" in desk.file.read_text()
    assert desk.derivations() == before


def test_expression_names_a_definition(desk):
    assert desk("-n", "-e", "xyz")[1] == desk("-n", "xyz")[1]


@pytest.mark.slow
def test_distribution_is_in_style(larix):
    assert larix.succeed("style", "-n") == ""
    assert larix.succeed("style", "-n", "-S", "format,arguments") == ""


def test_rules_are_listed(larix):
    out = larix.succeed("style", "-l")
    assert out.startswith("Available styling rules:\n- format: ")
    names = [each["name"] for each in json.loads(larix.succeed("style", "-l", "--json"))["stylings"]]
    assert names == ["format", "arguments", "inputs"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-S", "formt", "abc"], "formt: unknown styling rule\nhint: Did you mean `format'?"),
        (["-f"], "no file to style"),
        (["-f", "absent.py"], "'absent.py': no such file"),
        (["abd"], "abd: unknown package\nhint: Did you mean `abc'?"),
        (["--input-simplification=never"], "never: unknown policy\nhint: there are silent, always"),
    ],
)
def test_bad_command_lines(desk, words, message):
    assert desk(*words) == (1, "", f"larix style: error: {message}\n")


def test_file_that_is_no_python_is_told(desk):
    desk.file.with_name("broken.py").write_text("a = (\n")
    status, out, error = desk("-f", "definitions/broken.py")
    assert (status, out) == (1, "")
    assert error.startswith(f"{desk.file.with_name('broken.py')}:1: error: cannot read the definition: ")
    assert "Traceback" not in error
