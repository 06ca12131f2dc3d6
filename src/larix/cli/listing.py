"""What a profile holds and held, as `package -I` and `package -l` show it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from larix.buildside.profile_settings import PATH, in_double_quotes, settings_of
from larix.cli.options import UsageError, matching_any
from larix.cli.profiles import Profile, own_profiles, shown_name
from larix.cli.retention import meant_generations
from larix.cli.session import Session
from larix.cli.tables import print_json, print_table
from larix.profiles import generation
from larix.profiles.manifest import PROVENANCE, Entry, Manifest
from larix.profiles.notes import Note, read_notes
from larix.words import tr

__all__ = [
    "entry_data",
    "list_generations",
    "list_installed",
    "origin_data",
    "print_own_profiles",
    "print_search_paths",
    "unset_variables",
]


def entry_data(entry: Entry) -> dict[str, Any]:
    data = {"name": entry.name, "version": entry.version, "output": entry.output, "path": entry.path}
    properties = dict(entry.properties)
    if PROVENANCE in properties:
        properties[PROVENANCE] = [origin_data(record) for record in properties[PROVENANCE]]
    return data | properties


def origin_data(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of provenance under the field names that all commands print; manifests say `channel`."""
    return {"name": record["channel"]} | {name: value for name, value in record.items() if name != "channel"}


def _row(entry: Entry) -> tuple[str, str, str, str]:
    return entry.name, entry.version, entry.output, entry.path


def list_installed(profiles: Sequence[Profile], expressions: Sequence[str], *, as_json: bool) -> None:
    """The entries whose names match, the latest installed last; a profile that is not there holds none."""
    matches = matching_any(expressions)
    entries = [entry for profile in profiles for entry in profile.current().entries if matches(entry.name)]
    if as_json:
        print_json(packages=[entry_data(entry) for entry in entries])
    else:
        print_table([_row(entry) for entry in entries])


def list_generations(profile: Profile, patterns: Sequence[str], *, as_json: bool) -> int:
    """The first one whole, those after it by what they changed; 1, without a word, when none match."""
    profile.require()
    profile.require_generations()
    current = generation.current_generation(profile.file)
    numbers = generation.generations(profile.file)
    notes = read_notes(profile.file)
    if patterns:
        numbers = meant_generations(profile, patterns, notes, older=False)
        if not numbers:
            return 1
    if as_json:
        found = [
            _generation_data(profile, number, current) | notes.get(number, Note())._asdict()
            for number in numbers
        ]
        print_json(generations=found)
        return 0
    before: tuple[Entry, ...] | None = None
    for number in numbers:
        made = time.strftime("%b %d %Y %T", time.localtime(generation.generation_time(profile.file, number)))
        mark = f"\t{tr('(current)')}" if number == current else ""
        print(tr("Generation {number}\t{date}", number=number, date=made) + mark)
        _print_note(notes.get(number, Note()))
        entries = profile.manifest(number).entries
        if before is None:
            _print_rows("  ", entries)
        else:
            _print_rows(" + ", _missing(entries, before))
            _print_rows(" - ", _missing(before, entries))
        before = entries
        print()
    return 0


def _print_note(note: Note) -> None:
    if note.tags:
        print(f"  [{', '.join(note.tags)}]")
    for line in note.comment.splitlines():
        print(f"  # {line}")


def _missing(entries: Sequence[Entry], others: Sequence[Entry]) -> list[Entry]:
    """The entries that are not among the others."""
    rows = {_row(entry) for entry in others}
    return [entry for entry in entries if _row(entry) not in rows]


def _print_rows(lead: str, entries: Sequence[Entry]) -> None:
    for entry in entries:
        print(lead + "\t".join(_row(entry)))


def _generation_data(profile: Profile, number: int, current: int) -> dict[str, Any]:
    return {
        "number": number,
        "time": int(generation.generation_time(profile.file, number)),
        "current": number == current,
        "packages": [entry_data(entry) for entry in profile.manifest(number).entries],
    }


def print_own_profiles(session: Session, *, as_json: bool) -> None:
    names = [shown_name(session, file) for file in own_profiles(session)]
    if as_json:
        print_json(profiles=names)
        return
    for name in names:
        print(name)


def _settings(profile: Profile, manifest: Manifest | None = None) -> list[tuple[str, str | None, list[str]]]:
    """Variable, separator and places, under the profile's visible name; `manifest` if it is known already."""
    item = profile.current_item()
    if item is None:
        return []
    found = settings_of(item, [PATH, *(manifest or profile.current()).search_paths()])
    return [
        (variable, separator, [f"{profile.file}{place[len(item) :]}" for place in places])
        for variable, separator, places in found
    ]


def unset_variables(profile: Profile, manifest: Manifest | None = None) -> list[str]:
    """The variables through which nothing of the profile is found in this process's environment."""
    unset: list[str] = []
    for variable, separator, places in _settings(profile, manifest):
        value = os.environ.get(variable, "")
        present = {
            os.path.realpath(each) for each in (value.split(separator) if separator else [value]) if each
        }
        if not all(os.path.realpath(place) in present for place in places):
            unset.append(variable)
    return unset


def print_search_paths(profiles: Sequence[Profile], kind: str, *, as_json: bool) -> None:
    """`export` lines for all the profiles together: `exact`, or with what was set before at one end."""
    if kind not in ("exact", "prefix", "suffix"):
        raise UsageError(
            tr("{kind}: unsupported kind of search path", kind=kind), hint=tr("use exact, prefix or suffix")
        )
    merged: dict[str, tuple[str | None, list[str]]] = {}
    for profile in profiles:
        for variable, separator, places in _settings(profile):
            merged.setdefault(variable, (separator, []))[1].extend(places)
    if as_json:
        print_json(
            variables=[
                {"name": variable, "separator": separator, "values": list(dict.fromkeys(places))}
                for variable, (separator, places) in merged.items()
            ]
        )
        return
    for variable, (separator, places) in merged.items():
        quoted = [in_double_quotes(each) for each in dict.fromkeys(places)]
        value = quoted[0] if separator is None else separator.join(quoted)
        if separator is not None and kind == "prefix":
            value = f"{value}${{{variable}:+{separator}}}${variable}"
        elif separator is not None and kind == "suffix":
            value = f"${variable}${{{variable}:+{separator}}}{value}"
        print(f'export {variable}="{value}"')
