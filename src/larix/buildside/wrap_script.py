"""Scripts that find what they need wherever they are run: an environment of their own, put into them.

The script stays the file that it is; no second program stands before it. Python, Perl and shells that know
`export` are known. What is set reaches the programs that the script starts, as it would by a wrapper.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import stat
from collections.abc import Mapping, Sequence

from larix.buildside.failure import BuildSideError
from larix.buildside.file_errors import file_errors
from larix.buildside.several import SeveralNames, names_of

__all__ = ["WrapError", "python_prologue", "script_language", "wrap_script"]

MARK = "set by larix"
LANGUAGES = re.compile(
    rb"#![ \t]*(?:\S*/env[ \t]+(?:-S[ \t]+)?|\S*/)?"
    rb"(?:(?P<name>python|perl)[0-9.]*|(?P<shell>(?:ba|da|k|z)?sh))(?=\s|\Z)"
)
HANDED_ON = re.compile(rb"\bexec[ \t](?![ \t]*-a)[^\n]*[ \t][\"']?\$(?:0|\{0\})[\"']?(?=\s|\Z)")
CODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")


class WrapError(BuildSideError):
    """A program cannot be wrapped; `program` is its file name, `kind` a word for what is wrong."""

    def __init__(self, program: str | os.PathLike[str], kind: str, cause: str) -> None:
        super().__init__(f"cannot wrap `{os.fspath(program)}`: {cause}")
        self.program = os.fspath(program)
        self.kind = kind


def script_language(file: str | os.PathLike[str]) -> str | None:
    """`python`, `perl` or `shell` by the first line of a regular file, else None."""
    if not stat.S_ISREG(os.lstat(file).st_mode):
        return None
    with open(file, "rb") as stream:
        match = LANGUAGES.match(stream.readline(4096))
    if match is None:
        return None
    return "shell" if match["shell"] else match["name"].decode()


@file_errors("wrap_script")
def wrap_script(
    file: str | os.PathLike[str],
    variables: Mapping[str, SeveralNames],
    *,
    site_directories: SeveralNames = (),
) -> None:
    """Put entries before those of search-path variables, from within a script in Python, Perl or a shell.

    Empty entries, which mean the current directory, are left out. A Python script finds the modules of
    `site_directories` besides. Wrapping twice adds to the first time. A shell script that hands itself to
    another interpreter cannot be wrapped so: see `wrap_program`.
    """
    language = script_language(file)
    if language is None:
        raise WrapError(file, "language", "it is no script in Python, Perl or a shell")
    given = {name: [each for each in names_of(entries) if each] for name, entries in variables.items()}
    settings = {name: entries for name, entries in given.items() if entries}
    with open(file, "rb") as stream:
        contents = stream.read()
    if language == "python":
        changed = _in_python(file, contents, python_prologue(settings, names_of(site_directories)))
    elif language == "perl":
        changed = _after_lines(contents, 1, _perl_prologue(settings))
    elif HANDED_ON.search(contents):
        raise WrapError(file, "layout", "it hands itself to another interpreter; use `wrap_program`")
    else:
        changed = _after_lines(contents, 1, _shell_prologue(settings))
    status = os.stat(file)
    temporary = f"{os.fspath(file)}.larix-new"
    with open(temporary, "xb") as stream:
        stream.write(changed)
    os.chmod(temporary, stat.S_IMODE(status.st_mode))
    os.replace(temporary, file)


def python_prologue(variables: Mapping[str, Sequence[str]], site_directories: Sequence[str]) -> str:
    """Statements that leave no names behind.

    Site directories come after the standard library and before all others, and what stands in their .pth
    files counts.
    """
    lines: list[str] = [f"def _larix():  # {MARK}", "    import os, site, sys"]
    for name, entries in variables.items():
        lines += [
            f"    given = os.environ.get({name!a}, '').split(':')",
            f"    os.environ[{name!a}] = ':'.join(dict.fromkeys([*{list(entries)!a}, *filter(None, given)]))",
        ]
    if site_directories:
        lines += [
            "    before = list(sys.path)",
            f"    for directory in {list(site_directories)!a}:",
            "        site.addsitedir(directory)",
            "    added = sys.path[len(before):]",
            "    sites = [each.endswith('/site-packages') for each in before]",
            "    place = sites.index(True) if True in sites else len(before)",
            "    sys.path[:] = before[:place] + added + before[place:]",
        ]
    return "\n".join([*lines, "_larix()", "del _larix", ""])


def _perl_prologue(variables: Mapping[str, Sequence[str]]) -> str:
    lines = [f"BEGIN {{  # {MARK}"]
    for name, entries in variables.items():
        words = ", ".join(_perl_text(each) for each in entries)
        if name == "PERL5LIB":
            lines.append(f"    unshift @INC, {words};")
        lines.append(
            f"    $ENV{{{_perl_text(name)}}} = join(':', {words}, "
            f"grep {{ length }} ($ENV{{{_perl_text(name)}}} // ''));"
        )
    return "\n".join([*lines, "}", ""])


def _shell_prologue(variables: Mapping[str, Sequence[str]]) -> str:
    """Neither words nor unset variables are a matter of the script's options."""
    lines = [f"# {MARK}"]
    for name, entries in variables.items():
        lines.append(f"{name}={shlex.quote(':'.join(entries))}${{{name}:+:${name}}}; export {name}")
    return "\n".join([*lines, ""])


def _perl_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _in_python(file: str | os.PathLike[str], contents: bytes, prologue: str) -> bytes:
    """After the first comment lines, and after imports of the future where there are some."""
    lines = contents.split(b"\n")
    position = 2 if len(lines) > 1 and CODING.match(lines[1]) else 1
    try:
        tree = ast.parse(contents)
    except (SyntaxError, ValueError) as error:
        raise WrapError(file, "syntax", f"Python cannot read it: {error}") from error
    futures = [each for each in tree.body if _is_of_the_future(each)]
    if futures:
        last = max(each.end_lineno or 1 for each in futures)
        if any(each.lineno <= last for each in tree.body[tree.body.index(futures[-1]) + 1 :]):
            raise WrapError(file, "layout", "its imports of the future share a line with other statements")
        position = max(position, last)
    return _after_lines(contents, position, prologue)


def _is_of_the_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _after_lines(contents: bytes, count: int, text: str) -> bytes:
    lines = contents.split(b"\n")
    before, after = lines[:count], lines[count:]
    return b"\n".join([*before, text.encode().rstrip(b"\n"), *after])
