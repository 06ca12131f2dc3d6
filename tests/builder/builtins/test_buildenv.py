"""`builtin:buildenv`: the trees that `nix-env` asks for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from larix.builder.builtins.buildenv import Conflict, Installed, make_environment, parse_installed, run


def item(folder: Path, name: str, *files: str) -> str:
    for file in files:
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return str(folder / name)


def test_the_list_is_read_and_what_is_not_active_left_out() -> None:
    assert parse_installed("true 5 2 /a /b false 5 1 /c true -1 1 /d") == [
        Installed("/a", 5),
        Installed("/b", 5),
        Installed("/d", -1),
    ]
    assert parse_installed("") == []


@pytest.mark.parametrize("text", ["true", "true 5", "true 5 2 /a", "true five 1 /a"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(Conflict, match="lists no derivations"):
        parse_installed(text)


def test_folders_that_several_have_are_merged_and_others_are_one_link(tmp_path: Path) -> None:
    one = item(tmp_path, "one", "bin/a", "share/doc/one/text", "share/man/a")
    two = item(tmp_path, "two", "bin/b", "share/doc/two/text")
    make_environment(str(tmp_path / "out"), [Installed(one, 5), Installed(two, 5)])
    out = tmp_path / "out"
    assert sorted(os.listdir(out / "bin")) == ["a", "b"]
    assert os.readlink(out / "bin/a") == f"{one}/bin/a"
    assert os.readlink(out / "share/man") == f"{one}/share/man"
    assert (out / "share/doc/two/text").read_text() == "two"


def test_the_lower_number_wins_whatever_comes_first(tmp_path: Path) -> None:
    one, two = item(tmp_path, "one", "bin/a", "lib/x"), item(tmp_path, "two", "bin/a")
    make_environment(str(tmp_path / "out"), [Installed(one, 9), Installed(two, 3)])
    assert (tmp_path / "out/bin/a").read_text() == "two"
    assert (tmp_path / "out/lib/x").read_text() == "one"


def test_equal_numbers_are_a_conflict_unless_the_file_is_the_same(tmp_path: Path) -> None:
    one, two = item(tmp_path, "one", "bin/a"), item(tmp_path, "two", "bin/a")
    with pytest.raises(Conflict, match="same priority 5"):
        make_environment(str(tmp_path / "out"), [Installed(one, 5), Installed(two, 5)])
    os.unlink(f"{two}/bin/a")
    os.symlink(f"{one}/bin/a", f"{two}/bin/a")
    make_environment(str(tmp_path / "again"), [Installed(one, 5), Installed(two, 5)])


def test_a_folder_and_a_file_of_one_name_are_a_conflict(tmp_path: Path) -> None:
    one, two = item(tmp_path, "one", "etc"), item(tmp_path, "two", "etc/x")
    for number, order in enumerate(([one, two], [two, one])):
        with pytest.raises(Conflict, match="is a folder"):
            make_environment(
                str(tmp_path / f"out{number}"), [Installed(path, index) for index, path in enumerate(order)]
            )


def test_what_is_propagated_comes_behind_everything_else(tmp_path: Path) -> None:
    below = item(tmp_path, "below", "bin/a", "bin/deep")
    above = item(tmp_path, "above", "bin/a", "nix-support/x", "manifest.nix", "info/dir")
    Path(f"{above}/nix-support/propagated-user-env-packages").write_text(f"{below} {above}\n")
    reports: list[Any] = []
    argument = {
        "environment": {"derivations": f"true 5 1 {above}", "manifest": "/the/manifest"},
        "inputs": {above, below},
        "outputs": {"out": str(tmp_path / "out")},
    }
    run(argument, reports.append)
    out = tmp_path / "out"
    assert reports == []
    assert (out / "bin/a").read_text() == "above"
    assert (out / "bin/deep").read_text() == "below"
    assert os.readlink(out / "manifest.nix") == "/the/manifest"
    assert not (out / "nix-support").exists()


def test_what_is_propagated_must_be_an_input_too(tmp_path: Path) -> None:
    below, above = item(tmp_path, "below", "bin/a"), item(tmp_path, "above", "bin/b", "nix-support/x")
    Path(f"{above}/nix-support/propagated-user-env-packages").write_text(below)
    reports: list[Any] = []
    argument = {
        "environment": {"derivations": f"true 5 1 {above}"},
        "inputs": {above},
        "outputs": {"out": str(tmp_path / "out")},
    }
    run(argument, reports.append)
    assert reports == [("builtin-failed", f"`{below}` is not among the derivation's inputs", None)]


def test_a_conflict_is_reported(tmp_path: Path) -> None:
    one, two = item(tmp_path, "one", "a"), item(tmp_path, "two", "a")
    reports: list[Any] = []
    argument = {
        "environment": {"derivations": f"true 5 2 {one} {two}"},
        "inputs": {one, two},
        "outputs": {"out": str(tmp_path / "out")},
    }
    run(argument, reports.append)
    assert [report[0] for report in reports] == ["builtin-failed"]
