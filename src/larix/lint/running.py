"""Finding checkers and running them."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.errors import LarixError
from larix.lint import checkers
from larix.lint.subject import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from larix.lint.subject import Subject

__all__ = ["Checker", "all_checkers", "findings_of"]


class Checker(NamedTuple):
    """`run` gives what is wrong with a package; `needs_network` when it asks others."""

    name: str
    description: str
    needs_network: bool
    run: Callable[[Subject], Iterable[Finding]]


def all_checkers() -> list[Checker]:
    """Every module of `checkers/`, by name: `home_page.py` is the checker `home-page`.

    A module offers `DESCRIPTION`, `NEEDS_NETWORK` and `check(subject)`.
    """
    names = sorted(
        file.removesuffix(".py")
        for file in os.listdir(checkers.__path__[0])
        if file.endswith(".py") and not file.startswith("_")
    )
    found: list[Checker] = []
    for name in names:
        module: Any = import_module(f"{checkers.__name__}.{name}")
        found.append(Checker(name.replace("_", "-"), module.DESCRIPTION, module.NEEDS_NETWORK, module.check))
    return found


def findings_of(subject: Subject, checker: Checker) -> Iterator[Finding]:
    """What one checker finds; a definition that cannot be read is a finding, too.

    What a variant has from its original is told of that alone.
    """
    try:
        for each in checker.run(subject):
            if each.field is None or not subject.inherits(each.field):
                yield each
    except LarixError as error:
        yield Finding(error.message.partition("\n")[0].rstrip(":"), error.place or subject.package.location)
