"""Names of store files and of packages, taken apart.

/larix/store/HASH-NAME-VERSION/bin/program
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "HASH_LENGTH",
    "is_store_file_name",
    "split_package_name",
    "store_directory",
    "strip_store_file_name",
]

HASH_LENGTH = 32  # digits of the hash in a store file name
DIGITS = "0-9a-df-np-sv-z"  # those of the store's base 32: no e, o, t, u
DEFAULT_STORE = "/larix/store"


def store_directory(environment: Mapping[str, str] = os.environ) -> str:
    """The store that this build is in."""
    return environment.get("LARIX_STORE") or environment.get("NIX_STORE") or DEFAULT_STORE


def is_store_file_name(name: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a store item or of something below one; nothing needs to exist."""
    return _ITEM.match(_below_store(name)) is not None


def strip_store_file_name(name: str | os.PathLike[str]) -> str:
    """The name without the store directory and the hash, or as it is if it has none: `hello-2.10/bin`."""
    rest = _below_store(name)
    return rest[HASH_LENGTH + 1 :] if _ITEM.match(rest) else os.fspath(name)


def split_package_name(name: str) -> tuple[str, str | None]:
    """`hello-2.10` as `hello` and `2.10`: the version starts after the first hyphen before a digit."""
    match = re.match(r"(?P<name>.+?)-(?P<version>[0-9].*)", name)
    return (match["name"], match["version"]) if match else (name, None)


_ITEM = re.compile(rf"[{DIGITS}]{{{HASH_LENGTH}}}-.")


def _below_store(name: str | os.PathLike[str]) -> str:
    store, text = store_directory(), os.fspath(name)
    return text[len(store) + 1 :] if text.startswith(f"{store}/") else ""
