"""The user's language: which one the environment asks for, and the translations into it.

`translations/LANGUAGE.po` holds them. Reading one takes longer than most commands, so the first to need it
leaves gettext's compiled form in the user's cache, which counts while the `.po` file has the time and size
that it was made from. Damaged, unwritable or lost, it costs time and nothing else.

Who reads English, or set no language, pays for none of this: `main` asks before it imports this module.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from larix import words

if TYPE_CHECKING:
    from gettext import GNUTranslations

__all__ = ["catalogues", "compiled", "speak_as_wished", "wanted_languages"]

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "translations")

# What encodings other than UTF-8 may lack, and what stands for it there.
_PLAINER = {
    "\u202f": "\u00a0", "\u2019": "'", "\u2026": "...", "\u00ab": '"', "\u00bb": '"', "\u00a0": " ",
    "\u2192": "->", "\u0153": "oe", "\u0152": "OE",
}  # fmt: skip


def wanted_languages() -> list[str]:
    """The names of locales in the user's order, as gettext takes them from the environment."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((name for name in names if name), "C")
    if locale.partition(".")[0] in {"C", "POSIX"}:
        return []
    return [each for each in os.environ.get("LANGUAGE", "").split(":") if each] or [locale]


def catalogues() -> dict[str, str]:
    """The languages that there are, each with its file."""
    try:
        names = os.listdir(FOLDER)
    except OSError:
        return {}
    return {name[:-3]: os.path.join(FOLDER, name) for name in sorted(names) if name.endswith(".po")}


def speak_as_wished() -> None:
    """Have everything said in the user's language, if there are translations; a broken file gives English."""
    offered = catalogues()
    language = words.chosen_language(wanted_languages(), list(offered))
    if language is not None:
        words.speak(*_load(offered[language]))
        _have_the_system_speak()


def _have_the_system_speak() -> None:
    """What the system says of refused calls comes from the C library, which knows its own languages."""
    import locale

    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_MESSAGES, "")


def _load(file: str) -> tuple[GNUTranslations | None, str | None]:
    """The translations, and where their compiled form is kept."""
    import struct

    cached = None
    with contextlib.suppress(OSError):
        status = os.stat(file)
        cached = _cache_file(file, status)
        if os.stat(cached).st_mtime_ns == status.st_mtime_ns:
            with open(cached, "rb") as stream, contextlib.suppress(ValueError, LookupError, struct.error):
                return _translations(stream.read()), cached
    from larix.errors import LarixError

    try:
        data = compiled(file)
    except LarixError:
        return None, None
    if cached is not None:
        _keep(cached, data, file)
    return _translations(data), cached


def _cache_file(file: str, status: os.stat_result) -> str:
    import zlib

    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    mark = zlib.crc32(os.fsencode(f"{file}\0{status.st_size}"))
    return f"{cache}/larix/words-{os.path.basename(file)[:-3]}-{mark:08x}.mo"


def _keep(cached: str, data: bytes, file: str) -> None:
    temporary = f"{cached}.{os.getpid()}"
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(cached), exist_ok=True)
        with open(temporary, "wb") as stream:
            stream.write(data)
        time = os.stat(file).st_mtime_ns
        os.utime(temporary, ns=(time, time))
        os.replace(temporary, cached)


def _translations(data: bytes) -> GNUTranslations:
    import gettext
    import io

    found = gettext.GNUTranslations(io.BytesIO(data))
    encodings = {getattr(stream, "encoding", None) or "utf-8" for stream in (sys.stdout, sys.stderr)}
    for encoding in encodings:
        if encoding.lower().replace("-", "") != "utf8":
            texts: dict[object, str] = vars(found)["_catalog"]
            for key, text in texts.items():
                texts[key] = _within(text, encoding)
    return found


def _within(text: str, encoding: str) -> str:
    """The text in what the encoding has; other letters that it lacks are escaped when written."""
    for letter, plainer in _PLAINER.items():
        try:
            letter.encode(encoding)
        except UnicodeEncodeError:
            text = text.replace(letter, plainer)
    return text


def compiled(file: str) -> bytes:
    """The `.mo` form of a `.po` file.

    A header of seven words, then the places of the texts and of their translations (length and offset each),
    both in the order of the texts' bytes, then all these strings, a NUL byte after each. A text with a plural
    holds both forms, a NUL between, and its translation all that the language has.
    """
    import struct

    from larix.packages.translation import read_catalogue

    pairs: list[tuple[bytes, bytes]] = []
    for message in read_catalogue(file):
        key = "\0".join((message.text, message.plural) if message.plural else (message.text,))
        pairs.append((key.encode(), "\0".join(message.translations).encode()))
    pairs.sort()
    count = len(pairs)
    header = 28
    place = header + 16 * count
    tables, strings = b"", b""
    for column in (0, 1):
        for pair in pairs:
            tables += struct.pack("<II", len(pair[column]), place + len(strings))
            strings += pair[column] + b"\0"
    start = struct.pack("<7I", 0x950412DE, 0, count, header, header + 8 * count, 0, place)
    return start + tables + strings
