from __future__ import annotations

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
    """The index is trusted while the files of the folder are as they were; this definition is in another."""
    away = tmp_path / "away.py"
    away.write_text('remote = beta.inherit(name="remote")\n')
    near = f"from small import beta\nexec(compile(open({str(away)!r}).read(), {str(away)!r}, 'exec'))\n"
    (tmp_path / "packages" / "near.py").write_text(near)
    assert "away.py:1:" in reader.succeed("package", "-A^remote")
    away.unlink()
    done = reader("edit", "remote", VISUAL="true")
    assert done.returncode == 1
    assert done.stderr == f"larix edit: error: file '{away}' not found in search path\n"
