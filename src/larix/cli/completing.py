"""What can come next on a command line, read off the option tables that the parser and `--help` use.

The shells' scripts (`completions/`) know no option and no command: with each key they ask `larix completion
--answer`, so that what they offer is what this larix has, extensions too. What an argument is, is told by its
word in the table: PACKAGE, FILE, SYSTEM and so on; `-r` of `package`, and `remove`, mean installed packages.

Nothing here fails: whoever presses a key did not ask for an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from larix.cli import registry
from larix.cli.options import Grammar, Option
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from larix.cli.profiles import Profile

__all__ = ["Answer", "Candidate", "answer", "words_of_line"]

_FILES = re.compile("FILE|PATH|ITEM|DERIVATION|PROFILE|OUTPUT|SRC|DEPLOYMENT|ONE|OTHER")
_INSTALLED = {"remove", "upgrade", "do-not-upgrade", "list-installed"}
_GENERATIONS = {"switch-generation", "delete-generations", "list-generations"}


class Candidate(NamedTuple):
    """A word, whole, and a few more that explain it."""

    word: str
    meaning: str = ""


class Answer(NamedTuple):
    """`kind` is "words", or what the shell itself completes behind `prefix`: "files" or "folders"."""

    kind: str
    candidates: tuple[Candidate, ...] = ()
    prefix: str = ""


NOTHING = Answer("words")


def answer(words: Sequence[str], *, explained: bool = True) -> Answer:
    """What the last of `words` may become; the first is larix. Only `explained` looks for meanings."""
    current = words[-1]
    if len(words) < 3:
        return _fitting(_commands(explained=explained), current)
    grammar = registry.grammar_of(words[1])
    if grammar is None:
        return Answer("files")
    line = _Line(grammar, words[1])
    for word in words[2:-1]:
        line.take(word)
    return line.answer(current)


def _fitting(candidates: Iterable[Candidate], current: str, prefix: str = "") -> Answer:
    found = (each for each in candidates if each.word.startswith(current))
    return Answer("words", tuple(Candidate(prefix + word, meaning) for word, meaning in found))


def _commands(*, explained: bool) -> list[Candidate]:
    listed = registry.synopses() if explained else [(name, "") for name in registry.all_names()]
    options = [
        ("--help", tr("show this help and exit")),
        ("--version", tr("show version information and exit")),
    ]
    return [Candidate(name, tr(synopsis)) for name, synopsis in [*listed, *options]]


class _Line:
    """A command line up to the word that is being completed."""

    def __init__(self, grammar: Grammar, command: str) -> None:
        self._grammar = grammar
        self._command = command
        self._options = grammar.options()
        self._long = {option.name: option for option in self._options}
        self._short = {letter: option for option in self._options for letter in option.short}
        self._wanting: Option | None = None
        self._collector: Option | None = None
        self._operands = 0
        self._over = False  # no options any more
        self._foreign = False  # another program's words
        self._values: dict[str, list[str]] = {}

    def take(self, word: str) -> None:
        if self._wanting is not None:
            self._values.setdefault(self._wanting.name, []).append(word)
            self._wanting = None
        elif self._over or not word.startswith("-") or word == "-":
            self._operands += 1
            if self._grammar.command_after_operand:
                self._over = self._foreign = True
        elif word == "--":
            self._over = True
            self._foreign = self._grammar.command_after_dashes
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            self._met(self._named(name), value if equals else None)
        else:
            self._take_short(word[1:])

    def _named(self, name: str) -> Option | None:
        known = self._long.get(name)
        fitting = [option for option in self._options if option.name.startswith(name)]
        return known or (fitting[0] if len(fitting) == 1 else None)

    def _take_short(self, letters: str) -> None:
        for index, letter in enumerate(letters):
            option = self._short.get(letter)
            rest = letters[index + 1 :]
            takes_rest = option is not None and option.argument and rest
            self._met(option, rest if takes_rest else None)
            if takes_rest:
                return

    def _met(self, option: Option | None, value: str | None) -> None:
        if option is None:
            return
        if value is not None:
            self._values.setdefault(option.name, []).append(value)
        elif option.argument and not option.optional:
            self._wanting = option
        if option.collects:
            self._collector = option

    def answer(self, current: str) -> Answer:
        if self._foreign:
            return Answer("files")
        if self._wanting is not None:
            return self._value(self._wanting, current)
        if current.startswith("--") and "=" in current and not self._over:
            name, _, value = current[2:].partition("=")
            option = self._named(name)
            return NOTHING if option is None else self._value(option, value, f"--{name}=")
        if current.startswith("-") and not self._over:
            return self._option_names(current)
        if self._collector is not None:
            return self._value(self._collector, current)
        return self._operand(current)

    def _option_names(self, current: str) -> Answer:
        """Those of the help text; hidden ones when what was typed means no other."""
        for hidden in (False, True):
            found = [
                Candidate(
                    f"--{option.name}{'=' if option.argument and not option.optional else ''}",
                    tr(option.help),
                )
                for option in self._options
                if option.hidden is hidden and f"--{option.name}".startswith(current)
            ]
            if found:
                break
        short = [
            Candidate(f"-{letter}", tr(option.help))
            for option in self._options
            for letter in option.short
            if current == "-" and not option.hidden
        ]
        return Answer("words", (*short, *found))

    def _operand(self, current: str) -> Answer:
        usage = re.sub(r"\[OPTION\](\.\.\.)?", "", self._grammar.usage.split("\n")[0].partition("[--")[0])
        words = [word for word in usage.split()[1:] if word != "|"]
        if not words:
            return NOTHING
        word = words[min(self._operands, len(words) - 1)]
        if word.islower():  # to be written as it is
            return _fitting([Candidate(word)], current)
        return self._of_kind(word.removesuffix("...").strip("[]"), self._command, current, "")

    def _value(self, option: Option, current: str, prefix: str = "") -> Answer:
        if option.choices:
            return _fitting(map(Candidate, option.choices), current, prefix)
        return self._of_kind(option.argument, option.name, current, prefix)

    def _of_kind(self, kind: str, name: str, current: str, prefix: str) -> Answer:
        """What an argument called `kind` of the option or command `name` may be."""
        if name in _INSTALLED:
            return _fitting(_installed(self._values.get("profile")), current, prefix)
        if name in _GENERATIONS:
            return _fitting(_generations(self._values.get("profile")), current, prefix)
        if kind.startswith(("PKG", "[PKG")):
            return self._of_package(kind, current, prefix)
        source = _SOURCES.get(kind.partition(",")[0])
        if source is not None:
            before, comma, last = current.rpartition(",") if kind.endswith(",...") else ("", "", current)
            return _fitting(source(), last, f"{prefix}{before}{comma}")
        if re.match("DIR|FOLDER", kind):
            return Answer("folders", prefix=prefix)
        found: tuple[Candidate, ...] = ()
        if "PACKAGE" in kind and not current.startswith((".", "/", "~")):
            found = _fitting(self._packages(current), current, prefix).candidates
        if _FILES.search(kind) and not found:
            return Answer("files", prefix=prefix)
        return Answer("words", found)

    def _of_package(self, kind: str, current: str, prefix: str) -> Answer:
        """PKG, or PKG=SOMETHING of which the first part comes first."""
        package, equals, value = current.partition("=")
        if "=" not in kind:
            return _fitting(self._packages(current), current, prefix)
        if not equals:
            names = [Candidate(f"{each.word}=", each.meaning) for each in self._packages(package)]
            return _fitting(names, current, prefix)
        what = kind.rpartition("=")[2].rstrip("]")
        what = {"SPEC": "PACKAGE"}.get(what, what)
        if kind.startswith("["):
            what = "FILE"
        return self._of_kind(what, "", value, f"{prefix}{package}=")

    def _packages(self, current: str) -> Iterable[Candidate]:
        """Names; behind `NAME@` the versions, behind `NAME:` the outputs."""
        from larix.cli.catalogues import open_catalogue, package_folders

        catalogue = open_catalogue(package_folders(self._values.get("load-path", [])))
        if "@" not in current and ":" not in current:
            listed = catalogue.listing(lambda name: name.startswith(current))
            return [Candidate(name) for name in dict.fromkeys(row[0] for row in listed)]
        name = re.split("[@:]", current, maxsplit=1)[0]
        entries = [catalogue.entry(row) for row in catalogue.rows_named(name)]
        if ":" in current:
            head = current.partition(":")[0]
            return [Candidate(f"{head}:{output}") for entry in entries for output in entry.outputs]
        return [Candidate(f"{name}@{entry.version}", entry.synopsis) for entry in entries]


def _installed(profile: list[str] | None) -> list[Candidate]:
    return [
        Candidate(entry.name if entry.output == "out" else f"{entry.name}:{entry.output}", entry.version)
        for entry in _of_profile(profile).current().entries
    ]


def _generations(profile: list[str] | None) -> list[Candidate]:
    import time

    from larix.profiles import generation
    from larix.profiles.notes import read_notes

    file = _of_profile(profile).file
    made = {
        number: time.strftime("%F %R", time.localtime(generation.generation_time(file, number)))
        for number in reversed(generation.generations(file))
    }
    tags = [Candidate(tag, str(number)) for number, note in read_notes(file).items() for tag in note.tags]
    return [*(Candidate(str(number), time) for number, time in made.items()), *tags]


def _of_profile(names: list[str] | None) -> Profile:
    from larix.cli.profiles import default_profile, named_profile
    from larix.cli.session import open_session

    session = open_session(verbosity=0)
    return named_profile(session, names[-1]) if names else default_profile(session)


def _lists(module: str, function: str) -> Callable[[], list[Candidate]]:
    def listed() -> list[Candidate]:
        from importlib import import_module

        return [
            Candidate(each.name, tr(each.description)) for each in getattr(import_module(module), function)()
        ]

    return listed


def _systems() -> list[Candidate]:
    from larix.packages.platform import host_system
    from larix.packages.toolchain import toolchain

    return [Candidate(name) for name in toolchain().systems or (host_system(),)]


def _targets() -> list[Candidate]:
    from larix.packages.toolchain import toolchain

    return [Candidate(name) for name in toolchain().targets]


def _node_types() -> list[Candidate]:
    from larix.graphs.tables import KINDS

    return [Candidate(kind.name, tr(kind.description)) for kind in KINDS]


def _importers() -> list[Candidate]:
    from larix.upstream.importing import all_importers

    return [Candidate(name, tr(each.description)) for name, each in sorted(all_importers().items())]


def _shells() -> list[Candidate]:
    from larix.cli.commands.completion import SCRIPTS

    return list(map(Candidate, SCRIPTS))


def _pack_formats() -> list[Candidate]:
    from larix.pack.options import FORMATS

    return [Candidate(name, tr(each.description)) for name, each in FORMATS.items()]


def _style_rules() -> list[Candidate]:
    from larix.lint.styling import RULES

    return [Candidate(each.name, tr(each.description)) for each in RULES]


def _build_systems() -> list[Candidate]:
    from larix.buildsystems import build_system_names

    return [Candidate(name) for name in build_system_names()]


def _named_commands() -> list[Candidate]:
    return [Candidate(name, tr(synopsis)) for name, synopsis in registry.synopses()]


# By the word that stands for an argument.
_SOURCES: dict[str, Callable[[], list[Candidate]]] = {
    "COMMAND": _named_commands,
    "SHELL": _shells,
    "FORMAT": _pack_formats,
    "RULE": _style_rules,
    "SYSTEM": _systems,
    "TRIPLET": _targets,
    "CHECKER": _lists("larix.lint.running", "all_checkers"),
    "UPDATER": _lists("larix.upstream.updating", "all_updaters"),
    "TYPE": _node_types,
    "BACKEND": _lists("larix.graphs.drawing", "all_backends"),
    "IMPORTER": _importers,
    "BUILD-SYSTEM": _build_systems,
}


def words_of_line(line: str) -> list[str]:
    """The words of a shell's line up to the cursor, quotes taken off; the last one may be empty."""
    words: list[str] = []
    word, quote = "", ""
    letters = iter(line)
    started = False
    for letter in letters:
        if quote:
            if letter == quote:
                quote = ""
            elif letter == "\\" and quote == '"':
                word += next(letters, "")
            else:
                word += letter
        elif letter in "\"'":
            quote, started = letter, True
        elif letter == "\\":
            word += next(letters, "")
        elif letter.isspace():
            if word or started:
                words.append(word)
            word, started = "", False
        else:
            word += letter
    return [*words, word]
