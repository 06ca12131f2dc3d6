"""`larix replay DEPLOYMENT`: make a sealed profile again, and tell if it came out the same to the bit."""

from __future__ import annotations

from contextlib import closing

from larix.cli.building import BUILD_OPTIONS, DRY_RUN, LOAD_PATH, verbosity
from larix.cli.options import Grammar, Option, UsageError, parse
from larix.words import tr

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "main"
SYNOPSIS = "make a sealed profile again, the same to the bit"
VERBOSITY = 1

OPTIONS = (
    Option("profile", "p", "PROFILE", "make it the next generation of PROFILE, not of the user's own one"),
    Option("check-contents", help="read all items from the disk to compare them"),
    Option("accept-differences", help="do so even if it is not the same"),
    Option("tag", argument="TAG", help="give the generation a name"),
    Option("comment", argument="TEXT", help="note TEXT with the generation"),
    Option("lock-wait", argument="SECONDS", help="wait no longer for another process; 0: not at all"),
    Option("json", help="print the result as JSON"),
)
GRAMMAR = Grammar(
    "replay",
    "replay [OPTION]... DEPLOYMENT",
    "Make the profile that `larix seal' recorded in the file DEPLOYMENT again, and compare it bit for bit.",
    (("", OPTIONS), ("Building:", (DRY_RUN, LOAD_PATH, *BUILD_OPTIONS))),
    build_options_from_environment=True,
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    if len(line.operands) != 1:
        raise UsageError(
            tr("{word}: extraneous argument", word=line.operands[1])
            if line.operands
            else tr("missing argument: no deployment given")
        )
    if line.has("tag"):
        from larix.cli.labels import check_labels

        check_labels(line)
    from larix.cli.replaying import read_deployment, replay
    from larix.cli.session import open_session

    deployment = read_deployment(line.operands[0])
    with closing(open_session(verbosity=verbosity(line, VERBOSITY))) as session:
        return replay(session, deployment, line, default_verbosity=VERBOSITY)
