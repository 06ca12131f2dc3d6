"""What can be wrong with a pack."""

from __future__ import annotations

from larix.errors import LarixError

__all__ = ["BadPack"]


class BadPack(LarixError):
    """What was asked for cannot be packed, or not in that format."""
