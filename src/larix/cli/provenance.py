"""Where packages come from: the folders of the catalogue that a package and its inputs stand in.

Each is told by its content, and if it is (in) a checkout also as Git has it: repository, branch, commit, the
place in the repository, and whether files differ from that commit. Nothing says where on this machine the
folder is: who has the same commit gets the same record, and so the same profile.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cached_property
from typing import TYPE_CHECKING, Any

from larix.packages.distributions import find_distributions
from larix.packages.transform import packages_below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.packages.catalogue import Catalogue
    from larix.packages.package import Package

__all__ = ["Provenance", "content_hash", "describe_folder"]

_SECRET = re.compile(r"(?<=://)[^/@]*@")
_NOT_PYTHONS = ":(exclude,glob)**/__pycache__/**"


class Provenance:
    """Answers for one catalogue; each folder is looked at once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._tops = [os.path.realpath(top) for top in catalogue.tops]
        self._described: dict[str, dict[str, Any]] = {}

    def of(self, package: Package) -> list[dict[str, Any]]:
        """The package's own folder first, then those of its inputs, then the distributions."""
        files = dict.fromkeys(os.path.realpath(each.location.file) for each in packages_below(package))
        tops = [top for file in files if (top := self._top_of(file)) is not None]
        return [self.described(top) for top in dict.fromkeys([*tops, *self._distributions])]

    def described(self, top: str) -> dict[str, Any]:
        if top not in self._described:
            self._described[top] = describe_folder(top)
        return self._described[top]

    def _top_of(self, file: str) -> str | None:
        """The folder of the catalogue that a file is in, the innermost one."""
        return max((top for top in self._tops if file.startswith(f"{top}/")), key=len, default=None)

    @cached_property
    def _distributions(self) -> Sequence[str]:
        """They give the toolchain, and most of what build systems imply."""
        found = [each.directory for each in find_distributions() if each.directory is not None]
        return [top for each in found if (top := self._top_of(f"{os.path.realpath(each)}/")) is not None]


def describe_folder(folder: str) -> dict[str, Any]:
    """The record of a folder: `channel` (a name), `hash`, and what Git knows of it."""
    known = _checkout(folder)
    name = os.path.basename(known.get("path") or known.get("url", "").removesuffix(".git") or folder)
    return {"channel": name, **known, "hash": content_hash(folder)}


def content_hash(folder: str) -> str:
    """The hash of the folder's archive, without what Python and Git leave there."""
    from larix.formats.hashes import Hash
    from larix.store.pipeline import hash_steps
    from larix.store.tree import read_steps

    digest, _ = hash_steps(read_steps(folder, keep=_is_content))
    return str(Hash("sha256", digest))


def _is_content(name: bytes) -> bool:
    base = os.path.basename(name)
    return not base.startswith(b".") and base != b"__pycache__"


def _checkout(folder: str) -> dict[str, Any]:
    """What Git knows of the folder; nothing where it is no part of a commit, or there is no git to ask."""
    placed = _git(folder, "rev-parse", "--show-prefix", "HEAD", "HEAD:./")
    if placed is None:
        return {}
    prefix, commit, _ = placed.split("\n", 2)
    branch = (_git(folder, "symbolic-ref", "--short", "--quiet", "HEAD") or "").strip()
    remote = (_git(folder, "config", "--get", f"branch.{branch}.remote") or "").strip() if branch else ""
    url = (_git(folder, "config", "--get", f"remote.{remote or 'origin'}.url") or "").strip()
    known: dict[str, Any] = {
        "url": _SECRET.sub("", url) if url.startswith("http") else url,
        "branch": branch,
        "commit": commit,
        "path": prefix.rstrip("/"),
        "dirty": bool(_git(folder, "status", "--porcelain", "--", ".", _NOT_PYTHONS)),
    }
    return {field: value for field, value in known.items() if value}


def _git(folder: str, *arguments: str) -> str | None:
    """What git prints, or None where it fails. The folder's owner may be another: its code is run anyway."""
    program = shutil.which("git")
    if program is None:
        return None
    settings = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        [program, *settings, "-C", folder, *arguments],
        capture_output=True,
        check=False,
        env=environment | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        encoding="utf-8",
        errors="surrogateescape",
    )
    return done.stdout if done.returncode == 0 else None
