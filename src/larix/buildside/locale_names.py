"""The categories of locales by the names that the environment knows."""

from __future__ import annotations

import locale

from larix.buildside.failure import BuildSideError

__all__ = ["locale_category_name"]

NAMES = ("LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME")


def locale_category_name(category: int) -> str:
    """`LC_CTYPE` for `locale.LC_CTYPE`, and so on: the variable that chooses it."""
    for name in NAMES:
        if getattr(locale, name) == category:
            return name
    raise BuildSideError(f"{category} is no category of locales")
