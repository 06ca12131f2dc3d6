"""Make store items valid: isolated builds, downloads, and the scheduler that orders them.

Layer: above `store`, beside nothing; it knows derivations as values and the store as files. It must not know
packages, profiles or the command line: progress goes out as events, failures as typed errors.

Nothing is imported here before it is asked for: the launcher of builds is a second interpreter, which passes
through this file and must start quickly.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from larix.builder.graph import Plan, plan
    from larix.builder.realisation import BuildResult, realise

__all__ = ["BuildResult", "Plan", "plan", "realise"]

_HOMES = {
    "BuildResult": "larix.builder.realisation",
    "Plan": "larix.builder.graph",
    "plan": "larix.builder.graph",
    "realise": "larix.builder.realisation",
}


def __getattr__(name: str) -> object:
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
