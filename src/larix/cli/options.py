"""Command lines: option tables as data, and one parser for all commands.

Grammar: `-f FILE`, `-fFILE`, `--file=FILE`, `--file FILE`; short flags may be joined (`-nv2`); a long option
may be cut short while it stays unique; an optional argument is only ever attached (`-A^gcc`,
`--list-available=^gcc`); `--` ends the options. Order is kept, because it means something: operands after a
collecting option belong to it (`-i a b -r c` installs a and b and removes c).

Written here rather than taken from argparse, which reads an optional argument from the next word, takes `-1`
for an option, exits with 2 in its own words, forgets the order, and costs 15 ms to import.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import larix
from larix.cli import diagnostics
from larix.errors import LarixError
from larix.words import mark, tr

if TYPE_CHECKING:
    import re

__all__ = [
    "Answered",
    "CommandLine",
    "Grammar",
    "Option",
    "Token",
    "UsageError",
    "compile_expression",
    "describe_options",
    "filled",
    "help_width",
    "matching_any",
    "parse",
    "spelled",
    "whole_number",
]

BUG_REPORTS = mark("Report bugs as CONTRIBUTING.md of larix's source says.")


class UsageError(LarixError):
    """A command line that larix cannot follow."""


class Answered(Exception):
    """The command line asked about the command itself; `text` is the answer, for help that of `grammar`."""

    def __init__(self, text: str, grammar: Grammar | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.grammar = grammar


class Option(NamedTuple):
    """One option. `name` is the long spelling without dashes and the key to ask for it later.

    `choices` are all values that the argument may have, if they are few.
    """

    name: str
    short: str = ""
    argument: str = ""
    help: str = ""
    optional: bool = False
    collects: bool = False
    hidden: bool = False
    choices: tuple[str, ...] = ()


class Token(NamedTuple):
    """An option as met, or with an empty name an operand that belongs to no option."""

    name: str
    value: str | None


class Grammar(NamedTuple):
    """All that a command's line may hold. `groups` pair a heading (empty for the command's own) with options.

    With `command_after_dashes`, what follows `--` is another program's command line; with
    `command_after_operand`, what follows the first operand, and a `--` after it or before it.
    """

    name: str
    usage: str
    summary: str
    groups: tuple[tuple[str, tuple[Option, ...]], ...]
    command_after_dashes: bool = False
    command_after_operand: bool = False
    build_options_from_environment: bool = False

    def options(self) -> list[Option]:
        return [option for _, group in self.groups for option in group] + list(STANDARD)


STANDARD = (
    Option("debug", argument="LEVEL", optional=True, help="show a traceback when larix itself fails"),
    Option("help", "h", help="show this help and exit"),
    Option("version", "V", help="show version information and exit"),
)


class CommandLine:
    """A parsed command line; `tokens` keep the order, the methods answer the usual questions."""

    __slots__ = ("program", "tokens")

    def __init__(self, tokens: list[Token], program: list[str] | None) -> None:
        self.tokens = tokens
        self.program = program

    def has(self, name: str) -> bool:
        return any(token.name == name for token in self.tokens)

    def values(self, name: str) -> list[str]:
        return [token.value for token in self.tokens if token.name == name and token.value is not None]

    def last(self, name: str) -> str | None:
        values = self.values(name)
        return values[-1] if values else None

    @property
    def operands(self) -> list[str]:
        return self.values("")

    def no_operands(self) -> None:
        if self.operands:
            raise UsageError(tr("{operands}: extraneous argument", operands=self.operands[0]))


def parse(grammar: Grammar, arguments: Sequence[str]) -> CommandLine:
    """Read `arguments` by `grammar`; `UsageError` names the first word that does not fit."""
    words = list(arguments)
    program: list[str] | None = None
    if grammar.command_after_operand:
        return _parse_until_operand(grammar, words)
    if "--" in words:
        cut = words.index("--")
        words, rest = words[:cut], words[cut + 1 :]
        if grammar.command_after_dashes:
            program, rest = rest, []
    else:
        rest = []
    if grammar.build_options_from_environment:
        words = _environment_options(grammar) + words
    reader = _Reader(grammar.options())
    reader.read(words)
    reader.tokens.extend(Token("", word) for word in rest)
    return _answered(grammar, CommandLine(reader.tokens, program))


def _parse_until_operand(grammar: Grammar, words: list[str]) -> CommandLine:
    if grammar.build_options_from_environment:
        words = _environment_options(grammar) + words
    reader = _Reader(grammar.options())
    used = reader.read(words, until_operand=True)
    rest = words[used:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    line = CommandLine(reader.tokens, None)
    if rest:
        line.tokens.append(Token("", rest[0]))
        line.program = rest[2:] if rest[1:2] == ["--"] else rest[1:]
    return _answered(grammar, line)


def _answered(grammar: Grammar, line: CommandLine) -> CommandLine:
    if line.has("help"):
        raise Answered(_help(grammar), grammar)
    if line.has("version"):
        raise Answered(f"larix {grammar.name} (larix) {larix.__version__}")
    return line


def _environment_options(grammar: Grammar) -> list[str]:
    """The words of LARIX_BUILD_OPTIONS; whoever reads of one that is wrong must know where it stands."""
    text = os.environ.get("LARIX_BUILD_OPTIONS")
    if not text:
        return []
    import shlex

    try:
        words = shlex.split(text)
        _Reader(grammar.options()).read(words)
    except ValueError as error:
        raise UsageError(f"LARIX_BUILD_OPTIONS: {error}: `{text}'") from error
    except UsageError as error:
        raise UsageError(f"LARIX_BUILD_OPTIONS: {error.message}", hint=error.hint) from error
    return words


class _Reader:
    """The state of one pass over the words: what was met, and which option operands belong to."""

    def __init__(self, options: Sequence[Option]) -> None:
        self._long = {option.name: option for option in options}
        self._short = {letter: option for option in options for letter in option.short}
        self._collector = ""
        self.tokens: list[Token] = []

    def read(self, words: list[str], *, until_operand: bool = False) -> int:
        """Take `words`, all or up to the first operand or `--`; return how many."""
        position = 0
        while position < len(words):
            word = words[position]
            if until_operand and (word == "--" or not word.startswith("-") or word == "-"):
                break
            position += 1
            following = words[position] if position < len(words) else None
            if word.startswith("--"):
                position += self._read_long(word, following)
            elif word.startswith("-") and len(word) > 1:
                position += self._read_short(word, following)
            else:
                self.tokens.append(Token(self._collector, word))
        return position

    def _met(self, option: Option, value: str | None) -> None:
        self.tokens.append(Token(option.name, value))
        if option.collects:
            self._collector = option.name

    def _read_long(self, word: str, following: str | None) -> int:
        """Take one long option; return how many further words it used."""
        name, equals, value = word[2:].partition("=")
        option = self._long.get(name) or self._complete(name)
        if option.argument:
            if equals:
                self._met(option, value)
                return 0
            if option.optional:
                self._met(option, None)
                return 0
            if following is None:
                raise UsageError(tr("--{option}: missing argument", option=option.name))
            self._met(option, following)
            return 1
        if equals:
            raise UsageError(tr("--{option}: takes no argument", option=option.name))
        self._met(option, None)
        return 0

    def _complete(self, name: str) -> Option:
        found = [option for option in self._long.values() if name and option.name.startswith(name)]
        shown = [option for option in found if not option.hidden] or found
        if len(shown) == 1:
            return shown[0]
        if shown:
            choices = ", ".join(f"`--{option.name}'" for option in shown)
            raise UsageError(
                tr("--{name}: ambiguous option; it could be {choices}", name=name, choices=choices)
            )
        options = self._long.values()
        close = diagnostics.closest(name, (option.name for option in options if not option.hidden))
        if close is None and "help-transform" in self._long:  # these are hidden here, and listed by it
            close = diagnostics.closest(name, (option.name for option in options))
        hint = _try_help() if close is None else tr("Did you mean `--{close}'?", close=close)
        raise UsageError(tr("--{name}: unrecognized option", name=name), hint=hint)

    def _read_short(self, word: str, following: str | None) -> int:
        letters = word[1:]
        for index, letter in enumerate(letters):
            option = self._short.get(letter)
            if option is None:
                raise UsageError(
                    tr("-{letter}: unrecognized option", letter=letter), hint=self._for_single_dash(letters)
                )
            if not option.argument:
                self._met(option, None)
                continue
            attached = letters[index + 1 :]
            if attached:
                self._met(option, attached)
                return 0
            if option.optional:
                self._met(option, None)
                return 0
            if following is None:
                raise UsageError(tr("-{letter}: missing argument", letter=letter))
            self._met(option, following)
            return 1
        return 0

    def _for_single_dash(self, letters: str) -> str:
        name = letters.partition("=")[0]
        return tr("Did you mean `--{name}'?", name=name) if name in self._long else _try_help()


def _try_help() -> str:
    return tr("Try `{command} --help' for more information.", command=diagnostics.program_name())


def compile_expression(text: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """The regular expression that an argument is."""
    import re

    try:
        return re.compile(text, re.IGNORECASE if ignore_case else 0)
    except re.error as error:
        raise UsageError(
            tr("`{text}' is not a regular expression: {error}", text=text, error=error)
        ) from error


def matching_any(texts: Sequence[str]) -> Callable[[str], object]:
    """What is true of names that match one of the regular expressions; without any, of all."""
    first, *others = [compile_expression(text).search for text in texts or [""]]
    return (lambda name: first(name) or any(search(name) for search in others)) if others else first


def whole_number(line: CommandLine, name: str, default: int, *, least: int = 0) -> int:
    text = line.last(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise UsageError(tr("not a number: '{name}' option argument: {text}", name=name, text=text))
    if int(text) < least:
        raise UsageError(
            tr("'--{name}' must be at least {least}, not {text}", name=name, least=least, text=text)
        )
    return int(text)


def _help(grammar: Grammar) -> str:
    lines = [
        tr("Usage: larix {usage}", usage=tr(grammar.usage)),
        *filled(tr(grammar.summary).replace("\n", " "), help_width()),
    ]
    for heading, options in grammar.groups:
        shown = [option for option in options if not option.hidden]
        if shown:
            lines += ["", *([tr(heading)] if heading else []), *describe_options(shown)]
    lines += ["", *describe_options(STANDARD), "", tr(BUG_REPORTS)]
    return "\n".join(lines)


def spelled(option: Option) -> tuple[str, str]:
    """The long spelling, and how its argument follows."""
    argument = tr(option.argument)
    if argument and option.optional:
        argument = f" [{argument}]..." if option.collects else f"[={argument}]"
    elif argument:
        argument = f"={argument}"
    return f"--{option.name}", argument


def help_width() -> int:
    """Of the terminal that shows help, but no more than reads well; what is none has 80 columns."""
    try:
        columns = os.get_terminal_size(1).columns or 80
    except OSError:
        columns = 80
    return max(min(columns, 100), 30) - 1


def filled(text: str, width: int) -> list[str]:
    """The words of each line on lines that fit, as far as words do."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines.append("")
        for word in line.split(" "):
            if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
                lines.append(word)
            else:
                lines[-1] += f" {word}" if lines[-1] else word
    return lines


def describe_options(options: Iterable[Option]) -> Iterable[str]:
    width = help_width()
    column = 25 if width >= 60 else 10
    for option in options:
        short = "".join(f"-{letter}, " for letter in option.short)
        spelling = f"  {short or '    '}{''.join(spelled(option))}"
        words = filled(tr(option.help), width - column)
        if len(spelling) < column:
            yield f"{spelling:<{column}}{words.pop(0)}"
        else:
            yield spelling
        yield from (f"{'':{column}}{line}" for line in words)
