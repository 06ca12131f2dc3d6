"""Definitions are changed in place, and in nothing but the version and the hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from larix.formats.hashes import Hash
from larix.packages.definition import CannotEdit
from larix.packages.modules import packages_of_file
from larix.upstream.editing import spelled_like, update_definition
from larix.upstream.updating import Release
from larix.upstream.web import DownloadFailed, Web

NEW = b"the new release\n"
HASH = Hash("sha256", hashlib.sha256(NEW).digest())
OLD = "0" * 52

TEXT = '''\
"""Définition in which every character but those is to stay."""
from larix.buildsystems.trivial import trivial
from larix.packages import Origin, Package, licenses


thing   =  Package(
    name="thing",   # kept
    version='1.0',  # é
    source=lambda p: Origin(
        uri=[
            f"@BASE@/thing-{p.version}.tar.gz",
        ],
        sha256="@HASH@"  # of version 1.0
    ),
    build_system=trivial, synopsis="1.0", description="",
    home_page=None, license=licenses.expat)
'''


def update(tmp_path: Path, text: str, release: str = "1.1", *, which: int = 0) -> str:
    """The file after the update to a release that stands in `tmp_path`."""
    (tmp_path / "thing-1.1.tar.gz").write_bytes(NEW)
    file = tmp_path / "thing.py"
    file.write_text(text.replace("@BASE@", f"file://{tmp_path}").replace("@HASH@", OLD))
    package = packages_of_file(str(file))[which][1]
    update_definition(package, Release(release, f"file://{tmp_path}/thing-{release}.tar.gz"), Web({}))
    return file.read_text().replace(f"file://{tmp_path}", "@BASE@")


def test_only_version_and_hash_change(tmp_path: Path) -> None:
    expected = TEXT.replace("'1.0'", "'1.1'").replace("@HASH@", HASH.nix32())
    assert update(tmp_path, TEXT) == expected


def test_mode_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "thing.py").symlink_to("elsewhere/real.py")
    (tmp_path / "elsewhere" / "real.py").write_text("")
    (tmp_path / "elsewhere" / "real.py").chmod(0o640)
    update(tmp_path, TEXT)
    assert (tmp_path / "thing.py").is_symlink()
    assert (tmp_path / "elsewhere" / "real.py").stat().st_mode & 0o777 == 0o640
    assert "'1.1'" in (tmp_path / "elsewhere" / "real.py").read_text()
    assert [each.name for each in (tmp_path / "elsewhere").iterdir()] == ["real.py"]


def test_version_that_has_a_name_is_changed_there(tmp_path: Path) -> None:
    text = TEXT.replace("thing   =", 'VERSION = "1.0"\n\nthing   =').replace(
        "version='1.0'", "version=VERSION"
    )
    assert 'VERSION = "1.1"' in update(tmp_path, text)


def test_version_spelled_out_in_the_address_is_changed_too(tmp_path: Path) -> None:
    text = TEXT.replace("lambda p: ", "").replace('f"@BASE@/thing-{p.version}', '"@BASE@/thing-1.0')
    changed = update(tmp_path, text)
    assert '"@BASE@/thing-1.1.tar.gz"' in changed
    assert HASH.nix32() in changed


@pytest.mark.parametrize("spell", [Hash.base16, Hash.nix32, Hash.base64, Hash.sri, Hash.__str__])
def test_hash_keeps_its_spelling(spell) -> None:
    old = Hash("sha256", hashlib.sha256(b"old").digest())
    assert spelled_like(spell(old), HASH) == spell(HASH)


def test_hash_that_was_none_is_spelled_as_usual() -> None:
    assert spelled_like("?", HASH) == HASH.nix32()


def refused(tmp_path: Path, text: str, message: str, **keywords: int) -> None:
    with pytest.raises(CannotEdit, match=message):
        update(tmp_path, text, **keywords)
    assert (tmp_path / "thing.py").read_text() == text.replace("@BASE@", f"file://{tmp_path}").replace(
        "@HASH@", OLD
    )


def test_version_that_is_calculated_is_left_alone_and_told(tmp_path: Path) -> None:
    refused(
        tmp_path, TEXT.replace("version='1.0'", "version='1' + '.0'"), "`version` is not written as a string"
    )


def test_hash_of_a_tree_is_left_alone(tmp_path: Path) -> None:
    refused(tmp_path, TEXT.replace("sha256=", "recursive=True, sha256="), "of a tree")


def test_variant_without_a_version_of_its_own_is_left_alone(tmp_path: Path) -> None:
    text = TEXT + '\n\nother = thing.inherit(name="other")\n'
    refused(tmp_path, text, "`version` is not written as a string", which=1)


def test_release_that_cannot_be_had_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="No such file"):
        update(tmp_path, TEXT, "1.2")
    assert "'1.0'" in (tmp_path / "thing.py").read_text()
