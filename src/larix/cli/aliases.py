"""Commands that are one option of `larix package`: their operands become that option's."""

from __future__ import annotations

from contextlib import closing

from larix.cli.building import BUILD_OPTIONS, DRY_RUN, EXPLAIN, LOAD_PATH, verbosity
from larix.cli.options import CommandLine, Grammar, Option, Token, parse
from larix.cli.transformations import TRANSFORMATIONS, chosen_transformations

__all__ = ["change"]

_VERBOSITY = 1
_PROFILE = (
    Option("profile", "p", "PROFILE", "use PROFILE instead of the user's own one"),
    Option("lock-wait", argument="SECONDS", help="wait no longer for another process; 0: not at all"),
    Option("allow-collisions", help="do not treat collisions as errors"),
    Option("tag", argument="TAG", help="give the generation that is made a name"),
    Option("comment", argument="TEXT", help="note TEXT with the generation that is made"),
    Option("json", help="print what is done to the profile as JSON"),
)
_SPARE = Option(
    "do-not-upgrade", argument="REGEXP", help="but not what matches", optional=True, collects=True
)


def change(name: str, usage: str, summary: str, arguments: list[str]) -> int:
    """Run `larix NAME` with operands that mean what the option NAME of `package` does, as a transaction."""
    own = (*_PROFILE, _SPARE) if name == "upgrade" else _PROFILE
    own = own if name == "remove" else (*own, EXPLAIN)
    transformations = () if name == "remove" else TRANSFORMATIONS
    grammar = Grammar(
        name,
        usage,
        summary,
        (("", own), ("Building:", (DRY_RUN, LOAD_PATH, *BUILD_OPTIONS)), ("", transformations)),
        build_options_from_environment=True,
    )
    line = parse(grammar, arguments)
    chosen_transformations(line)
    if line.has("tag"):
        from larix.cli.labels import check_labels

        check_labels(line)
    tokens = [Token(name if token.name == "" else token.name, token.value) for token in line.tokens]
    from larix.cli.session import open_session
    from larix.cli.switching import change_profile

    with closing(open_session(verbosity=verbosity(line, _VERBOSITY))) as session:
        return change_profile(
            session, CommandLine([Token(name, None), *tokens], None), default_verbosity=_VERBOSITY
        )
