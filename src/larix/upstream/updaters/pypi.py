"""Projects in the index of Python packages that this machine uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.builder.builtins.mirrors import PYPI
from larix.builder.builtins.simple_index import split_pypi_uri
from larix.upstream.python_project import source_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.packages.origin import Origin
    from larix.packages.package import Package
    from larix.upstream.web import Web

__all__ = ["DESCRIPTION", "IS_CHEAP", "RANK", "handles", "releases"]

DESCRIPTION = "Updater for packages of the index of Python packages"
RANK = 10
IS_CHEAP = True


def _uri(origin: Origin) -> str | None:
    return next((uri for uri in origin.uri if uri.startswith(PYPI)), None)


def handles(_package: Package, origin: Origin) -> bool:
    return _uri(origin) is not None


def releases(_package: Package, origin: Origin, web: Web) -> Mapping[str, str]:
    project, _ = split_pypi_uri(_uri(origin) or "")
    return {
        version: f"{PYPI}{project}/{file.name}"
        for version, file in source_files(web.python_files(project), project).items()
        if not file.yanked
    }
