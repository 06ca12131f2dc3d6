"""`larix package`: look at profiles and the catalogue, and change a profile in one transaction."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli.building import BUILD_OPTIONS, DRY_RUN, EXPLAIN, LOAD_PATH, verbosity
from larix.cli.options import CommandLine, Grammar, Option, parse
from larix.cli.transformations import TRANSFORMATIONS, chosen_transformations

if TYPE_CHECKING:
    from larix.cli.profiles import Profile
    from larix.cli.session import Session

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "manage packages and profiles"
_EXPORTS = ("export-manifest", "export-channels")
VERBOSITY = 1

CHANGES = (
    Option("install", "i", "PACKAGE", "install PACKAGEs", optional=True, collects=True),
    Option("install-from-expression", "e", "EXP", "install the package that the Python expression EXP gives"),
    Option("install-from-file", "f", "FILE", "install the package that the Python file FILE gives"),
    Option("remove", "r", "PACKAGE", "remove PACKAGEs", optional=True, collects=True),
    Option("upgrade", "u", "REGEXP", "upgrade what matches, or everything", optional=True, collects=True),
    Option("do-not-upgrade", argument="REGEXP", help="but not what matches", optional=True, collects=True),
    Option("manifest", "m", "FILE", "make the profile hold what the Python file FILE lists"),
    Option("roll-back", help="go back to the previous generation"),
    Option("switch-generation", "S", "N", "switch to generation N, or by +N or -N, or to a tag"),
    Option("delete-generations", "d", "PATTERN", "delete old generations", optional=True, collects=True),
    Option("keep-last", argument="N", help="of what `-d' means, spare the N latest generations"),
    Option("keep-tagged", help="and those that have a tag, without a warning"),
    Option("older-than", argument="DURATION", help="and those that are not older"),
    Option("tag", argument="[N=]TAG", help="give generation N, or the current one, a name; none: take all"),
    Option("comment", argument="[N=]TEXT", help="note TEXT with generation N, or the current one"),
    Option("allow-collisions", help="do not treat collisions as errors"),
    EXPLAIN,
    Option("profile", "p", "PROFILE", "use PROFILE instead of the user's own one"),
    Option("lock-wait", argument="SECONDS", help="wait no longer for another process; 0: not at all"),
)
QUERIES = (
    Option("search", "s", "REGEXP", "search names, synopses and descriptions"),
    Option("show", argument="PACKAGE", help="show details about PACKAGE"),
    Option("list-available", "A", "REGEXP", "list packages of the catalogue", optional=True, collects=True),
    Option("list-installed", "I", "REGEXP", "list installed packages", optional=True, collects=True),
    Option("list-generations", "l", "PATTERN", "list generations", optional=True, collects=True),
    Option("diff", "", "N", "what changed from generation N to another", optional=True, collects=True),
    Option("export-manifest", help="print a manifest that gives what the profile holds"),
    Option("export-channels", help="print where the packages of the profile were defined"),
    Option(
        "search-paths",
        argument="KIND",
        help="exact, prefix or suffix shell settings",
        optional=True,
        choices=("exact", "prefix", "suffix"),
    ),
    Option("list-profiles", help="list the user's profiles"),
    Option("json", help="print the result of a query, or what is done to the profile, as JSON"),
)
GRAMMAR = Grammar(
    "package",
    "package [OPTION]...",
    "Install, remove or upgrade packages in one transaction.",
    (
        ("", CHANGES),
        ("Queries:", QUERIES),
        ("Building:", (DRY_RUN, LOAD_PATH, *BUILD_OPTIONS)),
        ("", TRANSFORMATIONS),
    ),
    build_options_from_environment=True,
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    line.no_operands()
    chosen_transformations(line)
    _check(line)
    answered = _answer_from_catalogue(line)
    if answered is not None:
        return answered
    from larix.cli.session import open_session

    with closing(open_session(verbosity=verbosity(line, VERBOSITY))) as session:
        answered = _answer_from_profiles(line, session)
        if answered is not None:
            return answered
        from larix.cli.switching import change_profile

        return change_profile(session, line, default_verbosity=VERBOSITY)


def _check(line: CommandLine) -> None:
    """Refuse what cannot be meant before anything is opened."""
    if line.has("tag"):
        from larix.cli.labels import check_labels

        check_labels(line)
    if any(line.has(name) for name in ("keep-last", "keep-tagged", "older-than")):
        from larix.cli.retention import check_policies

        check_policies(line)


def _answer_from_catalogue(line: CommandLine) -> int | None:
    """The queries that need no store."""
    if not any(line.has(name) for name in ("search", "show", "list-available")):
        return None
    from larix.cli import records
    from larix.cli.catalogues import open_catalogue, package_folders

    catalogue = open_catalogue(package_folders(line.values("load-path")))
    as_json = line.has("json")
    if line.has("list-available"):
        records.list_available(catalogue, line.values("list-available"), as_json=as_json)
    if line.has("search"):
        records.search(catalogue, line.values("search"), as_json=as_json)
    if line.has("show"):
        records.show(catalogue, line.values("show"), as_json=as_json)
    return 0


def _answer_from_profiles(line: CommandLine, session: Session) -> int | None:
    queries = ("list-installed", "list-generations", "diff", *_EXPORTS, "search-paths", "list-profiles")
    if not any(line.has(name) for name in queries):
        return None
    from larix.cli import listing

    as_json = line.has("json")
    profiles = chosen_profiles(line, session)
    if line.has("list-installed"):
        listing.list_installed(profiles, line.values("list-installed"), as_json=as_json)
        return 0
    if line.has("list-generations"):
        patterns = [each for each in line.values("list-generations") if each]
        return listing.list_generations(profiles[-1], patterns, as_json=as_json)
    if line.has("diff"):
        from larix.cli.differences import print_difference

        return print_difference(profiles[-1], line.values("diff"), as_json=as_json)
    if any(line.has(name) for name in _EXPORTS):
        from larix.cli import exporting

        for profile in profiles if line.has("profile") else ():
            profile.require()
        if line.has("export-manifest"):
            return exporting.print_manifest(profiles, line.values("load-path"), as_json=as_json)
        return exporting.print_channels(profiles, as_json=as_json)
    if line.has("search-paths"):
        listing.print_search_paths(profiles, line.last("search-paths") or "exact", as_json=as_json)
        return 0
    listing.print_own_profiles(session, as_json=as_json)
    return 0


def chosen_profiles(line: CommandLine, session: Session) -> list[Profile]:
    from larix.cli.profiles import default_profile, named_profile

    names = line.values("profile")
    return [named_profile(session, name) for name in names] or [default_profile(session)]
