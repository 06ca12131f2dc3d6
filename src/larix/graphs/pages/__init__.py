"""Pages to look at, each one file that asks nothing of the network: a form of this folder with data in it."""

from __future__ import annotations

import html
import json
import os

__all__ = ["page"]


def page(form: str, title: str, data: object) -> str:
    """The page `form` with its data, which no text in it can break out of."""
    with open(os.path.join(os.path.dirname(__file__), f"{form}.html"), encoding="utf-8") as stream:
        text = stream.read()
    written = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return text.replace("@TITLE@", html.escape(title)).replace("@DATA@", written)
