"""Errors of the system with files, told in one line by the helper that met them."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from larix.buildside.failure import BuildSideError, cause_of

__all__ = ["FileError", "MissingFile", "file_errors"]


class FileError(BuildSideError, OSError):
    """A file cannot be used; `errno`, `filename` and `filename2` are those of the system's error."""

    def __init__(self, function: str, error: OSError) -> None:
        super().__init__(error.errno, error.strerror)
        self.filename, self.filename2 = error.filename, error.filename2
        self._text = f"{function}: {cause_of(error)}"

    def __str__(self) -> str:
        return self._text


class MissingFile(FileError, FileNotFoundError):
    """A file is not there, or the directory that it was to be made in."""


@contextlib.contextmanager
def file_errors(function: str) -> Generator[None, None, None]:
    """Make errors of the system `FileError`s that name a function; as a decorator, those of all it does."""
    try:
        yield
    except BuildSideError:
        raise
    except OSError as error:
        kind = MissingFile if isinstance(error, FileNotFoundError) else FileError
        raise kind(function, error) from error
