from __future__ import annotations

import json

import pytest

DEFINITIONS = """\
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

bad = Package(
    name="bad",
    version="1.0",
    source=lambda p: Origin(uri=f"http://127.0.0.1:9/bad-{p.version}.tar.gz", sha256="0" * 52),
    build_system=gnu,
    arguments={"tests": False},
    synopsis="A bad example.",
    description="It is bad.",
    home_page="http://127.0.0.1:9/",
    license=licenses.expat,
)
good = bad.inherit(name="good", synopsis="Example that is in order", arguments={})
"""


@pytest.fixture
def linter(larix, tmp_path):
    folder = tmp_path / "definitions"
    folder.mkdir()
    (folder / "examples.py").write_text(DEFINITIONS)
    larix.environment["LARIX_PACKAGE_PATH"] = str(folder)
    return larix


OFFLINE = [
    "definitions/examples.py:9:25: bad@1.0: tests are disabled without a comment that gives the reason",
    "definitions/examples.py:10:14: bad@1.0: no period allowed at the end of the synopsis",
    "definitions/examples.py:10:14: bad@1.0: no article allowed at the beginning of the synopsis",
]


def test_findings_are_lines_with_their_places_and_no_failure(linter):
    done = linter("lint", "-n", "bad", "good")
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, OFFLINE, "")


def test_findings_can_be_a_failure(linter):
    assert linter("lint", "-n", "--strict", "bad").returncode == 1
    assert linter("lint", "-n", "--strict", "good").returncode == 0


def test_checkers_are_chosen_and_excluded(linter):
    assert linter.succeed("lint", "-c", "optional-tests,license", "bad").splitlines() == OFFLINE[:1]
    assert linter.succeed("lint", "-n", "-x", "synopsis", "bad").splitlines() == OFFLINE[:1]


def test_checker_that_is_named_asks_the_network_all_the_same(linter):
    (line,) = linter.succeed("lint", "-n", "-c", "home-page", "bad").splitlines()
    assert line.startswith(
        "definitions/examples.py:12:15: bad@1.0: URI http://127.0.0.1:9/ not reachable: cannot"
    )


def test_json_has_a_row_for_each_finding(linter):
    said = json.loads(linter.succeed("lint", "--json", "-c", "optional-tests", "bad"))
    assert said == {
        "version": 1,
        "findings": [
            {
                "file": f"{linter.folder}/definitions/examples.py",
                "line": 9,
                "column": 25,
                "name": "bad",
                "package_version": "1.0",
                "checker": "optional-tests",
                "message": "tests are disabled without a comment that gives the reason",
            }
        ],
    }


def test_package_of_a_file_or_an_expression_is_checked(linter):
    file = f"{linter.folder}/definitions/examples.py"
    assert linter.succeed("lint", "-n", "-f", file) == ""  # the last one is `good`
    assert len(linter.succeed("lint", "-n", "-e", "bad").splitlines()) == len(OFFLINE)


def test_whole_catalogue_is_checked_when_nothing_is_named(linter):
    lines = linter.succeed("lint", "-c", "synopsis,optional-tests").splitlines()
    assert [line for line in lines if line.startswith("definitions/")] == OFFLINE


def test_checkers_are_listed(linter):
    lines = linter.succeed("lint", "-l").splitlines()
    assert lines[0] == "Available checkers:"
    assert "- license: The licence is told, and each one once" in lines
    listed = json.loads(linter.succeed("lint", "-l", "--json"))["checkers"]
    assert len(listed) == len(lines) - 1
    assert {each["name"] for each in listed if each["network"]} == {
        "github-url",
        "home-page",
        "refresh",
        "source",
    }


def test_terminal_shows_what_is_going_on_and_wipes_it(linter):
    shown = linter.on_terminal("lint", "-n", "good", TERM="xterm")
    assert "checking good@1.0 [license]..." in shown
    assert shown.endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-c", "licence"], "licence: invalid checker\nhint: Did you mean `license'?"),
        (["-x", "everything"], "everything: invalid checker\nhint: `larix lint -l' lists the checkers"),
        (["badd"], "badd: unknown package\nhint: Did you mean `bad'?"),
    ],
)
def test_bad_command_lines(linter, words, message):
    done = linter("lint", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"larix lint: error: {message}\n"
