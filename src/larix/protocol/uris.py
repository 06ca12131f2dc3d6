"""The URIs that sources are fetched from: which schemes there are, and what `mirror://NAME/…` stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MIRRORS", "SCHEMES"]

SCHEMES = ("debian", "file", "ftp", "http", "https", "mirror", "pypi")

MIRRORS: Mapping[str, tuple[str, ...]] = {
    "apache": ("https://downloads.apache.org/", "https://archive.apache.org/dist/"),
    "cpan": ("https://www.cpan.org/",),
    "gcc": ("https://gcc.gnu.org/pub/gcc/", "https://sourceware.org/pub/gcc/"),
    "gnome": ("https://download.gnome.org/",),
    "gnu": ("https://ftpmirror.gnu.org/", "https://ftp.gnu.org/gnu/", "https://mirrors.kernel.org/gnu/"),
    "gnupg": ("https://www.gnupg.org/ftp/gcrypt/",),
    "kde": ("https://download.kde.org/",),
    "kernel.org": (
        "https://cdn.kernel.org/pub/",
        "https://mirrors.edge.kernel.org/pub/",
        "https://www.kernel.org/pub/",
    ),
    "savannah": (
        "https://download.savannah.gnu.org/releases/",
        "https://download.savannah.nongnu.org/releases/",
    ),
    "sourceforge": ("https://downloads.sourceforge.net/project/",),
    "sourceware": ("https://sourceware.org/pub/", "https://sourceware.org/ftp/"),
    "xorg": ("https://www.x.org/releases/", "https://xorg.freedesktop.org/releases/"),
}
