"""Python projects: the versions of their source archives, and what such an archive says of itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from larix.builder.builtins.simple_index import normal_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.builder.builtins.simple_index import IndexFile

__all__ = ["source_files"]

_ENDINGS = (".tar.gz", ".tar.xz", ".tar.bz2", ".tgz", ".zip")  # best first


def source_files(files: Iterable[IndexFile], project: str) -> dict[str, IndexFile]:
    """The source archives by version; of several for one version, the best compressed as usual."""
    found: dict[str, tuple[int, IndexFile]] = {}
    for file in files:
        rank, stem = next(
            (
                (number, file.name.removesuffix(ending))
                for number, ending in enumerate(_ENDINGS)
                if file.name.endswith(ending)
            ),
            (-1, ""),
        )
        version = _version(stem, project) if rank >= 0 else None
        if version is not None and (version not in found or rank < found[version][0]):
            found[version] = rank, file
    return {version: file for version, (_, file) in found.items()}


def _version(stem: str, project: str) -> str | None:
    """What follows the project's name, however that is spelled: a hyphen, then a version."""
    wanted = normal_name(project)
    for match in re.finditer("-", stem):
        name, version = stem[: match.start()], stem[match.end() :]
        if normal_name(name) == wanted and re.match(r"v?[0-9]", version):
            return version
    return None
