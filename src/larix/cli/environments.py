"""What `shell` and `environment` share: a profile that no generation keeps, and becoming a program in it.

What is wanted is a list in the order of the command line; what it gives is a profile, made or found in the
cache. Then its settings are printed, checked, or a program is started with them: here, or in a container.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from larix.cli import diagnostics
from larix.cli.building import BUILD_OPTIONS, DRY_RUN, LOAD_PATH, build_options, tell_work
from larix.cli.options import CommandLine, Option, UsageError
from larix.cli.transformations import TRANSFORMATIONS, chosen_transformations
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.session import Session
    from larix.cli.wanted import Wanted
    from larix.packages.search_paths import SearchPath
    from larix.profiles.manifest import Entry

__all__ = [
    "COMMON_GROUPS",
    "FILE",
    "SETTINGS",
    "Environment",
    "Wish",
    "enter",
]

VERBOSITY = 1
_KINDS = {"": "install", "expression": "install-from-expression", "file": "install-from-file"}

SETTINGS = (
    Option("expression", "e", "EXPR", "use the package that the Python expression EXPR gives"),
    Option("manifest", "m", "FILE", "use the packages that the Python file FILE lists"),
    Option("profile", "p", "PROFILE", "use the packages of PROFILE"),
    Option("pure", help="clear the other variables of the environment"),
    Option("preserve", "E", "REGEXP", "but keep those that match"),
    Option("search-paths", help="print the settings, start nothing"),
    Option("check", help="start your shell and tell which of the settings it changes"),
    Option("root", "r", "FILE", "make FILE a link to the profile, which the collector then keeps"),
    Option("rebuild-cache", help="make the profile anew, whatever the cache holds"),
    Option("system", "s", "SYSTEM", "for SYSTEM, such as x86_64-linux"),
    Option("target", argument="TRIPLET", help="with packages cross-built for TRIPLET"),
    Option("json", help="print the settings, or the plan of a dry run, as JSON"),
)
FILE = Option("file", "f", "FILE", "use the package that the Python file FILE gives")
IN_CONTAINER = (
    Option("container", "C", help="run in a container, which holds the packages and this directory"),
    Option("network", "N", help="let it use the host's network"),
    Option("expose", argument="SRC[=DST]", help="show the host's file or directory SRC, as DST"),
    Option("share", argument="SRC[=DST]", help="the same, and let it be written to"),
    Option("no-cwd", help="do not show the current directory"),
    Option("writable-root", help="let `/' be written to, in memory"),
    Option("user", "u", "USER", "be called USER, with a home of that name"),
    Option("symlink", "S", "SPEC", "make a link: SPEC is NAME=FILE-OF-THE-PROFILE"),
    Option("link-profile", "P", help="make ~/.larix-profile a link to the profile"),
    Option("emulate-fhs", "F", help="have /bin, /lib and /usr as other systems do"),
    Option("nesting", "W", help="let larix be used in it"),
)
COMMON_GROUPS = (
    ("In a container:", IN_CONTAINER),
    ("Building:", (DRY_RUN, LOAD_PATH, *BUILD_OPTIONS)),
    ("", TRANSFORMATIONS),
)


class Wish(NamedTuple):
    """One thing that is to be at hand: with `development`, what its build needs instead of itself.

    `kind` is `install`, `install-from-expression`, `install-from-file` or `manifest`.
    """

    kind: str
    text: str
    development: bool = False

    @classmethod
    def of_token(cls, name: str, text: str | None, *, development: bool) -> Wish | None:
        """The wish of a part of the command line; None for a part that is another matter."""
        if text is None:
            return None
        if name == "manifest":
            return cls("manifest", text)
        return cls(_KINDS[name], text, development) if name in _KINDS else None


class Environment(NamedTuple):
    """A valid profile, and the variables that its packages read."""

    item: str
    search_paths: list[SearchPath]


def enter(line: CommandLine, wishes: list[Wish]) -> int:
    """Do what the command line asks with the environment of the wishes; the exit code."""
    chosen_transformations(line)
    _check_line(line, wishes)
    from larix.cli.options import compile_expression
    from larix.cli.session import open_session

    if line.has("container"):
        from larix.cli.containers import check_container

        check_container(line)
    options = build_options(line, default_verbosity=VERBOSITY)
    preserve = [compile_expression(text) for text in line.values("preserve")]
    session = open_session(verbosity=options.verbosity)
    if line.has("root"):
        session.require_this_machine()
    environment = _existing(session, line) if line.has("profile") else _made(session, line, wishes)
    if environment is None:
        return 0
    if line.has("root"):
        from larix.cli.root_links import make_root_links
        from larix.formats.storepath import parse_store_path

        item = parse_store_path(session.layout.store_dir, environment.item)
        make_root_links(session, line.last("root"), [item])
    if line.has("search-paths"):
        _print_settings(environment, as_json=line.has("json"))
        return 0
    if line.has("container"):
        from larix.cli.containers import run_in_container

        return run_in_container(session, line, environment, preserve)
    from larix.cli.running import environment_with, run_program

    variables = environment_with(
        [environment.item], environment.search_paths, pure=line.has("pure"), preserve=preserve
    )
    variables["LARIX_ENVIRONMENT"] = environment.item
    if line.has("check"):
        from larix.cli.shell_check import check_shell

        return check_shell(variables)
    command = line.program or [os.environ.get("SHELL") or "/bin/sh"]
    return run_program(command[0], command[1:], variables)


def _check_line(line: CommandLine, wishes: list[Wish]) -> None:
    if line.has("profile") and wishes:
        raise UsageError(tr("'--profile' cannot be used with package options"))
    if not line.has("container"):
        for option in IN_CONTAINER:
            if line.has(option.name):
                raise UsageError(tr("'--{option}' cannot be used without '--container'", option=option.name))
    elif line.has("check"):
        diagnostics.warning(tr("'--check' is of no use with '--container': no start-up file is read there"))
    if line.program == []:
        raise UsageError(tr("missing argument: no command after `--'"))


def _existing(session: Session, line: CommandLine) -> Environment:
    from larix.cli.profiles import NoSuchProfile, named_profile

    profile = named_profile(session, line.last("profile") or "")
    profile.require()
    item = profile.current_item()
    if item is None:
        raise NoSuchProfile(tr("profile '{shown}' leads nowhere", shown=profile.shown))
    return Environment(item, profile.current().search_paths())


def _made(session: Session, line: CommandLine, wishes: list[Wish]) -> Environment | None:
    """The profile of the wishes, from the cache if it has it; None after a dry run."""
    from larix.cli.collisions import tell_collisions
    from larix.cli.environment_cache import cache_entry
    from larix.cli.profiles import read_item_manifest

    if not wishes:
        diagnostics.warning(tr("no packages specified; creating an empty environment"))
    cached = None if line.has("dry-run") else cache_entry(session, line, wishes)
    if cached is not None and not line.has("rebuild-cache"):
        item = cached.find()
        if item is not None:
            tell_collisions(item)
            return Environment(item, read_item_manifest(item).search_paths())
    made = make(session, line, wishes)
    if made is not None and cached is not None:
        cached.keep(session, made.item)
    return made


def make(session: Session, line: CommandLine, wishes: list[Wish]) -> Environment | None:
    """Build the profile of the wishes, or in a dry run tell what that would take."""
    from larix.cli.collisions import tell_collisions
    from larix.cli.making import make_profile, plan_profile, work_of
    from larix.cli.wanted import Wanted
    from larix.profiles.development import PROGRAMS
    from larix.profiles.manifest import Manifest
    from larix.profiles.transaction import check_collisions

    options = build_options(line, default_verbosity=VERBOSITY)
    dry_run = line.has("dry-run")
    wanted = Wanted(
        session,
        line.values("load-path"),
        chosen_transformations(line),
        system=line.last("system"),
        target=line.last("target"),
    )
    entries = {entry.key: entry for wish in wishes for entry in _entries(wanted, wish)}
    wanted.check()
    # Of two programs of one name the first counts; those of the toolchain are for want of others.
    made = sorted(entries.values(), key=lambda entry: entry.name == PROGRAMS)
    needed = []
    if not line.has("no-grafts"):
        made, grafts = wanted.grafted(made, options, dry_run=dry_run)
        needed = list(grafts.needed) if grafts is not None else []
    manifest = Manifest(tuple(made))
    check_collisions(manifest)
    making = plan_profile(session, manifest, wanted.items)
    work = work_of(session, making, needed)
    if dry_run and line.has("json"):
        from larix.cli.tables import print_json

        print_json(
            **work.data(),
            results=[making.item],
        )
        return None
    if dry_run:
        tell_work(work, dry_run=True, verbosity=options.verbosity)
        return None
    if len(work):
        if len(work) > 1:  # else there is the profile alone, a matter of a moment
            tell_work(work, dry_run=False, verbosity=options.verbosity)
        make_profile(session, making, options, work)
    else:
        tell_collisions(making.item)
    return Environment(making.item, manifest.search_paths())


def _entries(wanted: Wanted, wish: Wish) -> list[Entry]:
    if wish.kind == "manifest":
        return wanted.manifest_file(wish.text)
    if wish.development:
        return wanted.development(wish.kind, wish.text)
    return wanted.entries(wish.kind, wish.text)


def _print_settings(environment: Environment, *, as_json: bool) -> None:
    from larix.buildside.profile_settings import PATH, settings_of, shell_setting

    settings = settings_of(environment.item, [PATH, *environment.search_paths])
    if as_json:
        from larix.cli.tables import print_json

        print_json(
            variables=[dict(zip(("name", "separator", "values"), each, strict=True)) for each in settings]
        )
        return
    for setting in settings:
        print(shell_setting(*setting))
