"""What the catalogue has of what upstream names: Python projects, and source packages of Debian."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from larix.builder.builtins.mirrors import PYPI
from larix.builder.builtins.simple_index import normal_name
from larix.errors import LarixError
from larix.packages.origin import Origin
from larix.upstream.drafts import Need

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.packages.catalogue import Catalogue
    from larix.packages.entry import Entry

__all__ = ["Known"]


class Known:
    """Looks things up in `catalogue`."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        """The newest package of each name that others may use."""
        found: dict[str, Entry] = {}
        for entry in self._catalogue.entries:
            if not entry.is_hidden and entry.superseded_by is None:
                found.setdefault(entry.name, entry)
        return found

    @cached_property
    def _by_upstream_name(self) -> dict[str, Entry]:
        return {entry.upstream_name: entry for entry in self._entries.values() if entry.upstream_name}

    def named(self, names: Iterable[str], called: str) -> Need | None:
        """The first of the packages that exists."""
        for name in names:
            entry = self._entries.get(name)
            if entry is not None:
                return Need(called, entry.module, entry.variable)
        return None

    def python_project(self, project: str, called: str) -> Need:
        """The package of a Python project: `python-NAME`, or NAME if its source is that project's."""
        name = normal_name(project)
        for candidate in (f"python-{name}", name.removesuffix("-python"), name):
            entry = self._entries.get(candidate) or self._by_upstream_name.get(candidate)
            if entry is not None and (candidate.startswith("python-") or self._is_project(entry, name)):
                return Need(called, entry.module, entry.variable)
        return Need(called)

    def _is_project(self, entry: Entry, project: str) -> bool:
        try:
            source = self._catalogue.load(entry).source
        except LarixError:
            return False
        uris = source.uri if isinstance(source, Origin) else ()
        return any(
            normal_name(uri.removeprefix(PYPI).partition("/")[0]) == project
            for uri in uris
            if uri.startswith(PYPI)
        )

    def debian_source(self, source: str, binary: str) -> Need | None:
        """The package made from what Debian calls `source`, by the usual ways of naming."""
        names = [source, re.sub(r"-?[0-9][0-9.]*$", "", source), binary.removesuffix("-dev")]
        names += [each.removeprefix("lib") for each in names if each.startswith("lib")]
        match = re.fullmatch(r"python3?-(.+)", binary) or re.fullmatch(r"python-(.+)", source)
        if match is not None:
            names.insert(0, f"python-{match[1]}")
        match = re.fullmatch(r"lib(.+)-perl", binary)
        if match is not None:
            names.insert(0, f"perl-{match[1]}")
        return self.named(names, binary)
