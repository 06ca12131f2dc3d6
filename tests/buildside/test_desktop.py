"""Desktop entries: programs named in full, so that menus start those of the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.buildside.desktop import patch_desktop_files

if TYPE_CHECKING:
    from pathlib import Path


def test_programs_of_the_output_are_named_in_full(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "editor").touch()
    entry = tmp_path / "share" / "applications" / "editor.desktop"
    entry.parent.mkdir(parents=True)
    entry.write_text('[Desktop Entry]\nTryExec=editor\nExec="editor" %F\nExec=env A=1 other\nName=Exec=x\n')
    assert patch_desktop_files(tmp_path) == 1
    program = tmp_path / "bin" / "editor"
    assert entry.read_text() == (
        f'[Desktop Entry]\nTryExec={program}\nExec="{program}" %F\nExec=env A=1 other\nName=Exec=x\n'
    )


def test_an_output_without_menus_is_left_alone(tmp_path: Path) -> None:
    assert patch_desktop_files(tmp_path) == 0
