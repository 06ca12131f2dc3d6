"""What a profile has beside links: indexes of what several packages bring and users look for in one place.

A hook is wanted where an entry has a file that it is made from. It is plain Python and runs no program: a
profile can be made where nothing that builds is left.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from larix.buildside.profile_applications import APPLICATIONS, is_desktop_entry, make_application_cache
from larix.buildside.profile_certificates import CERTIFICATES, is_certificate, make_certificate_bundle
from larix.buildside.profile_info import INFO, is_manual, make_info_directory
from larix.buildside.profile_manual import MANUAL, is_section, make_manual_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Hook", "wanted_hooks"]


class Hook(NamedTuple):
    """`make` writes into `folder` of the profile; wanted where an entry has there what `is_input` knows."""

    what: str
    folder: str
    is_input: Callable[[str], bool]
    make: Callable[[str], None]

    def is_wanted(self, entries: Iterable[str]) -> bool:
        return any(self.is_input(name) for entry in entries for name in _names(f"{entry}/{self.folder}"))


_HOOKS = (
    Hook("CA certificate bundle", CERTIFICATES, is_certificate, make_certificate_bundle),
    Hook("directory of Info manuals", INFO, is_manual, make_info_directory),
    Hook("database of manual pages", MANUAL, is_section, make_manual_database),
    Hook("cache of applications by file type", APPLICATIONS, is_desktop_entry, make_application_cache),
)


def wanted_hooks(entries: Iterable[str]) -> list[Hook]:
    listed = list(entries)
    return [hook for hook in _HOOKS if hook.is_wanted(listed)]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
