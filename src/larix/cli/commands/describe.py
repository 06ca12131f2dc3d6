"""`larix describe`: which commits the larix that runs, or the packages of a profile, come from."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import larix
from larix.cli import diagnostics
from larix.cli.building import LOAD_PATH
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from larix.cli.profiles import Profile

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "tell which commits larix and packages come from"
FORMATS = ("human", "channels", "channels-sans-intro", "json", "recutils")
OPTIONS = (
    Option("format", "f", "FORMAT", "how to print; `human' by default", choices=FORMATS),
    Option("list-formats", help="list the formats"),
    Option("profile", "p", "PROFILE", "describe the current generation of PROFILE"),
    LOAD_PATH,
    Option("json", help="print JSON in the manner of other commands"),
)
GRAMMAR = Grammar(
    "describe",
    "describe [OPTION]...",
    "Tell of which commits the larix that runs and the folders of packages are, or what a profile came from.",
    (("", OPTIONS),),
)


class NoOrigin(LarixError):
    """Where something comes from is not known."""


class Origins(NamedTuple):
    """`channels` have at least a name; those without a commit could not be captured.

    `generation` is a number and a time, and whether it is current; None for what is none, as an item.
    """

    channels: list[dict[str, Any]]
    generation: tuple[int, float, bool] | None = None
    is_larix: bool = False  # the first channel is that of the larix that runs


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    line.no_operands()
    if line.has("list-formats"):
        return _list_formats(as_json=line.has("json"))
    chosen = line.last("format") or "human"
    if chosen not in FORMATS:
        hint = diagnostics.did_you_mean(chosen, FORMATS) or tr("there are: {names}", names=", ".join(FORMATS))
        raise UsageError(tr("{format}: unsupported output format", format=chosen), hint=hint)
    profile = line.last("profile")
    origins = _of_profile(profile) if profile is not None else _of_larix(line)
    if line.has("json"):
        _print_json(origins)
    else:
        print("\n".join(_lines(origins, chosen)))
    return 0


def _list_formats(*, as_json: bool) -> int:
    if as_json:
        from larix.cli.tables import print_json

        print_json(formats=list(FORMATS))
        return 0
    print(tr("The available formats are:") + "\n")
    for name in FORMATS:
        print(f"  - {name}")
    return 0


def _of_profile(name: str) -> Origins:
    """From what entries of the profile have noted of themselves."""
    from larix.cli.profiles import named_profile
    from larix.cli.session import open_session
    from larix.profiles.manifest import PROVENANCE

    with closing(open_session()) as session:
        profile = named_profile(session, name)
        profile.require()
        found = _generation(profile)
        entries = profile.current().entries
    records = [each for entry in reversed(entries) for each in dict(entry.properties).get(PROVENANCE, [])]
    if not records:
        raise NoOrigin(
            tr("failed to determine origin"),
            hint=tr("nothing in '{profile}' tells where its packages were defined", profile=name),
        )
    return Origins(_merged(records), found)


def _generation(profile: Profile) -> tuple[int, float, bool] | None:
    """The number, time and currency of what is described."""
    from larix.cli.profiles import profile_of_link
    from larix.profiles import generation

    if profile.fixed is None:
        number = generation.current_generation(profile.file)
        return number, generation.generation_time(profile.file, number), True
    whole = profile_of_link(profile.file)
    if whole is None or not os.path.islink(whole):
        return None
    number = int(profile.file.split("-")[-2])
    return number, generation.generation_time(whole, number), generation.current_generation(whole) == number


def _of_larix(line: CommandLine) -> Origins:
    """The checkout that runs, and those that folders of packages are in."""
    from larix.cli.catalogues import open_catalogue, package_folders
    from larix.cli.provenance import describe_folder

    own = os.path.dirname(os.path.abspath(larix.__file__))
    folders = [os.path.realpath(each) for each in package_folders(line.values("load-path"))]
    tops = [os.path.realpath(each) for each in open_catalogue(folders).tops]
    described = [_with_place(describe_folder(each), each) for each in dict.fromkeys([own, *tops])]
    if "commit" not in described[0]:
        raise NoOrigin(
            tr("failed to determine origin"),
            hint=tr(
                "larix {version} in '{folder}' is in no Git checkout", version=larix.__version__, folder=own
            ),
        )
    for record in described:
        if "commit" not in record:
            folder = record["folder"]
            diagnostics.warning(tr("the packages in '{folder}' are in no Git checkout", folder=folder))
    return Origins(_merged(described), is_larix=True)


def _with_place(record: dict[str, Any], folder: str) -> dict[str, Any]:
    """The repository's place on this machine stands for the address of one that has none."""
    path = record.get("path", "")
    top = folder.removesuffix(f"/{path}") if path else folder
    known = {**record, "folder": folder}
    return known if known.get("url") or "commit" not in known else known | {"url": top}


def _merged(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Folders of one commit of one repository are one channel, called as the first of them."""
    found: dict[object, dict[str, Any]] = {}
    for record in records:
        key = (record.get("url"), record["commit"]) if "commit" in record else repr(record)
        known = found.setdefault(key, {"name": record["channel"], **record, "paths": []})
        known["paths"].append(record.get("path", ""))
        if record.get("dirty"):
            known["dirty"] = True
        if "commit" in known and not known.get("dirty"):
            known.pop("hash", None)  # of one folder, and the commit tells more
    return list(found.values())


def _lines(origins: Origins, chosen: str) -> Iterator[str]:
    if chosen == "human":
        return _human(origins)
    if chosen == "recutils":
        return _recutils(origins.channels)
    if chosen == "json":
        fields = ("name", "url", "branch", "commit")
        listed = [{field: each[field] for field in fields if field in each} for each in origins.channels]
        return iter([json.dumps(listed, indent=2)])
    return _channels(origins.channels)


def _human(origins: Origins) -> Iterator[str]:
    channels = list(origins.channels)
    if origins.generation is not None:
        number, made, is_current = origins.generation
        moment = time.strftime("%b %d %Y %T", time.localtime(made))
        mark = f"\t{tr('(current)')}" if is_current else ""
        yield f"{tr('Generation {number}', number=number)}\t{moment}{mark}"
    elif origins.is_larix:
        first = channels.pop(0)
        yield tr("Git checkout:")
        yield f"  {tr('repository')}: {first['url']}"
        yield from (f"  {label}: {value}" for label, value in _named(first))
    for each in channels:
        yield f"  {each['name']} {each.get('commit', '')[:7]}".rstrip()
        if "commit" not in each:
            yield f"    {tr('no commit; the content has the hash')} {each.get('hash', '')}"
            continue
        if each.get("url"):
            yield f"    {tr('repository URL')}: {each['url']}"
        yield from (f"    {label}: {value}" for label, value in _named(each))


def _named(channel: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "branch" in channel:
        yield tr("branch"), channel["branch"]
    yield tr("commit"), channel["commit"]
    if channel.get("dirty"):
        yield tr("changes"), tr("there are files that differ from the commit")


def _recutils(channels: Sequence[dict[str, Any]]) -> Iterator[str]:
    for number, each in enumerate(channels):
        if number:
            yield ""
        yield f"name: {each['name']}"
        yield from (f"{field}: {each[field]}" for field in ("url", "branch", "commit") if field in each)


def _channels(channels: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A Python file of channels; what is not captured is a comment in it."""
    yield "channels = ["
    for each in channels:
        name = each["name"]
        if "commit" not in each:
            yield f"    # {name}: no commit; its content has the hash {each.get('hash', 'unknown')}"
            continue
        if each.get("dirty"):
            yield f"    # {name}: with changes that are not in the commit"
        known = {field: each[field] for field in ("name", "url", "branch", "commit") if field in each}
        yield f"    {json.dumps(known)},"
    yield "]"


def _print_json(origins: Origins) -> None:
    from larix.cli.tables import print_json

    fields = ("name", "url", "branch", "commit", "paths", "dirty", "hash")
    listed = [{field: each[field] for field in fields if field in each} for each in origins.channels]
    if origins.generation is None:
        print_json(channels=listed)
        return
    number, made, _ = origins.generation
    print_json(generation={"number": number, "time": int(made)}, channels=listed)
