"""`larix completion SHELL`: the script that makes a shell complete larix's command lines."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from larix.cli.options import Grammar, Option, UsageError, parse
from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from larix.cli.completing import Answer

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "plumbing"
SYNOPSIS = "print the script that completes command lines in a shell"
SCRIPTS = {"bash": "larix.bash", "zsh": "_larix", "fish": "larix.fish"}
GRAMMAR = Grammar(
    "completion",
    "completion SHELL",
    "Print a script that makes SHELL (bash, zsh or fish) complete commands, options, packages and more.\n"
    "For bash: source <(larix completion bash)",
    (
        (
            "",
            (
                Option(
                    "answer",
                    argument="SHELL",
                    help="tell what the last of the words may become",
                    hidden=True,
                    choices=tuple(SCRIPTS),
                ),
            ),
        ),
    ),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    shell = line.last("answer")
    if shell is not None:
        return _answer(_known(shell), line.operands)
    if not line.operands:
        raise UsageError(tr("missing argument: no shell given"), hint=_choices())
    if len(line.operands) > 1:
        raise UsageError(tr("{operands}: extraneous argument", operands=line.operands[1]))
    from larix.cli import completions

    file = os.path.join(completions.__path__[0], SCRIPTS[_known(line.operands[0])])
    with open(file, encoding="utf-8") as stream:
        sys.stdout.write(stream.read())
    return 0


def _choices() -> str:
    return tr("there are: {names}", names=", ".join(SCRIPTS))


def _known(shell: str) -> str:
    if shell not in SCRIPTS:
        from larix.cli.diagnostics import did_you_mean

        hint = did_you_mean(shell, SCRIPTS) or _choices()
        raise UsageError(tr("{shell}: unknown shell", shell=shell), hint=hint)
    return shell


def _answer(shell: str, given: Sequence[str]) -> int:
    """Whatever is wrong gives no words: nobody asked for an error here."""
    from larix.cli import completing

    words = completing.words_of_line(given[0]) if shell == "bash" else list(given)
    try:
        found = completing.answer(words, explained=shell != "bash")
    except (LarixError, OSError):
        found = completing.NOTHING
    print(found.kind)
    breaks = given[1] if shell == "bash" and len(given) > 1 else ""
    for text in _lines(found, shell, _broken(words[-1], breaks)):
        print(text)
    return 0


def _broken(word: str, breaks: str) -> int:
    """How much of a word bash takes for another one before it; an `@` that breaks belongs to what follows."""
    at = max(word.rfind(letter) for letter in breaks) if breaks else -1
    return at if word[at : at + 1] == "@" else at + 1


def _lines(answer: Answer, shell: str, broken: int) -> Iterable[str]:
    for word, meaning in answer.candidates:
        if shell == "bash":
            yield word[broken:]
        elif shell == "fish":
            yield f"{word}\t{meaning}" if meaning else word
        else:
            escaped = word.replace("\\", "\\\\").replace(":", "\\:")
            yield f"{escaped}:{meaning}" if meaning else escaped
