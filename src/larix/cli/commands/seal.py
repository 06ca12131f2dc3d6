"""`larix seal PROFILE`: print the record from which a profile is made again, the same to the bit."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.profiles import Profile
    from larix.cli.session import Session
    from larix.profiles.deployment import Deployment

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "print a sealed record of what a profile holds"

OPTIONS = (
    Option("generation", "g", "N", "seal generation N, or the one with this tag, not the current one"),
    Option("json", help="print JSON, which is what is printed in any case"),
)
GRAMMAR = Grammar(
    "seal",
    "seal [OPTION]... [PROFILE]",
    "Print the record of PROFILE, or of the user's own one, that `larix replay' makes the same from.",
    (("", OPTIONS),),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    if len(line.operands) > 1:
        raise UsageError(tr("{word}: extraneous argument", word=line.operands[1]))
    from larix.cli.profiles import default_profile, named_profile
    from larix.cli.session import open_session
    from larix.profiles.deployment import print_deployment

    with closing(open_session()) as session:
        operands = line.operands
        profile = named_profile(session, operands[0]) if operands else default_profile(session)
        deployment = _sealed(session, profile, line)
        _warn(deployment)
        print(print_deployment(deployment), end="")
    return 0


def _sealed(session: Session, profile: Profile, line: CommandLine) -> Deployment:
    from larix.cli.profiles import read_item_manifest
    from larix.cli.switching import generation_named
    from larix.packages.platform import host_system
    from larix.profiles import generation
    from larix.profiles.deployment import seal_profile

    profile.require()
    wanted = line.last("generation")
    if wanted is not None:
        profile.require_generations()
        number = generation_named(profile, wanted)
        item = None if number is None else profile.item(number)
    else:
        item = profile.current_item()
    if item is None:
        raise profile.lacks(wanted or generation.current_generation(profile.file))
    store = session.store
    closure = store.path_infos(store.closure([item])).values()
    return seal_profile(
        item, read_item_manifest(item), closure, store_dir=store.store_dir, system=host_system()
    )


def _warn(deployment: Deployment) -> None:
    """What will make it hard to replay."""
    from larix.cli import diagnostics
    from larix.profiles.manifest import PROVENANCE

    for entry in deployment.manifest.entries:
        if not dict(entry.properties).get(PROVENANCE):
            diagnostics.warning(
                tr(
                    "nothing tells where {name}@{version} was defined: it is sealed by its contents alone",
                    name=entry.name,
                    version=entry.version,
                )
            )
    for record in deployment.catalogues:
        if record.get("dirty"):
            diagnostics.warning(
                tr(
                    "the catalogue {name} had changes that are not in commit {commit}",
                    name=record["channel"],
                    commit=record["commit"],
                )
            )
