"""Which indexes of Python packages this machine uses, by pip's configuration.

No host is known here. What counts is, as for pip: `PIP_INDEX_URL` and its like in the environment, then pip's
configuration files, then the index built into pip, for which the pip that is installed is asked.
`LARIX_PYPI_INDEX` replaces all of them: URLs separated by white space.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

from larix.builder.builtins.mirrors import PYPI_INDEX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["configuration_files", "python_indexes"]

_SECTIONS = ("global", "install", "download")  # a later one counts more
_KEYS = ("index-url", "extra-index-url", "find-links", "no-index")
_TRUE = frozenset({"1", "y", "yes", "t", "true", "on"})


def python_indexes(environment: Mapping[str, str], *, files: Sequence[str] | None = None) -> tuple[str, ...]:
    """URLs of indexes, best first; one with `links+` before it is a folder or a page that names files."""
    chosen = environment.get(PYPI_INDEX)
    if chosen:
        return tuple(chosen.split())
    settings = _settings(environment, configuration_files(environment) if files is None else files)
    links = [f"links+{_as_url(word)}" for word in settings.get("find-links", "").split()]
    if settings.get("no-index", "").strip().lower() in _TRUE:
        return tuple(links)
    main = settings.get("index-url", "").strip() or _built_in()
    others = settings.get("extra-index-url", "").split()
    return tuple(dict.fromkeys([*([main] if main else []), *map(_as_url, others), *links]))


def configuration_files(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Where pip looks for its settings; the last file that sets something counts."""
    named = environment.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return ()
    home = environment.get("HOME") or os.path.expanduser("~")
    system = [folder for folder in environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if folder]
    user = environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    return (
        *(f"{folder}/pip/pip.conf" for folder in system),
        "/etc/pip.conf",
        f"{home}/.pip/pip.conf",
        f"{user}/pip/pip.conf",
        f"{sys.prefix}/pip.conf",
        *([named] if named else []),
    )


def _settings(environment: Mapping[str, str], files: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in files:
        found.update(_settings_of(file))
    for key in _KEYS:
        value = environment.get("PIP_" + key.upper().replace("-", "_"))
        if value:
            found[key] = value
    return found


def _settings_of(file: str) -> Iterator[tuple[str, str]]:
    """What a file sets; one that is missing or broken sets nothing."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(file, encoding="utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError):
        return
    for section in _SECTIONS:
        for key in _KEYS:
            for spelling in (key, key.replace("-", "_")):
                if parser.has_option(section, spelling):
                    yield key, parser.get(section, spelling)


def _as_url(word: str) -> str:
    return "file://" + os.path.abspath(os.path.expanduser(word)) if "://" not in word else word


@cache
def _built_in() -> str | None:
    """The index of a pip without settings, which its help names."""
    pip = shutil.which("pip3") or shutil.which("pip")
    commands = [[sys.executable, "-m", "pip"], *([[pip]] if pip else []), ["python3", "-m", "pip"]]
    surroundings = {**_without_pip_variables(), "PIP_CONFIG_FILE": os.devnull, "COLUMNS": "1000"}
    for command in commands:
        try:
            done = subprocess.run(
                [*command, "download", "--help"],
                env=surroundings,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            continue
        named = re.search(r"--index-url\b[^(]*\(default:?\s+(\w+://[^\s)]+)\)", done.stdout)
        if named:
            return named[1]
    return None


def _without_pip_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
