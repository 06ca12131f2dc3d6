"""The database of file types, `share/mime`, made from what packages say in `share/mime/packages`.

Programs learn here of which type a file is, by its name or its contents, and what is told of a type:

    globs2, globs       patterns of names: `WEIGHT:TYPE:PATTERN[:cs]`; `TYPE:PATTERN` for older readers
    magic, treemagic    what stands in files, and in volumes
    aliases             `OTHER NAME`; subclasses `TYPE PARENT`; XMLnamespaces `URI ELEMENT TYPE`
    icons               `TYPE:ICON`; generic-icons the same
    types               all types; MEDIA/SUBTYPE.xml, in small letters, what each is called
    mime.cache          most of this in binary form, which most programs read
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from larix.buildside.profile_mime_cache import mime_cache
from larix.buildside.profile_mime_types import NAMESPACE, NO_MAGIC, read_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from xml.etree.ElementTree import Element

    from larix.buildside.profile_mime_types import Glob, Match, Tree, Types

__all__ = ["MIME", "PACKAGES", "is_description", "make_mime_database"]

MIME = "share/mime"
PACKAGES = "/packages"  # below it

_VERSION = "2.2\n"  # of the program whose form this is
_NOTE = "Made by larix from ../packages for a profile"
_XML = "{http://www.w3.org/XML/1998/namespace}"


def is_description(name: str) -> bool:
    return name.endswith(".xml")


def make_mime_database(folder: str) -> None:
    """Write the database into `folder`, in place of all that stands beside `packages`."""
    for name in os.listdir(folder):
        if f"/{name}" != PACKAGES:
            _remove(f"{folder}/{name}")
    packages = folder + PACKAGES
    types = read_types(f"{packages}/{name}" for name in os.listdir(packages) if is_description(name))
    for name, text in _texts(types).items():
        _write(f"{folder}/{name}", text.encode())
    _write(f"{folder}/magic", b"MIME-Magic\0\n" + b"".join(_magic(types)))
    _write(f"{folder}/mime.cache", mime_cache(types))
    for name, elements in types.elements.items():
        file = f"{folder}/{name.lower()}.xml"
        if not os.path.isdir(os.path.dirname(file)):
            os.mkdir(os.path.dirname(file))
        _write(file, _described(name, elements.values()).encode())


def _texts(types: Types) -> dict[str, str]:
    globs = sorted(types.globs.values(), key=lambda glob: (-glob.weight, glob))
    old = [(glob.type, glob.pattern) for glob in globs]
    return {
        "globs": _lines(
            [
                "# Made by larix",
                *(f"{name}:__NOGLOBS__" for name in sorted(types.globless)),
                *dict.fromkeys(f"{name}:{pattern}" for name, pattern in old),
            ]
        ),
        "globs2": _lines(
            [
                "# Made by larix",
                *(f"0:{name}:__NOGLOBS__" for name in sorted(types.globless)),
                *dict.fromkeys(line for glob in globs for line in _glob_lines(glob)),
            ]
        ),
        "aliases": _lines(f"{alias} {name}" for alias, name in sorted(types.aliases.items())),
        "subclasses": _lines(
            f"{name} {parent}" for name, parents in sorted(types.parents.items()) for parent in parents
        ),
        "XMLnamespaces": _lines(
            f"{uri} {local} {name}" for (uri, local), name in sorted(types.roots.items())
        ),
        "icons": _lines(f"{name}:{icon}" for name, icon in sorted(types.icons.items())),
        "generic-icons": _lines(f"{name}:{icon}" for name, icon in sorted(types.generic_icons.items())),
        "types": _lines(sorted(types.elements)),
        "treemagic": "MIME-TreeMagic\0\n" + "".join(_treemagic(types)),
        "version": _VERSION,
    }


def _glob_lines(glob: Glob) -> Iterator[str]:
    """A pattern for letters of one kind comes again without saying so, for readers that would skip it."""
    if glob.cased:
        yield f"{glob.weight}:{glob.type}:{glob.pattern}:cs"
    yield f"{glob.weight}:{glob.type}:{glob.pattern}"


def _magic(types: Types) -> Iterator[bytes]:
    for name in sorted(types.magicless):
        yield f"[0:{name}]\n".encode() + _match_line(NO_MAGIC, 0)
    for priority, name, matches in sorted(types.magic, key=lambda entry: (-entry[0], entry[1])):
        yield f"[{priority}:{name}]\n".encode()
        yield from _match_lines(matches, 0)


def _match_lines(matches: Iterable[Match], depth: int) -> Iterator[bytes]:
    for match in matches:
        yield _match_line(match, depth)
        yield from _match_lines(match.inner, depth + 1)


def _match_line(match: Match, depth: int) -> bytes:
    line = (f"{depth}" if depth else "").encode() + f">{match.start}=".encode()
    line += len(match.value).to_bytes(2, "big") + match.value
    if match.mask is not None:
        line += b"&" + match.mask
    if match.word != 1:
        line += f"~{match.word}".encode()
    if match.length != 1:
        line += f"+{match.length}".encode()
    return line + b"\n"


def _treemagic(types: Types) -> Iterator[str]:
    for priority, name, trees in sorted(types.trees, key=lambda entry: (-entry[0], entry[1])):
        yield f"[{priority}:{name}]\n"
        yield from _tree_lines(trees, 0)


def _tree_lines(trees: Iterable[Tree], depth: int) -> Iterator[str]:
    for tree in trees:
        yield f'{depth or ""}>"{tree.path}"={",".join(tree.flags)}\n'
        yield from _tree_lines(tree.inner, depth + 1)


def _described(name: str, elements: Iterable[Element]) -> str:
    """The file of one type."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f"<mime-type xmlns={_quoted(NAMESPACE)} type={_quoted(name)}>",
    ]
    lines.append(f"  <!--{_NOTE}-->")
    lines += [f"  {_element(each)}" for each in elements]
    return _lines([*lines, "</mime-type>"])


def _element(element: Element) -> str:
    """An element as text; of what is of another name space, that name space with it."""
    space, _, tag = str(element.tag).lstrip("{").rpartition("}")
    start = tag if space == NAMESPACE else f"{tag} xmlns={_quoted(space)}"
    for key, value in element.attrib.items():
        attribute = key.replace(_XML, "xml:")
        if not attribute.startswith("{"):
            start += f" {attribute}={_quoted(value)}"
    inner = _escaped(element.text or "")
    for each in element:
        inner += _element(each) + _escaped(each.tail or "")
    return f"<{start}>{inner}</{tag}>" if inner else f"<{start}/>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quoted(text: str) -> str:
    return '"' + _escaped(text).replace('"', "&quot;") + '"'


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _write(file: str, data: bytes) -> None:
    with open(file, "wb") as stream:
        stream.write(data)


def _remove(file: str) -> None:
    if os.path.isdir(file) and not os.path.islink(file):
        shutil.rmtree(file)
    else:
        os.unlink(file)
