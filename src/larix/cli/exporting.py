"""What a profile holds as a file that makes it again: its packages by name, and where those were defined.

A manifest is symbolic. It names packages, by as much of their version as tells them from others of the same
catalogue, and what they are built from is up to the catalogue it is used with. What is exact is written by
`larix seal`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from larix.cli import diagnostics
from larix.cli.catalogues import open_catalogue, package_folders
from larix.errors import LarixError
from larix.packages.specification import Specification
from larix.packages.versions import version_key, version_matches
from larix.profiles.manifest import PROVENANCE
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from larix.cli.profiles import Profile
    from larix.packages.catalogue import Catalogue
    from larix.profiles.manifest import Entry

__all__ = ["NoProvenance", "print_channels", "print_manifest", "specification_of"]

_HEAD = """\
# For `larix package -m FILE`: the profile will hold what is listed, as the catalogue has it then.
# To have the very same builds again, keep what `larix seal` prints of the profile.
"""


class NoProvenance(LarixError):
    """Nothing tells where the packages of the profile were defined."""


def print_manifest(profiles: Sequence[Profile], load_path: list[str], *, as_json: bool) -> int:
    """The packages of all the profiles, those of one name and output once."""
    catalogue = open_catalogue(package_folders(load_path))
    entries = {entry.key: entry for profile in profiles for entry in profile.current().entries}
    if as_json:
        from larix.cli.tables import print_json

        print_json(packages=[_manifest_data(catalogue, entry) for entry in entries.values()])
        return 0
    lines = [line for entry in entries.values() for line in _manifest_lines(catalogue, entry)]
    needs_import = any("transformed(" in line for line in lines)
    head = [_HEAD] + (["from larix.packages import transformed\n"] if needs_import else [])
    print("\n".join([*head, "manifest = [", *lines, "]"]))
    return 0


def _manifest_data(catalogue: Catalogue, entry: Entry) -> dict[str, Any]:
    """An entry as the manifest has it; no specification if the catalogue has no package of its name."""
    options: list[list[str]] = dict(entry.properties).get("transformations", [])
    data: dict[str, Any] = {"name": entry.name, "version": entry.version, "output": entry.output}
    is_known = bool(catalogue.named(entry.name))
    wanted = specification_of(catalogue, entry, is_transformed=bool(options)) if is_known else None
    return data | {"specification": None if wanted is None else str(wanted), "transformations": options}


def _manifest_lines(catalogue: Catalogue, entry: Entry) -> Iterator[str]:
    name = f"{entry.name}@{entry.version}"
    if not catalogue.named(entry.name):
        diagnostics.warning(tr("package '{name}' is not in the catalogue and left out", name=name))
        yield f"    # {name}, {entry.path}: no package of the catalogue is called so"
        return
    properties = dict(entry.properties)
    options: list[list[str]] = properties.get("transformations", [])
    specification = specification_of(catalogue, entry, is_transformed=bool(options))
    if specification.version == entry.version and not options and not _has(catalogue, entry):
        yield f"    # the catalogue has no {name}"
    if not options:
        yield f"    {json.dumps(str(specification))},"
        return
    words = [json.dumps(str(specification)), *(json.dumps("--" + "=".join(each)) for each in options)]
    sources: dict[str, Any] = properties.get("trusted-sources", {})
    if sources:
        words.append(f"sources={sources!r}")
    yield f"    transformed({', '.join(words)}),"


def specification_of(catalogue: Catalogue, entry: Entry, *, is_transformed: bool) -> Specification:
    """The shortest specification that picks the entry's version and output.

    The version of a transformed package may be no one's else: without one in the catalogue, the name must do.
    """
    versions = sorted((each.version for each in catalogue.named(entry.name)), key=version_key, reverse=True)
    version: str | None = None
    if entry.version in versions:
        if versions[0] != entry.version:
            version = next(
                prefix
                for prefix in _prefixes(entry.version)
                if next(each for each in versions if version_matches(each, prefix)) == entry.version
            )
    elif not is_transformed:
        version = entry.version
    main = catalogue.load(catalogue.named(entry.name)[0]).main_output
    return Specification(entry.name, version, None if entry.output == main else entry.output)


def _prefixes(version: str) -> Iterator[str]:
    """What ends before a dot, from short to long, and the whole."""
    parts = version.split(".")
    return (".".join(parts[: count + 1]) for count in range(len(parts)))


def _has(catalogue: Catalogue, entry: Entry) -> bool:
    return any(each.version == entry.version for each in catalogue.named(entry.name))


def print_channels(profiles: Sequence[Profile], *, as_json: bool) -> int:
    """The folders that packages came from, each channel once, with the commit that was used last."""
    entries = [entry for profile in profiles for entry in profile.current().entries]
    records = [record for entry in reversed(entries) for record in dict(entry.properties).get(PROVENANCE, [])]
    distinct = list({repr(record): record for record in records}.values())
    if not distinct:
        raise NoProvenance(tr("no provenance information for this profile"))
    if as_json:
        from larix.cli.listing import origin_data
        from larix.cli.tables import print_json

        print_json(channels=[origin_data(record) for record in distinct])
        return 0
    print("# Where the packages of the profile were defined.\n")
    print("channels = [")
    for line in _channel_lines(distinct):
        print(line)
    print("]")
    return 0


def _channel_lines(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    seen: set[str] = set()
    for record in records:
        name = record["channel"]
        known = {"name": name} | {
            field: record[field] for field in ("url", "branch", "commit", "path") if field in record
        }
        if "commit" not in known:
            yield f"    # {name}: no commit; its content has the hash {record['hash']}"
            continue
        if name in seen:
            yield f"    # {name}: also commit {known['commit']}"
            continue
        seen.add(name)
        if record.get("dirty"):
            yield f"    # {name}: with changes that are not in the commit; content {record['hash']}"
        yield f"    {json.dumps(known)},"
