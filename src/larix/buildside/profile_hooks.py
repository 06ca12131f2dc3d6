"""What a profile has beside links: indexes of what several packages bring and users look for in one place.

A hook is wanted where an entry has a file that it is made from. It is plain Python and runs no program: a
profile can be made where nothing that builds is left.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from larix.buildside.profile_applications import APPLICATIONS, is_desktop_entry, make_application_cache
from larix.buildside.profile_certificates import CERTIFICATES, is_certificate, make_certificate_bundle
from larix.buildside.profile_fonts import font_folders, make_font_lists
from larix.buildside.profile_icons import icon_themes, make_icon_cache
from larix.buildside.profile_info import INFO, is_manual, make_info_directory
from larix.buildside.profile_manual import MANUAL, is_section, make_manual_database
from larix.buildside.profile_mime import MIME, PACKAGES, is_description, make_mime_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Hook", "wanted_hooks"]


class Hook(NamedTuple):
    """`make` writes into each folder, of a profile of some entries, that `folders` finds for them."""

    what: str
    folders: Callable[[Sequence[str]], list[str]]
    make: Callable[[str], None]


def _with_input(
    folder: str, is_input: Callable[[str], bool], *, below: str = ""
) -> Callable[[Sequence[str]], list[str]]:
    """The folder, if an entry has in it, or `below` it, a file that `is_input` knows."""

    def folders(entries: Sequence[str]) -> list[str]:
        return [folder] * any(
            is_input(name) for entry in entries for name in _names(f"{entry}/{folder}{below}")
        )

    return folders


_HOOKS = (
    Hook("CA certificate bundle", _with_input(CERTIFICATES, is_certificate), make_certificate_bundle),
    Hook("directory of Info manuals", _with_input(INFO, is_manual), make_info_directory),
    Hook("database of manual pages", _with_input(MANUAL, is_section), make_manual_database),
    Hook("database of file types", _with_input(MIME, is_description, below=PACKAGES), make_mime_database),
    Hook(
        "cache of applications by file type",
        _with_input(APPLICATIONS, is_desktop_entry),
        make_application_cache,
    ),
    Hook("caches of icon themes", icon_themes, make_icon_cache),
    Hook("lists of fonts", font_folders, make_font_lists),
)


def wanted_hooks(entries: Sequence[str]) -> list[tuple[Hook, list[str]]]:
    """The hooks for a profile of these entries, each with its folders."""
    return [(hook, folders) for hook in _HOOKS if (folders := hook.folders(entries))]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
