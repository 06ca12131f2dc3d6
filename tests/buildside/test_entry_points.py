"""Entry points, and the programs made for them."""

import subprocess
import sys

import pytest

from larix.buildside.entry_points import BadEntryPoint, EntryPoint, create_programs, read_entry_points

TEXT = """[console_scripts]
greet = greet.main:Greeter.main
Wave = greet:wave [colour, sound]

[pytest11]
plugin = greet.plugin
a.b:c = greet:x
"""


def test_file_is_read(tmp_path):
    (tmp_path / "entry_points.txt").write_text(TEXT)
    assert read_entry_points(tmp_path / "entry_points.txt") == [
        EntryPoint("console_scripts", "greet", "greet.main", "Greeter.main", ()),
        EntryPoint("console_scripts", "Wave", "greet", "wave", ("colour", "sound")),
        EntryPoint("pytest11", "plugin", "greet.plugin", None, ()),
        EntryPoint("pytest11", "a.b:c", "greet", "x", ()),
    ]


def test_distribution_without_the_file_has_none(tmp_path):
    assert read_entry_points(tmp_path / "entry_points.txt") == []


@pytest.mark.parametrize(
    "text", ["no section\n", "[console_scripts]\nx = 1:\n", "[s]\nx = a b\n", "[s]\nx\n"]
)
def test_broken_file_is_told_by_its_name(tmp_path, text):
    (tmp_path / "entry_points.txt").write_text(text)
    with pytest.raises(BadEntryPoint, match=r"entry_points\.txt: "):
        read_entry_points(tmp_path / "entry_points.txt")


def test_program_calls_its_function_and_ends_with_its_status(tmp_path):
    (tmp_path / "greet.py").write_text(
        "class Greeter:\n    @staticmethod\n    def main():\n        print('hello')\n        return 7\n"
    )
    points = [EntryPoint("console_scripts", "greet", "greet", "Greeter.main", ())]
    (program,) = create_programs(points, tmp_path / "bin", interpreter=sys.executable)
    done = subprocess.run(
        [program], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("hello\n", 7)
    assert program.read_text().startswith(f"#!{sys.executable}\n")


def test_program_replaces_the_script_of_its_name_and_others_are_none(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "greet").write_text("old")
    points = [
        EntryPoint("gui_scripts", "greet", "greet", "main", ()),
        EntryPoint("plugins", "x", "y", "z", ()),
    ]
    assert create_programs(points, tmp_path / "bin", interpreter="/python") == [tmp_path / "bin" / "greet"]
    assert "from greet import main" in (tmp_path / "bin" / "greet").read_text()


@pytest.mark.parametrize(("name", "attribute"), [("greet", None), ("../greet", "main"), ("", "main")])
def test_program_that_cannot_be_is_told(tmp_path, name, attribute):
    with pytest.raises(BadEntryPoint, match="has no function, or a name that no file can have"):
        create_programs(
            [EntryPoint("console_scripts", name, "greet", attribute, ())], tmp_path, interpreter="/python"
        )
