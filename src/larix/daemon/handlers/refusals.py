"""Why a client does not get what it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from larix.daemon.session import Session

__all__ = ["NotOffered", "NotPermitted", "require_trust"]


class NotOffered(LarixError):
    """An operation of the protocol that makes no sense here."""


class NotPermitted(LarixError):
    """The client may not do that."""


def require_trust(session: Session, action: str) -> None:
    """Raise NotPermitted unless the client is one of the trusted users."""
    if not session.peer.is_trusted:
        raise NotPermitted(
            tr("`{name}` may not {action}: that is for trusted users", name=session.peer.name, action=action),
            hint=tr("ask the operator, who may name you in `trusted-users` of daemon.toml"),
        )
