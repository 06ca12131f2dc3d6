"""What larix writes into profiles for desktops beside what Debian's programs write of the same files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from desktops import packages, read_icon_cache, read_mime_cache
from larix.buildside.profile_fonts import make_font_lists
from larix.buildside.profile_icons import make_icon_cache
from larix.buildside.profile_mime import make_mime_database
from larix.buildside.profile_tree import make_profile

pytestmark = [pytest.mark.compat, pytest.mark.slow]
SCALED = "--0-0-0-0-"
# The sets of characters that larix looks for; Debian's library has no table of one of
# the others, and wants more of a font for the other.
KNOWN = {
    "iso10646-1",
    "adobe-fontspecific",
    *(f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 8, 9, 10, 13, 15)),
}
UNKNOWN = {"iso8859-14", "koi8-r"}


def need(program: str, package: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no program `{program}` (Debian: {package})")


def both(tmp_path: Path, source: Path, ours: Callable[[str], None], *theirs: str) -> tuple[Path, Path]:
    """Two copies of a folder: one for larix, one for the program."""
    copies = tmp_path / "ours", tmp_path / "theirs"
    for copy in copies:
        shutil.copytree(source, copy)
    ours(str(copies[0]))
    subprocess.run([*theirs, copies[1]], check=True, capture_output=True)
    return copies


def lines(file: Path) -> set[str]:
    """Without comments, and each once: programs list some twice."""
    text = file.read_text(encoding="utf-8", errors="surrogateescape")
    return {line for line in text.splitlines() if not line.startswith("#")}


@pytest.mark.parametrize("described", ["here", "by Debian"])
def test_file_types(tmp_path: Path, described: str) -> None:
    need("update-mime-database", "shared-mime-info")
    source = tmp_path / "source"
    (source / "packages").mkdir(parents=True)
    if described == "here":
        for made in packages(tmp_path / "made"):
            shutil.copytree(made / "share/mime/packages", source / "packages", dirs_exist_ok=True)
    else:
        shutil.copy("/usr/share/mime/packages/freedesktop.org.xml", source / "packages")
    ours, theirs = both(tmp_path, source, make_mime_database, "update-mime-database")
    for name in ("aliases", "generic-icons", "globs", "globs2", "icons", "subclasses", "treemagic", "types"):
        assert lines(ours / name) == lines(theirs / name), name
    assert lines(ours / "XMLnamespaces") == lines(theirs / "XMLnamespaces")
    assert (ours / "magic").read_bytes() == (theirs / "magic").read_bytes()
    mine, real = (read_mime_cache((each / "mime.cache").read_bytes()) for each in (ours, theirs))
    for table, found in real.items():
        assert mine[table] == found, table
    assert files(ours) == files(theirs)


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_icons(tmp_path: Path) -> None:
    need("gtk-update-icon-cache", "gtk-update-icon-cache")
    source = packages(tmp_path)[0] / "share/icons/hicolor"
    for number in range(500):
        (source / f"48x48/apps/icon-{number}.png").write_bytes(b"")
    ours, theirs = both(tmp_path, source, make_icon_cache, "gtk-update-icon-cache", "-f", "-i", "-t")
    subprocess.run(["gtk-update-icon-cache", "--validate", ours], check=True)
    mine, real = (read_icon_cache((each / "icon-theme.cache").read_bytes()) for each in (ours, theirs))
    assert mine == real


def test_the_cache_of_a_profile_is_valid(tmp_path: Path) -> None:
    need("gtk-update-icon-cache", "gtk-update-icon-cache")
    make_profile(tmp_path / "profile", entries=map(str, packages(tmp_path)), manifest="{}")
    theme = tmp_path / "profile/share/icons/hicolor"
    subprocess.run(["gtk-update-icon-cache", "--validate", theme], check=True)


@pytest.mark.parametrize("folder", ["truetype/dejavu", "X11/misc", "X11/Type1", "truetype/liberation"])
def test_fonts(tmp_path: Path, folder: str) -> None:
    """An outline font may be listed for more sets of characters than larix looks for, not for less."""
    need("mkfontscale", "xfonts-utils")
    source = Path("/usr/share/fonts", folder)
    if not source.is_dir():
        pytest.skip(f"no fonts in {source}")
    ours, theirs = both(tmp_path, source, make_font_lists, "mkfontscale")
    subprocess.run(["mkfontdir", theirs], check=True)
    for name in ("fonts.dir", "fonts.scale"):
        mine, real = (fonts(lines(place / name)) for place in (ours, theirs))
        assert mine.keys() == real.keys()
        for font, sets in mine.items():
            if SCALED not in font:
                assert sets == real[font], font
            else:
                assert sets - UNKNOWN <= real[font], font
                assert real[font] & KNOWN <= sets, font


def fonts(listed: set[str]) -> dict[str, set[str]]:
    """Sets of characters by file and the rest of the name."""
    found: dict[str, set[str]] = {}
    for line in listed:
        if " -" in line:
            name, registry, encoding = line.rsplit("-", 2)
            found.setdefault(name, set()).add(f"{registry}-{encoding}")
    return found
