from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def editor(tmp_path: Path) -> str:
    """A program that writes down what it is called with, and ends with 7."""
    file = tmp_path / "an editor"
    file.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\nexit 7\n')
    file.chmod(0o755)
    return f"'{file}' --wait"


def test_editor_opens_the_definitions_at_their_lines_and_its_status_counts(reader, editor, tmp_path):
    done = reader("edit", "alpha@0.9", "beta", EDITOR="false", VISUAL=editor)
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    file = str(tmp_path / "packages" / "small.py")
    lines = Path(file).read_text().splitlines()
    words = (tmp_path / "words").read_text().splitlines()
    assert words[:1] + words[2::2] == ["--wait", file, file]
    assert "Package(" in lines[int(words[1][1:]) - 1]


def test_the_second_variable_counts_when_the_first_is_empty(reader, editor, tmp_path):
    assert reader("edit", "beta", EDITOR=editor, VISUAL="").returncode == 7


@pytest.mark.parametrize(
    ("words", "variables", "message"),
    [
        ([], {}, "larix edit: error: no packages specified, nothing to edit"),
        (["alpa"], {}, "larix edit: error: alpa: unknown package\nhint: Did you mean `alpha'?"),
        (
            ["beta"],
            {"VISUAL": "nowhere-ed -x"},
            ("larix edit: error: VISUAL names `nowhere-ed -x', which is no program here\n"
            "hint: set VISUAL to the command of an editor"),
        ),
        (["beta"], {"EDITOR": "an 'open quote"}, "larix edit: error: EDITOR: No closing quotation"),
        (["--lod-path=x", "beta"], {}, ("larix edit: error: --lod-path: unrecognized option\n"
         "hint: Did you mean `--load-path'?")),
    ],
)  # fmt: skip
def test_bad_command_lines(reader, words, variables, message):
    done = reader("edit", *words, **variables)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{message}\n")


def test_package_that_is_gone_from_the_disk_is_told(reader, tmp_path):
    """The index of the catalogue is trusted for times and sizes of files only."""
    reader.succeed("package", "-A")
    index = next((tmp_path / "cache" / "larix").glob("catalogue-*.json"))
    text = json.loads(index.read_text())
    for entry in text["entries"]:
        entry[9][0] = f"{tmp_path}/gone.py"
    index.write_text(json.dumps(text))
    done = reader("edit", "beta", VISUAL="true")
    assert done.returncode == 1
    assert done.stderr == f"larix edit: error: file '{tmp_path}/gone.py' not found in search path\n"
