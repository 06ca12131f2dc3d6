"""Profiles made where they are made for users: in the room of a build."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktops import packages, read_icon_cache, read_mime_cache
from larix.builder import realise
from larix.derivation import tree_source
from larix.formats.nar import Directory, File, Tree
from larix.profiles.manifest import Entry, Manifest
from larix.profiles.profile import profile_derivation
from larix.protocol import BuildLog, BuildOptions, BuildTarget
from larix.store import LocalStore
from shops import open_shop

pytestmark = pytest.mark.slow
SYSTEM = f"{os.uname().machine}-linux"


def tree(file: Path) -> Tree:
    if file.is_dir():
        return Directory({os.fsencode(each.name): tree(each) for each in file.iterdir()})
    return File(file.read_bytes())


def test_all_that_hooks_need_is_at_hand_in_the_room(tmp_path: Path) -> None:
    """The library's files are out of sight there: what was not loaded before cannot be."""
    with open_shop() as shop:
        made_in(shop.store, tmp_path)


def made_in(store: LocalStore, tmp_path: Path) -> None:
    sources = [tree_source(store.store_dir, made.name, tree(made)) for made in packages(tmp_path)]
    store.instantiate([], sources)
    entries = tuple(Entry("desktop", str(number), "out", each.path) for number, each in enumerate(sources))
    lowered = profile_derivation(Manifest(entries), {}, store_dir=store.store_dir, system=SYSTEM)
    store.instantiate([lowered])
    events: list[object] = []
    realise(store, [BuildTarget(lowered.path)], BuildOptions(), events.append)
    told = [each.line for each in events if isinstance(each, BuildLog)]
    assert told == [
        b"building database of file types...",
        b"building caches of icon themes...",
        b"building lists of fonts...",
    ]
    share = Path(lowered.output_path()) / "share"
    said = read_mime_cache((share / "mime/mime.cache").read_bytes())
    assert said["aliases"] == [("application/b", "application/x-b"), ("text/c", "text/x-c")]
    assert set(read_icon_cache((share / "icons/hicolor/icon-theme.cache").read_bytes())) == {"b", "c"}
    assert "-iso8859-1\n" in (share / "fonts/truetype/some/fonts.dir").read_text()
