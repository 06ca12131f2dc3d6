"""Lists of file names, and one name where a list of them is wanted."""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["SeveralNames", "names_of"]

FileName = str | os.PathLike[str]
SeveralNames = FileName | Iterable[FileName]


def names_of(names: SeveralNames) -> list[str]:
    """The names as texts; one alone stands for a list of it, and is not taken for a list of its letters."""
    given = [names] if isinstance(names, (str, os.PathLike)) else names
    return [os.fspath(each) for each in given]
