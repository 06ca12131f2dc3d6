"""`larix.buildside.portable_scripts`: scripts for other machines name their shell as usual."""

from __future__ import annotations

from pathlib import Path

import pytest

from larix.buildside.files import SubstituteError
from larix.buildside.portable_scripts import name_usual_shell

STORE = "/larix/store/0123456789abcdfghijklmnpqrsvwxyz-seed/bin"


def test_the_shell_is_named_as_everywhere(tmp_path: Path) -> None:
    for name, line in (("one", f"#! {STORE}/sh"), ("two", f"#!{STORE}/bash -e"), ("three", "#! /bin/sh")):
        (tmp_path / name).write_text(f"{line}\necho {STORE}/sh\n", encoding="utf-8")
    name_usual_shell(tmp_path)
    first = [(tmp_path / name).read_text(encoding="utf-8").splitlines() for name in ("one", "two", "three")]
    assert [lines[0] for lines in first] == ["#!/bin/sh", "#!/bin/bash -e", "#!/bin/sh"]
    assert all(lines[1] == f"echo {STORE}/sh" for lines in first)


def test_other_interpreters_and_links_are_left_alone(tmp_path: Path) -> None:
    script, link = tmp_path / "script", tmp_path / "link"
    script.write_text(f"#!{STORE}/sh\n", encoding="utf-8")
    (tmp_path / "program").write_text(f"#!{STORE}/python3\n", encoding="utf-8")
    link.symlink_to("script")
    name_usual_shell(tmp_path)
    assert link.is_symlink()
    assert (tmp_path / "program").read_text(encoding="utf-8") == f"#!{STORE}/python3\n"


def test_scripts_are_expected(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no script\n", encoding="utf-8")
    with pytest.raises(SubstituteError):
        name_usual_shell(tmp_path)
