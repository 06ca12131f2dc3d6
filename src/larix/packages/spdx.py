"""The identifiers that the SPDX list gives to the licences of `larix.packages.licenses`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larix.packages.licenses import License

__all__ = ["spdx_id"]

_PAGE = re.compile(r"https://spdx\.org/licenses/([A-Za-z0-9.+-]+)\.html")
_GNU = re.compile(r"(?P<name>A?GPL|LGPL|FDL) (?P<version>[0-9](?:\.[0-9])?)(?P<later>\+?)")
_OTHERS = {
    "ASL 2.0": "Apache-2.0",
    "Blue Oak 1.0.0": "BlueOak-1.0.0",
    "CC-BY 3.0": "CC-BY-3.0",
    "CC-BY 4.0": "CC-BY-4.0",
    "CC-BY-SA 3.0": "CC-BY-SA-3.0",
    "CC-BY-SA 4.0": "CC-BY-SA-4.0",
    "EDL 1.0": "BSD-3-Clause",
    "EPL 1.0": "EPL-1.0",
    "EPL 2.0": "EPL-2.0",
    "EUPL 1.2": "EUPL-1.2",
    "LPPL 1.3c": "LPPL-1.3c",
    "MPL 1.1": "MPL-1.1",
    "MPL 2.0": "MPL-2.0",
    "OFL 1.1": "OFL-1.1",
    "Unicode": "Unicode-3.0",
    "Unlicense": "Unlicense",
}


def spdx_id(license_: License) -> str | None:
    """The identifier of a licence; None for what the list does not have."""
    page = _PAGE.fullmatch(license_.uri)
    if page is not None:
        return page[1]
    gnu = _GNU.fullmatch(license_.name)
    if gnu is None:
        return _OTHERS.get(license_.name)
    version = gnu["version"] if "." in gnu["version"] else f"{gnu['version']}.0"
    name = "GFDL" if gnu["name"] == "FDL" else gnu["name"]
    return f"{name}-{version}-{'or-later' if gnu['later'] else 'only'}"
