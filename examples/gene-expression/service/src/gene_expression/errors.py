"""What a visitor or operator can cause: told in one line, with the status that HTTP has for it."""

from __future__ import annotations

__all__ = ["BadData", "MappingFailed", "NotFound", "ServiceError", "TooFew"]


class ServiceError(Exception):
    status = 500


class BadData(ServiceError):
    """A table or a form that cannot be read."""

    status = 400


class NotFound(ServiceError):
    """There is no trait of that name."""

    status = 404


class TooFew(ServiceError):
    """Too few strains have values for what was asked."""

    status = 422


class MappingFailed(ServiceError):
    """GEMMA could not be started, or gave no result."""
