"""Build events as JSON, for a client that is larix: nothing of them is lost on the way."""

from __future__ import annotations

import json
from typing import Any

from larix.errors import LarixError
from larix.formats.errors import excerpt
from larix.formats.wire import BadWire
from larix.protocol import events
from larix.protocol.events import BuildFailed, Event
from larix.words import tr

__all__ = ["LARIX_EVENT", "RemoteError", "event_from_json", "event_in_json"]

LARIX_EVENT = 0x6C00  # the kind of what is told, where Nix has numbers below 0x100

_KINDS: dict[str, Any] = {
    name: kind for name, kind in vars(events).items() if isinstance(kind, type) and hasattr(kind, "_fields")
}
_BYTES = {("BuildLog", "line")}


class RemoteError(LarixError):
    """What failed at the other end, as far as it came across; `kind` is the name of its class there."""

    def __init__(self, message: str, *, hint: str | None = None, exit_code: int = 1, kind: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        vars(self)["exit_code"] = exit_code  # the class has a default only


def event_in_json(event: Event) -> bytes:
    values: dict[str, Any] = {}
    for name, value in zip(event._fields, event, strict=True):
        if isinstance(value, bytes):
            values[name] = value.decode("utf-8", "surrogateescape")
        elif isinstance(value, LarixError):
            values[name] = {
                "kind": type(value).__name__,
                "message": str(value),
                "hint": value.hint,
                "exit_code": value.exit_code,
            }
        else:
            values[name] = value
    return json.dumps({"event": type(event).__name__, **values}).encode()


def event_from_json(data: bytes) -> Event:
    """Raises BadWire for what is no event."""
    try:
        values = json.loads(data)
        name = values.pop("event")
        kind = _KINDS[name]
        for field in kind._fields:  # a newer peer may tell more, an older one less
            if (name, field) in _BYTES:
                values[field] = values[field].encode("utf-8", "surrogateescape")
        if kind is BuildFailed:
            error = values["error"]
            values["error"] = RemoteError(
                error["message"], hint=error["hint"], exit_code=error["exit_code"], kind=error["kind"]
            )
        made: Event = kind(**{field: values[field] for field in kind._fields if field in values})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadWire(expected=tr("an event"), found=excerpt(data)) from error
    return made
