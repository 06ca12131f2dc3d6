"""What a profile holds, as the file `manifest` in it: JSON, with the names of the field's format 4.

    {"version": 4, "packages": [ENTRY, ...]}
    ENTRY = {"name", "version", "output", "path",
             "propagated-inputs": [ENTRY or {"repeated": {"name", "version", "output", "path"}}, ...],
             "search-paths": [{"variable", "files", "separator", "type", "pattern"}, ...],
             "properties": {...}}

The last three are left out when empty. A propagated entry that was written in full before is written as a
`repeated` reference, so that a diamond of inputs does not grow the file exponentially. Entries stand in the
order of installation, the latest last. The writer is canonical: equal manifests give equal bytes, since they
are part of the profile's hash. The reader is strict: what it does not know, it refuses, rather than drop it
silently with the next change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeGuard

from larix.errors import LarixError, Location
from larix.packages.search_paths import SearchPath
from larix.words import tr

__all__ = ["EMPTY", "PROVENANCE", "BadManifest", "Entry", "Manifest", "parse_manifest", "print_manifest"]

VERSION = 4
_DEPTH_LIMIT = 200
PROVENANCE = "provenance"


class BadManifest(LarixError):
    """The text is not a manifest that this larix can keep whole."""


class Entry(NamedTuple):
    """One installed output. `path` is its store path; `properties` is JSON data kept as it is."""

    name: str
    version: str
    output: str
    path: str
    propagated_inputs: tuple[Entry, ...] = ()
    search_paths: tuple[SearchPath, ...] = ()
    properties: tuple[tuple[str, Any], ...] = ()

    @property
    def properties_without_provenance(self) -> tuple[tuple[str, Any], ...]:
        return tuple(each for each in self.properties if each[0] != PROVENANCE)

    def is_same(self, other: Entry) -> bool:
        """Whether both are one build of one package, wherever each was defined."""
        return self._without_provenance() == other._without_provenance()

    def _without_provenance(self) -> Entry:
        return self._replace(properties=self.properties_without_provenance)

    @property
    def key(self) -> tuple[str, str]:
        """What an entry replaces when installed: two entries of a manifest never share it."""
        return (self.name, self.output)


class Manifest(NamedTuple):
    entries: tuple[Entry, ...] = ()

    def find(self, name: str, output: str = "out") -> Entry | None:
        return next((entry for entry in self.entries if entry.key == (name, output)), None)

    def transitive(self) -> list[Entry]:
        """All entries with what they propagate, each path once, in order of first appearance."""
        seen: dict[str, Entry] = {}
        stack = list(reversed(self.entries))
        while stack:
            entry = stack.pop()
            if entry.path not in seen:
                seen[entry.path] = entry
                stack.extend(reversed(entry.propagated_inputs))
        return list(seen.values())

    def search_paths(self) -> list[SearchPath]:
        """The search paths of all entries, each once, in order of first appearance."""
        found = dict.fromkeys(path for entry in self.transitive() for path in entry.search_paths)
        return list(found)


EMPTY = Manifest()


def print_manifest(manifest: Manifest) -> bytes:
    written: dict[str, Entry] = {}
    packages = [_entry_data(entry, written) for entry in manifest.entries]
    document = {"version": VERSION, "packages": packages}
    return json.dumps(document, ensure_ascii=True, indent=2).encode() + b"\n"


def _entry_data(entry: Entry, written: dict[str, Entry]) -> dict[str, Any]:
    data: dict[str, Any] = _reference(entry)
    if entry.propagated_inputs:
        data["propagated-inputs"] = [
            {"repeated": _reference(other)}
            if written.get(other.path) == other
            else _entry_data(other, written)
            for other in entry.propagated_inputs
        ]
    if entry.search_paths:
        data["search-paths"] = [_search_path_data(path) for path in entry.search_paths]
    if entry.properties:
        data["properties"] = dict(sorted(entry.properties))
    written[entry.path] = entry
    return data


def _search_path_data(path: SearchPath) -> dict[str, Any]:
    return {
        "variable": path.variable,
        "files": list(path.files),
        "separator": path.separator,
        "type": path.kind,
        "pattern": path.pattern,
    }


def _reference(entry: Entry) -> dict[str, Any]:
    return {"name": entry.name, "version": entry.version, "output": entry.output, "path": entry.path}


def parse_manifest(text: bytes, file: str) -> Manifest:
    """Read what `print_manifest` wrote; `BadManifest` names `file` and what is wrong."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise BadManifest(tr("not a manifest: {error}", error=error), place=Location(file, line)) from error
    return _Reader(file).manifest(document)


def _is_object(item: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(item, dict)


def _is_list(item: object) -> TypeGuard[list[Any]]:
    return isinstance(item, list)


class _Reader:
    """One reading: the file for messages, and the entries met so far for `repeated` references."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._met: dict[str, Entry] = {}

    def _bad(self, what: str) -> BadManifest:
        return BadManifest(tr("bad manifest: {what}", what=what), place=Location(self._file, 1))

    def manifest(self, document: object) -> Manifest:
        fields = self._fields(document, tr("the manifest"), required=("version", "packages"))
        if fields["version"] != VERSION:
            raise self._bad(
                tr(
                    "version {fields!r}, where this larix knows {version}",
                    fields=fields["version"],
                    version=VERSION,
                )
            )
        entries = tuple(self._entry(item, 0) for item in self._list(fields["packages"], "packages"))
        keys = [entry.key for entry in entries]
        if len(set(keys)) != len(keys):
            name, output = next(key for key in keys if keys.count(key) > 1)
            raise self._bad(tr("{name}:{output} is there twice", name=name, output=output))
        return Manifest(entries)

    def _fields(
        self, item: object, what: str, *, required: Iterable[str], optional: Iterable[str] = ()
    ) -> Mapping[str, Any]:
        if not _is_object(item):
            raise self._bad(tr("{what} is not an object", what=what))
        fields = item
        required = set(required)
        missing = required - set(fields)
        unknown = set(fields) - required - set(optional)
        if missing or unknown:
            names = ", ".join(sorted(missing or unknown))
            raise self._bad(
                tr("{what} lacks {names}", what=what, names=names)
                if missing
                else tr("{what} has the unknown field {names}", what=what, names=names)
            )
        return fields

    def _list(self, item: object, what: str) -> list[Any]:
        if not _is_list(item):
            raise self._bad(tr("{what} is not a list", what=what))
        return item

    def _text(self, item: object, what: str) -> str:
        if not isinstance(item, str):
            raise self._bad(tr("{what} is not a string", what=what))
        return item

    def _entry(self, item: object, depth: int) -> Entry:
        if depth > _DEPTH_LIMIT:
            raise self._bad(tr("propagated inputs are nested too deeply"))
        if _is_object(item) and set(item) == {"repeated"}:
            return self._repeated(item["repeated"])
        names = ("name", "version", "output", "path")
        optional = ("propagated-inputs", "search-paths", "properties")
        fields = self._fields(item, tr("an entry"), required=names, optional=optional)
        name, version, output, path = (
            self._text(fields[field], tr("`{field}' of an entry", field=field)) for field in names
        )
        propagated = self._list(
            fields.get("propagated-inputs", []), tr("`propagated-inputs' of {name}", name=name)
        )
        search_paths = self._list(fields.get("search-paths", []), tr("`search-paths' of {name}", name=name))
        properties = fields.get("properties", {})
        if not _is_object(properties):
            raise self._bad(tr("`properties' of {name} is not an object", name=name))
        entry = Entry(
            name=name,
            version=version,
            output=output,
            path=path,
            propagated_inputs=tuple(self._entry(other, depth + 1) for other in propagated),
            search_paths=tuple(self._search_path(other) for other in search_paths),
            properties=tuple(sorted(properties.items())),
        )
        self._met[path] = entry
        return entry

    def _repeated(self, item: object) -> Entry:
        fields = self._fields(item, tr("a repeated entry"), required=("name", "version", "output", "path"))
        entry = self._met.get(self._text(fields["path"], tr("`path' of a repeated entry")))
        if entry is None or _reference(entry) != fields:
            raise self._bad(tr("the repeated entry {fields!r} was not met before", fields=fields["name"]))
        return entry

    def _search_path(self, item: object) -> SearchPath:
        names = ("variable", "files", "separator", "type", "pattern")
        fields = self._fields(item, tr("a search path"), required=names)
        files = tuple(
            self._text(name, tr("a file of a search path")) for name in self._list(fields["files"], "`files'")
        )
        separator, pattern = (
            None
            if fields[field] is None
            else self._text(fields[field], tr("`{field}' of a search path", field=field))
            for field in ("separator", "pattern")
        )
        kind = self._text(fields["type"], tr("`type' of a search path"))
        return SearchPath(self._text(fields["variable"], "`variable'"), files, separator, kind, pattern)
