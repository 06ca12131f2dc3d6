"""File trees in a build: found, copied, deleted, installed; and `substitute`, the sed of builds."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import IO, cast

from larix.buildside.failure import BuildSideError
from larix.buildside.file_errors import file_errors
from larix.buildside.mounts import mounts_below
from larix.buildside.patterns import compiled_pattern
from larix.buildside.several import SeveralNames, names_of

__all__ = [
    "BadClause",
    "SubstituteError",
    "copy_recursively",
    "delete_recursively",
    "find_files",
    "install_file",
    "make_writable",
    "mkdir_p",
    "substitute",
    "which",
    "with_directory",
]

FileName = str | os.PathLike[str]
Replacement = str | Callable[[re.Match[str]], str]


@file_errors("mkdir_p")
def mkdir_p(directory: FileName) -> Path:
    os.makedirs(directory, exist_ok=True)
    return Path(directory)


@file_errors("make_writable")
def make_writable(file: FileName) -> None:
    """Give the owner leave to write; store files and many tarballs come without."""
    mode = os.stat(file).st_mode
    if not mode & stat.S_IWUSR:
        os.chmod(file, stat.S_IMODE(mode) | stat.S_IWUSR)


@contextlib.contextmanager
def with_directory(directory: FileName) -> Generator[Path, None, None]:
    """Work in another directory; the old one is current again afterwards, also after an error."""
    before = os.getcwd()
    with file_errors("with_directory"):
        os.chdir(directory)
    try:
        yield Path(directory)
    finally:
        os.chdir(before)


def which(program: str) -> Path | None:
    """The file that PATH gives for a program."""
    found = shutil.which(program)
    return Path(found) if found else None


@file_errors("find_files")
def find_files(
    directory: FileName,
    pattern: str | Callable[[Path, os.stat_result], bool] | None = None,
    *,
    directories: bool = False,
) -> list[Path]:
    """All below a directory, sorted by the bytes of their names.

    `pattern` is a regular expression searched in base names, or a predicate on the file and its status (links
    are not followed). Directories are listed only when asked for. A directory that does not exist is an
    error.
    """
    root = os.fspath(directory)
    if not os.path.isdir(root):
        raise BuildSideError(f"find_files: `{root}` is not a directory")
    if isinstance(pattern, str):
        search = compiled_pattern(pattern, "find_files", root).search
        wanted: Callable[[Path, os.stat_result], bool] = lambda file, _: bool(search(file.name))  # noqa: E731
    else:
        wanted = pattern or (lambda _file, _status: True)
    found: list[Path] = []
    pending = [root]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                is_directory = entry.is_dir(follow_symlinks=False)
                if is_directory:
                    pending.append(entry.path)
                if (directories or not is_directory) and wanted(
                    Path(entry.path), entry.stat(follow_symlinks=False)
                ):
                    found.append(Path(entry.path))
    return sorted(found, key=os.fsencode)


Copy = tuple[str, str, os.stat_result]  # of what, to where, and what it is


@file_errors("copy_recursively")
def copy_recursively(
    source: FileName,
    destination: FileName,
    *,
    keep_times: bool = False,
    keep_permissions: bool = True,
    follow_links: bool = False,
    select: Callable[[Path], bool] | None = None,
    log: IO[str] | None = None,
) -> None:
    """Copy a file or a tree; a directory that is already there is merged into, files are replaced.

    Modes are kept, except that the owner may write; without `keep_permissions`, files get the mode of new
    ones. `select` sees each source name; a directory it refuses is left out with all below. `log` gets a line
    for each file. What cannot be copied at all (into itself, in a loop of links, devices) is an error before
    anything is.
    """
    old, new = os.fspath(source), os.fspath(destination)
    planned = _planned(old, new, follow_links=follow_links, select=select)
    if planned:
        _refuse_copy_into_itself(old, new, select)
    for from_file, to_file, status in planned:
        if stat.S_ISDIR(status.st_mode):
            os.makedirs(to_file, exist_ok=True)
            continue
        _copy_leaf("copy_recursively", (from_file, to_file, status), keep_permissions=keep_permissions)
        if keep_times and stat.S_ISREG(status.st_mode):
            _copy_times(status, to_file)
        if log is not None:
            print(f"{from_file} -> {to_file}", file=log, flush=True)
    for from_file, to_file, status in reversed(planned) if keep_times else ():
        if stat.S_ISDIR(status.st_mode):
            _copy_times(os.stat(from_file), to_file)


def _planned(
    source: str, destination: str, *, follow_links: bool, select: Callable[[Path], bool] | None
) -> list[Copy]:
    planned: list[Copy] = []
    pending: list[tuple[str, str, tuple[tuple[int, int], ...]]] = [(source, destination, ())]
    while pending:
        old, new, above = pending.pop()
        if select is not None and not select(Path(old)):
            continue
        status = os.stat(old) if follow_links else os.lstat(old)
        planned.append((old, new, status))
        if stat.S_ISDIR(status.st_mode):
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                raise BuildSideError(f"copy_recursively: `{old}` leads back to a directory above it")
            pending += [
                (os.path.join(old, name), os.path.join(new, name), (*above, identity))
                for name in sorted(os.listdir(old))
            ]
        elif not stat.S_ISREG(status.st_mode) and not stat.S_ISLNK(status.st_mode):
            raise BuildSideError(f"copy_recursively: `{old}` is neither a file nor a directory nor a link")
    return planned


def _refuse_copy_into_itself(source: str, destination: str, select: Callable[[Path], bool] | None) -> None:
    """The destination may stand in the source if `select` leaves it out."""
    if not os.path.isdir(source) or os.path.islink(source):
        return
    below = os.path.relpath(_place(destination), os.path.realpath(source)).split("/")
    if below[0] == "..":
        return
    names = [os.path.join(source, *below[: count + 1]) for count in range(len(below))]
    if select is None or all(select(Path(name)) for name in names):
        raise BuildSideError(f"copy_recursively: `{source}` cannot be copied into itself, to `{destination}`")


def _place(file: str) -> str:
    """Where a name stands, whatever stands there: links above it are followed, one of that name is not."""
    directory, name = os.path.split(file.rstrip("/") or "/")
    if name in {"", ".", ".."}:
        return os.path.realpath(file)
    return os.path.join(os.path.realpath(directory), name)


def _copy_leaf(function: str, copy: Copy, *, keep_permissions: bool = True) -> None:
    old, new, status = copy
    if os.path.lexists(new):
        if _place(new) in {_place(old), os.path.realpath(old)}:
            raise BuildSideError(f"{function}: `{old}` and `{new}` are the same file")
        os.unlink(new)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(old), new)
        return
    shutil.copyfile(old, new)
    if keep_permissions:
        os.chmod(new, stat.S_IMODE(status.st_mode) & 0o777 | stat.S_IWUSR)


def _copy_times(status: os.stat_result, file: str) -> None:
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@file_errors("delete_recursively")
def delete_recursively(file: FileName) -> None:
    """Delete a file, link or tree, read-only directories included; links are never followed.

    What is mounted there is not deleted: it is an error, before anything is.
    """
    name = os.fspath(file)
    if os.path.islink(name) or not os.path.isdir(name):
        os.unlink(name)
        return
    if mounted := mounts_below(name):
        raise BuildSideError(f"delete_recursively: something is mounted at `{mounted[0]}`")
    for directory, _, _ in os.walk(name):
        mode = stat.S_IMODE(os.stat(directory).st_mode)
        if mode & 0o700 != 0o700:
            os.chmod(directory, mode | 0o700)
    shutil.rmtree(name)


@file_errors("install_file")
def install_file(
    file: FileName, directory: FileName, *, name: str | None = None, executable: bool | None = None
) -> Path:
    """Copy a file into a directory, which is made; the mode is kept unless `executable` says otherwise."""
    source = os.fspath(file)
    status = os.stat(source)
    if not stat.S_ISREG(status.st_mode):
        advice = "is a directory: copy_recursively copies those" if os.path.isdir(source) else "is no file"
        raise BuildSideError(f"install_file: `{source}` {advice}")
    os.makedirs(directory, exist_ok=True)
    target = Path(directory, name or os.path.basename(source))
    _copy_leaf("install_file", (source, os.fspath(target), status))
    if executable is not None:
        target.chmod(0o755 if executable else 0o644)
    return target


def _listed(files: Sequence[str]) -> str:
    shown = ", ".join(f"`{file}`" for file in files[:3])
    return f"{shown} and {len(files) - 3} more" if len(files) > 3 else shown


class SubstituteError(BuildSideError):
    """A clause of `substitute` matched nowhere: upstream changed, or the pattern is wrong."""

    def __init__(self, pattern: str, files: list[str]) -> None:
        super().__init__(f"substitute: /{pattern}/ matches nothing in {_listed(files)}")
        self.pattern = pattern
        self.files = files


class BadClause(BuildSideError):
    """A clause of `substitute` is no pair, or its pattern or what replaces it is of no use."""

    def __init__(self, clause: str, files: list[str], cause: str) -> None:
        super().__init__(f"substitute: {clause}, for {_listed(files)}: {cause}")


def substitute(
    files: SeveralNames,
    *clauses: tuple[str | re.Pattern[str], Replacement],
    required: bool = True,
    keep_time: bool = False,
) -> None:
    r"""Edit files line by line, as sed does.

    A clause is a regular expression and what replaces each of its matches: a text, in which `\1` and
    `\g<name>` are groups, or a function of the match whose result is taken as it is. A line comes with its
    line ending, which `.` does not match, but `\s` and `[^"]` do; `$` matches before it and
    once more behind it, so that what can be empty, such as `$` alone, matches more than once: write `(?=\n)`.
    Of `\r\n`, the first is a character like others. Clauses apply in order to the result of the ones before.

    Each clause must match somewhere in the files, unless `required` is false. The mode is kept; the time only
    with `keep_time` (make must see that a source changed, but not that a `Makefile.in` did). Bytes that are
    no UTF-8 pass through unharmed.
    """
    names = names_of(files)
    if not names and required:
        raise BuildSideError("substitute: no files were given")
    compiled = [_compiled_clause(clause, names) for clause in clauses]
    matched = [0] * len(compiled)
    for name in names:
        before = _lines(name)
        after: list[str] = []
        for original in before:
            line = original
            for index, (pattern, replacement) in enumerate(compiled):
                line, count = pattern.subn(replacement, line)
                matched[index] += count
            after.append(line)
        if after != before:
            _rewrite(name, "".join(after), keep_time=keep_time)
    for (pattern, _), count in zip(compiled, matched, strict=True):
        if required and not count:
            raise SubstituteError(pattern.pattern, names)


def _compiled_clause(clause: object, names: list[str]) -> tuple[re.Pattern[str], Replacement]:
    parts = cast("tuple[object, ...]", clause) if isinstance(clause, (tuple, list)) else ()
    if len(parts) != 2:
        raise BadClause(f"{clause!r}", names, "a clause is a pair: a pattern, and what replaces it")
    given, replacement = cast("tuple[str | re.Pattern[str], Replacement]", parts)
    shown = f"/{given.pattern if isinstance(given, re.Pattern) else given}/"
    try:
        pattern = re.compile(given)
    except (re.error, TypeError) as error:
        raise BadClause(shown, names, f"no regular expression: {error}") from error
    if callable(replacement):
        return pattern, replacement
    try:
        pattern.sub(replacement, "")
    except (re.error, IndexError, TypeError) as error:
        raise BadClause(shown, names, f"{replacement!r} cannot replace it: {error}") from error
    return pattern, replacement


@file_errors("substitute")
def _lines(name: str) -> list[str]:
    with open(name, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return stream.readlines()


@file_errors("substitute")
def _rewrite(name: str, text: str, *, keep_time: bool) -> None:
    """By a new file, so that hard links and store files keep their old contents; links stay links."""
    target = os.path.realpath(name)
    status = os.stat(target)
    temporary = f"{target}.larix-new"
    with open(temporary, "x", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        stream.write(text)
    os.chmod(temporary, stat.S_IMODE(status.st_mode))
    if keep_time:
        _copy_times(status, temporary)
    os.replace(temporary, target)
