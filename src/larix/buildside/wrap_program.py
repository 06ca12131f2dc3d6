"""Programs that are run with an environment of their own: a shell script takes their place and starts them.

    #!/larix/store/HASH-bash/bin/bash
    export PATH='/larix/store/HASH-gzip/bin'${PATH:+:}$PATH
    exec -a "$0" /larix/store/HASH-tool/bin/.tool-real "$@"

For scripts, `wrap_script` does without a second program.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from larix.buildside.files import which
from larix.buildside.several import SeveralNames, names_of
from larix.buildside.wrap_script import WrapError

__all__ = ["Setting", "WrapError", "exactly", "is_wrapped_program", "prefix", "suffix", "wrap_program"]

FileName = str | os.PathLike[str]


class Setting(NamedTuple):
    """A variable, and a line of shell that sets it; an empty line leaves the variable alone."""

    name: str
    line: str


def prefix(name: str, entries: SeveralNames, *, separator: str = ":") -> Setting:
    """Entries before what the variable holds; empty ones, which mean the current directory, are left out."""
    sep, given = shlex.quote(separator), _joined(filter(None, names_of(entries)), separator)
    return Setting(name, given and f"export {name}={given}${{{name}:+{sep}}}${name}")


def suffix(name: str, entries: SeveralNames, *, separator: str = ":") -> Setting:
    """Entries after what the variable holds; empty ones are left out."""
    sep, given = shlex.quote(separator), _joined(filter(None, names_of(entries)), separator)
    return Setting(name, given and f"export {name}=${name}${{{name}:+{sep}}}{given}")


def exactly(name: str, entries: SeveralNames, *, separator: str = ":") -> Setting:
    """The entries alone, whatever the variable holds."""
    return Setting(name, f"export {name}={shlex.quote(separator.join(names_of(entries)))}")


def _joined(entries: Iterable[str], separator: str) -> str:
    """As a word of the shell, or nothing when there are no entries."""
    text = separator.join(entries)
    return shlex.quote(text) if text else ""


def is_wrapped_program(file: FileName) -> bool:
    """Whether a file is the real program behind a wrapper, `.NAME-real` beside NAME."""
    name = Path(file).name
    return (
        _is_real_name(name) and Path(file).with_name(name.removeprefix(".").removesuffix("-real")).is_file()
    )


def _is_real_name(name: str) -> bool:
    return name.startswith(".") and name.endswith("-real") and len(name) > len(".-real")


def wrap_program(program: FileName, *settings: Setting, shell: FileName | None = None) -> Path:
    """Put a wrapper in the place of a program, and give the real one's new name.

    Wrapping a program again adds to its wrapper, whose settings come first. `shell` is a Bash, by default
    that of PATH; it becomes a reference of the output.
    """
    file = Path(program)
    if _is_real_name(file.name):
        raise WrapError(program, "wrapped", "it is the real program behind a wrapper already")
    if not file.is_file() or not file.stat().st_mode & stat.S_IXUSR:
        raise WrapError(program, "missing", "it is no program")
    if not settings:
        raise WrapError(program, "settings", "no settings are given")
    real = file.with_name(f".{file.name}-real")
    lines = [each.line for each in settings if each.line]
    if real.exists():
        text = file.read_text(encoding="utf-8")
        start = text.index("\nexec -a ") + 1
        text = "\n".join([text[:start].rstrip("\n"), *lines, text[start:]])
    else:
        bash = shell or which("bash")
        if bash is None:
            raise WrapError(program, "shell", "there is no bash in PATH; add it to inputs, or give `shell`")
        target = shlex.quote(os.path.abspath(real))
        text = "\n".join([f"#!{os.fspath(bash)}", *lines, f'exec -a "$0" {target} "$@"', ""])
        file.rename(real)
    temporary = file.with_name(f"{file.name}.larix-new")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(0o755)
    temporary.replace(file)
    return real
