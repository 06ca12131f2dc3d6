"""Which applications open which kinds of files: `mimeinfo.cache` beside the desktop entries that tell."""

from __future__ import annotations

import os

__all__ = ["APPLICATIONS", "is_desktop_entry", "make_application_cache"]

APPLICATIONS = "share/applications"


def is_desktop_entry(name: str) -> bool:
    return name.endswith(".desktop")


def make_application_cache(folder: str) -> None:
    kinds: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)):
        if is_desktop_entry(name):
            for kind in _kinds(f"{folder}/{name}"):
                kinds.setdefault(kind, []).append(name)
    lines = [f"{kind}={';'.join(names)};\n" for kind, names in sorted(kinds.items())]
    file = f"{folder}/mimeinfo.cache"
    if os.path.lexists(file):
        os.unlink(file)
    with open(file, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.writelines(["[MIME Cache]\n", *lines])


def _kinds(file: str) -> list[str]:
    """What the main group of a desktop entry lists as `MimeType`, each once."""
    group = ""
    with open(file, encoding="utf-8", errors="surrogateescape") as stream:
        for line in stream:
            text = line.strip()
            if text.startswith("["):
                group = text
            key, equals, value = text.partition("=")
            if group == "[Desktop Entry]" and equals and key.rstrip() == "MimeType":
                return list(dict.fromkeys(each.strip() for each in value.split(";") if each.strip()))
    return []
