"""The lists of fonts that X servers read: `fonts.dir`, and `fonts.scale` with those that fit any size.

    COUNT
    FILE -FOUNDRY-FAMILY-WEIGHT-SLANT-WIDTH-STYLE-PIXELS-POINTS-X-Y-SPACING-AVERAGE-REGISTRY-ENCODING

One of each stands in every folder with fonts. Programs that use fontconfig read the fonts themselves.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.buildside.profile_font_names import bitmap_name, outline_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["FONTS", "font_folders", "make_font_lists"]

FONTS = "share/fonts"

_BITMAP = (".pcf", ".pcf.gz", ".bdf", ".bdf.gz")
_OUTLINE = (".otf", ".otc", ".pfa", ".pfb", ".ttc", ".ttf")
_DEPTH = 8  # of folders, should links lead in circles


def font_folders(entries: Iterable[str]) -> list[str]:
    """The folders with fonts in a profile of these entries, relative to it."""
    return sorted({FONTS + below for entry in entries for below in _folders(entry + "/" + FONTS)})


def _folders(root: str) -> Iterator[str]:
    pending = [""] if os.path.isdir(root) else []
    while pending:
        below = pending.pop()
        names = os.listdir(root + below)
        if any(name.lower().endswith(_BITMAP + _OUTLINE) for name in names):
            yield below
        if below.count("/") < _DEPTH:
            pending += [f"{below}/{name}" for name in names if os.path.isdir(f"{root}{below}/{name}")]


def make_font_lists(folder: str) -> None:
    """Write both lists into a folder with fonts; what cannot be read is told and left out."""
    scaled: list[str] = []
    fixed: list[str] = []
    for name in sorted(os.listdir(folder)):
        try:
            if name.lower().endswith(_OUTLINE):
                scaled += [f"{name} {each}" for each in outline_names(f"{folder}/{name}")]
            elif name.lower().endswith(_BITMAP):
                fixed.append(f"{name} {bitmap_name(f'{folder}/{name}')}")
        except (OSError, EOFError, ValueError) as error:
            print(f"warning: {folder}/{name}: {error}", flush=True)
    _write(f"{folder}/fonts.scale", sorted(scaled))
    _write(f"{folder}/fonts.dir", sorted([*fixed, *scaled]))


def _write(file: str, lines: list[str]) -> None:
    if os.path.lexists(file):
        os.unlink(file)
    with open(file, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.writelines([f"{len(lines)}\n", *(f"{line}\n" for line in lines)])
