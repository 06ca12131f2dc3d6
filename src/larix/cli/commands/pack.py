"""`larix pack`: packages and all they need, in a form that is of use where there is no larix."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli.building import BUILD_OPTIONS, DRY_RUN, LOAD_PATH, build_options, realise, tell_work, work_for
from larix.cli.options import CommandLine, Grammar, Option, describe_options, parse
from larix.cli.transformations import TRANSFORMATIONS, chosen_transformations
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.building import Work
    from larix.cli.packing import Pack
    from larix.cli.session import Session

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "create application bundles"
VERBOSITY = 1

# Written again here, for help and completion load nothing that packs.
FORMAT_NAMES = ("tarball", "docker", "oci", "oci-dir", "squashfs", "rpm", "deb")
COMPRESSORS = ("gzip", "zstd", "xz", "bzip2", "lzip", "none")
OPTIONS = (
    Option("format", "f", "FORMAT", "make a pack of FORMAT", choices=FORMAT_NAMES),
    Option("list-formats", help="list the formats that there are"),
    Option(
        "compression",
        "C",
        "TOOL",
        "compress with TOOL: gzip, zstd, xz, bzip2, lzip or none",
        choices=COMPRESSORS,
    ),
    Option("symlink", "S", "SOURCE=TARGET", "add a link SOURCE to the file TARGET of the profile"),
    Option("relocatable", "R", help="let programs run from any folder; -RR: even without namespaces"),
    Option("entry-point", argument="PROGRAM", help="run PROGRAM of the profile when the image is run"),
    Option("entry-point-argument", "A", "WORD", "give it WORD first"),
    Option("max-layers", argument="N", help="divide an image into at most N layers"),
    Option("save-provenance", help="tell in the pack which commits of the catalogue it is from"),
    Option("localstatedir", help="add a store's database and the profile's links"),
    Option("profile-name", argument="NAME", help="call that profile NAME"),
    Option("expression", "e", "EXPR", "add the package that the Python expression EXPR gives"),
    Option("file", argument="FILE", help="add the package that the Python file FILE gives"),
    Option("manifest", "m", "FILE", "pack what the Python file FILE lists as `manifest`"),
    Option("system", "s", "SYSTEM", "build as on SYSTEM, such as x86_64-linux"),
    Option("target", argument="TRIPLET", help="cross-build for TRIPLET, such as aarch64-linux-gnu"),
    Option("derivation", "d", help="print the derivation's file name, build nothing"),
    Option("root", "r", "FILE", "make FILE a link to the pack, and a root of the garbage collector"),
    Option("json", help="print the result, or the plan of a dry run, as JSON"),
    Option(
        "bootstrap", help="for those used to other tools: larix makes packs by itself anyway", hidden=True
    ),
)
IMAGE_OPTIONS = (
    Option("image-tag", argument="NAME", help="call the image NAME, instead of after its packages"),
)
DEB_OPTIONS = (
    Option("control-file", argument="FILE", help="take fields of the package from FILE"),
    Option("postinst-file", argument="FILE", help="run the script FILE when the package is installed"),
    Option("triggers-file", argument="FILE", help="take the triggers of the package from FILE"),
)
RPM_OPTIONS = (
    Option("prein-file", argument="FILE", help="run the script FILE before the package is installed"),
    Option("postin-file", argument="FILE", help="run the script FILE when the package is installed"),
    Option("preun-file", argument="FILE", help="run the script FILE before the package is removed"),
    Option("postun-file", argument="FILE", help="run the script FILE when the package is removed"),
)
FORMAT_OPTIONS = {"docker": IMAGE_OPTIONS, "deb": DEB_OPTIONS, "rpm": RPM_OPTIONS}
HELP = tuple(
    Option(f"help-{name}-format", help=f"list the options of the format {name}") for name in FORMAT_OPTIONS
)
HIDDEN = tuple(option._replace(hidden=True) for options in FORMAT_OPTIONS.values() for option in options)
GRAMMAR = Grammar(
    "pack",
    "pack [OPTION]... PACKAGE...",
    "Create a pack of the PACKAGEs and all they need, and print where it is.",
    (
        ("", (*OPTIONS, *HELP, *HIDDEN)),
        ("Building:", (DRY_RUN, LOAD_PATH, *BUILD_OPTIONS)),
        ("", TRANSFORMATIONS),
    ),
    build_options_from_environment=True,
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    chosen_transformations(line)
    for name, options in FORMAT_OPTIONS.items():
        if line.has(f"help-{name}-format"):
            print("\n".join(describe_options(options)))
            return 0
    if line.has("list-formats"):
        return _list_formats(as_json=line.has("json"))
    from larix.cli.collisions import tell_collisions
    from larix.cli.packing import check_options, make_pack
    from larix.cli.root_links import make_root_links
    from larix.cli.session import open_session
    from larix.protocol import BuildTarget

    check_options(line)
    build = build_options(line, default_verbosity=VERBOSITY)
    with closing(open_session(verbosity=build.verbosity)) as session:
        if line.has("root"):
            session.require_this_machine()
        pack = make_pack(session, line, build)
        session.store.instantiate([pack.lowered])
        path = pack.lowered.output_path()
        if line.has("derivation"):
            _print(line, session, pack.lowered.path, derivation=pack.lowered.path)
            return 0
        target = BuildTarget(pack.lowered.path)
        work = work_for(session, [target, *(pack.grafts.needed if pack.grafts is not None else ())])
        if line.has("dry-run"):
            return _print_plan(line, pack, work, build.verbosity)
        if len(work):
            if build.verbosity >= 1:
                tell_work(work, dry_run=False, verbosity=build.verbosity)
            realise(session, [target], build, work)
        for lowered, _ in pack.lowered.inputs:  # of which the profile alone can have noted any
            tell_collisions(lowered.output_path())
        make_root_links(session, line.last("root"), [path])
        _print(line, session, path, derivation=pack.lowered.path)
    return 0


def _list_formats(*, as_json: bool) -> int:
    from larix.pack.options import FORMATS

    if as_json:
        from larix.cli.tables import print_json

        rows = [
            {"name": name, "description": each.description, "compressors": list(each.compressors)}
            for name, each in FORMATS.items()
        ]
        print_json(formats=rows)
        return 0
    print(tr("The supported formats for `larix pack' are:") + "\n")
    for name, each in FORMATS.items():
        print(f"  {name:<12}  {tr(each.description)}")
    return 0


def _print_plan(line: CommandLine, pack: Pack, work: Work, verbosity: int) -> int:
    pending = pack.grafts.pending if pack.grafts is not None else ()
    if line.has("json"):
        from larix.cli.tables import print_json

        print_json(
            **work.data(),
            replacements=[{"from": old, "to": new} for old, new in pending],
            results=[pack.lowered.output_path()],
        )
        return 0
    tell_work(work, dry_run=True, verbosity=verbosity)
    if pending:
        from larix.cli.grafting import tell_pending

        tell_pending(pending)
    return 0


def _print(line: CommandLine, session: Session, path: str, *, derivation: str) -> None:
    """Where the user's shell finds it: a pack is for programs that know nothing of a store of larix's."""
    if line.has("json"):
        from larix.cli.tables import print_json

        print_json(results=[{"derivation": derivation, "path": path, "file": session.on_host(path)}])
    else:
        print(session.on_host(path))
