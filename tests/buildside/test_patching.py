"""Patches that fit a source, and those that do not."""

import shutil
from pathlib import Path

import pytest

from larix.buildside.invoke import InvokeError
from larix.buildside.patching import PatchError, apply_patch

pytestmark = pytest.mark.skipif(not shutil.which("patch"), reason="needs patch")


def patch_of(*names: str) -> str:
    return "".join(f"--- a/{name}\t\n+++ b/{name}\t\n@@ -1 +1 @@\n-old\n+new\n" for name in names)


@pytest.fixture
def source(tmp_path, monkeypatch):
    directory = tmp_path / "source"
    directory.mkdir()
    for name in ("fits", "a file", "changed"):
        (directory / name).write_text("other\n" if name == "changed" else "old\n")
    monkeypatch.chdir(directory)
    monkeypatch.setenv("LC_ALL", "C")
    return directory


def test_patch_that_fits_changes_the_files_and_is_in_the_log(tmp_path, source, capsys):
    (tmp_path / "fix.patch").write_text(patch_of("fits", "a file"))
    apply_patch(tmp_path / "fix.patch", "-p1")
    assert Path("fits").read_text() == Path("a file").read_text() == "new\n"
    assert "patching file fits" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "failed"),
    [
        (["fits", "changed"], ["changed"]),
        (["changed", "none", "fits"], ["changed", "b/none"]),
    ],
)
def test_patch_that_does_not_fit_is_told_with_the_files(tmp_path, source, capsys, names, failed):
    (tmp_path / "fix.patch").write_text(patch_of(*names))
    shown = ", ".join(f"`{name}`" for name in failed)
    cause = f"fix.patch` does not apply to {shown}: `patch` ended with status 1"
    with pytest.raises(PatchError, match=cause) as caught:
        apply_patch(tmp_path / "fix.patch", "-p1")
    assert caught.value.files == failed
    assert "patching file fits" in capsys.readouterr().out


def test_what_is_no_patch_is_told_without_files(tmp_path, source):
    (tmp_path / "fix.patch").write_text("nothing of the kind\n")
    with pytest.raises(PatchError, match=r"fix\.patch` does not apply: `patch` ended with status 2"):
        apply_patch(tmp_path / "fix.patch")


def test_missing_program_is_told_as_for_others(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvokeError, match="is not in PATH"):
        apply_patch(tmp_path / "fix.patch")
