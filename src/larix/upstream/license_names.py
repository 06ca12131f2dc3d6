"""Licences as others spell them, and the names they have in `larix.packages.licenses`."""

from __future__ import annotations

import re

__all__ = ["license_names"]

_SPDX = {
    "0bsd": "bsd_0",
    "agpl-3.0": "agpl3",
    "apache-2.0": "apache2",
    "artistic-1.0": "artistic1",
    "artistic-2.0": "artistic2",
    "bsd-2-clause": "bsd_2",
    "bsd-3-clause": "bsd_3",
    "bsd-4-clause": "bsd_4",
    "bsl-1.0": "boost1",
    "bzip2-1.0.6": "bzip2",
    "cc0-1.0": "cc0",
    "gfdl-1.1": "fdl1_1_plus",
    "gfdl-1.2": "fdl1_2_plus",
    "gfdl-1.3": "fdl1_3_plus",
    "gpl-1.0": "gpl1",
    "gpl-2.0": "gpl2",
    "gpl-3.0": "gpl3",
    "isc": "isc",
    "lgpl-2.0": "lgpl2_0",
    "lgpl-2.1": "lgpl2_1",
    "lgpl-3.0": "lgpl3",
    "mit": "expat",
    "mpl-2.0": "mpl2_0",
    "openssl": "openssl",
    "psf-2.0": "psfl",
    "python-2.0": "psfl",
    "unlicense": "unlicense",
    "vim": "vim",
    "x11": "x11",
    "zlib": "zlib",
}
_WORDS = {
    "apache": "apache2",
    "apache 2": "apache2",
    "apache license 2.0": "apache2",
    "apache license, version 2.0": "apache2",
    "apache software license": "apache2",
    "bsd": "bsd_3",
    "bsd license": "bsd_3",
    "bsd 3-clause": "bsd_3",
    "3-clause bsd": "bsd_3",
    "new bsd license": "bsd_3",
    "expat": "expat",
    "gnu general public license v2 (gplv2)": "gpl2",
    "gnu general public license v2 or later (gplv2+)": "gpl2_plus",
    "gnu general public license v3 (gplv3)": "gpl3",
    "gnu general public license v3 or later (gplv3+)": "gpl3_plus",
    "gnu lesser general public license v2 or later (lgplv2+)": "lgpl2_0_plus",
    "gnu lesser general public license v3 (lgplv3)": "lgpl3",
    "gnu lesser general public license v3 or later (lgplv3+)": "lgpl3_plus",
    "isc license (iscl)": "isc",
    "mit license": "expat",
    "the mit license": "expat",
    "mozilla public license 2.0 (mpl 2.0)": "mpl2_0",
    "public domain": "public_domain",
    "public-domain": "public_domain",
    "python software foundation license": "psfl",
    "psf": "psfl",
    "the unlicense (unlicense)": "unlicense",
    "zlib/libpng license": "zlib",
}
_HAS_LATER = {"agpl3", "gpl1", "gpl2", "gpl3", "lgpl2_0", "lgpl2_1", "lgpl3"}


def license_names(text: str) -> list[str]:
    """The names for an SPDX expression or the words of an index; empty if any part is not understood."""
    whole = _one(text)
    if whole is not None:
        return [whole]
    parts = re.split(r"\s+(?:and|or|AND|OR)\s+|\s*[,/|]\s*", text.strip().strip("()"))
    found = [_one(part) for part in parts if part.strip(" ()")]
    return list(dict.fromkeys(name for name in found if name is not None)) if found and all(found) else []


def _one(text: str) -> str | None:
    whole = " ".join(text.lower().split())
    words = whole.strip(" ()")
    if whole in _WORDS or words in _WORDS:
        return _WORDS.get(whole) or _WORDS[words]
    words = re.sub(r"\s+with\s+.*", "", words)  # exceptions allow more
    stem = re.sub(r"(-or-later|-only|\+)$", "", words)
    if re.fullmatch(r"(a|l)?gpl-[123]", stem):  # Debian's spelling
        stem += ".0"
    name = _SPDX.get(stem)
    if name is None:
        return None
    return f"{name}_plus" if words.endswith(("-or-later", "+")) and name in _HAS_LATER else name
