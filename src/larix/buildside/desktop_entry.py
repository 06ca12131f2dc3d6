"""Entries of desktop menus written (freedesktop.org, Desktop Entry Specification 1.5).

[Desktop Entry]
Type=Application
Name=Greeter
Exec=/larix/store/HASH-greet/bin/greet
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from larix.buildside.failure import BuildSideError

__all__ = ["make_desktop_entry_file"]

Value = str | bool | Sequence[str] | Mapping[str, str | Sequence[str]]
KINDS = ("Application", "Link", "Directory")
KEY = re.compile(r"[A-Za-z0-9-]+")


def make_desktop_entry_file(
    file: str | os.PathLike[str], *, name: str, kind: str = "Application", **values: Value
) -> Path:
    """Write an entry; keyword arguments are its keys in lower case, with `_` between words.

    A list is joined by semicolons. A mapping gives translations by locale, the text without one under `""`:
    `comment={"": "Says hello", "de": "Sagt Hallo"}`. An application needs `exec`, a link `url`.
    """
    if kind not in KINDS:
        raise BuildSideError(f"desktop entry `{name}`: `{kind}` is none of {', '.join(KINDS)}")
    needed = {"Application": "exec", "Link": "url"}.get(kind)
    if needed is not None and needed not in values:
        raise BuildSideError(f"desktop entry `{name}`: the kind `{kind}` needs `{needed}`")
    lines = ["[Desktop Entry]", f"Type={kind}", f"Name={_escaped(name)}"]
    for each, value in values.items():
        lines += _lines(name, each, value)
    target = Path(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return target


def _lines(entry: str, name: str, value: Value) -> list[str]:
    key = {"url": "URL", "try_exec": "TryExec", "dbus_activatable": "DBusActivatable"}.get(name)
    key = key or "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    if not KEY.fullmatch(key):
        raise BuildSideError(f"desktop entry `{entry}`: `{name}` can be no key")
    if isinstance(value, Mapping):
        return [
            f"{key}[{locale}]={_text(each)}" if locale else f"{key}={_text(each)}"
            for locale, each in value.items()
        ]
    return [f"{key}={_text(value)}"]


def _text(value: str | bool | Sequence[str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _escaped(value)
    return "".join(_escaped(each).replace(";", r"\;") + ";" for each in value)


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return r"\s" + text[1:] if text.startswith(" ") else text
