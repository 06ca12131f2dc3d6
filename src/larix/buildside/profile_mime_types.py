"""What packages say of file types: the files `share/mime/packages/*.xml`, read.

They are those of the Shared MIME-info specification of freedesktop.org: names (globs), contents (magic),
trees, other names, parents and icons of types. Files are read in the order of their names, `Override.xml`
last. What is wrong in one is told and passed over: a package's mistake keeps no profile from being made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import ParseError, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from xml.etree.ElementTree import Element

__all__ = ["NAMESPACE", "NO_MAGIC", "Glob", "Match", "Tree", "Types", "read_types"]

NAMESPACE = "http://www.freedesktop.org/standards/shared-mime-info"

_TYPE = re.compile(r"(?!packages/)[A-Za-z0-9][^/\s]*/[A-Za-z0-9][^/\s]*")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_TRANSLATED = frozenset({_LANGUAGE})
_DEFAULT = 50  # the weight of a glob, the priority of magic
# How a type's own file differs from what packages say: these stand elsewhere.
_ELSEWHERE = frozenset({"magic", "magic-deleteall", "root-XML", "treemagic"})
_ORDERS = {"big": "big", "host": "big", "little": "little"}
_NUMBER = re.compile(r"(?P<order>big|host|little)(?P<bits>16|32)|byte")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}


class Glob(NamedTuple):
    """A pattern of file names. If it is not `cased`, it is in small letters and fits capital ones too."""

    weight: int
    type: str
    pattern: str
    cased: bool


class Match(NamedTuple):
    """Bytes that stand at one of `length` places from `start`, and with them one of `inner` if there are any.

    `word` is the size of the numbers that a machine of little endian has in the other order.
    """

    start: int
    length: int
    word: int
    value: bytes
    mask: bytes | None
    inner: tuple[Match, ...]


# What stands for all magic of a type in folders that count less, and is not to be used.
NO_MAGIC = Match(0, 1, 1, b"__NOMAGIC__", None, ())


class Tree(NamedTuple):
    """A file in a volume that tells the type of all of it; `flags` as in `treemagic`."""

    path: str
    flags: tuple[str, ...]
    inner: tuple[Tree, ...]


class Types:
    """All that is known, each thing once; `elements` are what a type's own file has."""

    def __init__(self) -> None:
        self.elements: dict[str, dict[tuple[object, ...], Element]] = {}
        self.globs: dict[tuple[str, str, bool], Glob] = {}
        self.magic: list[tuple[int, str, tuple[Match, ...]]] = []
        self.trees: list[tuple[int, str, tuple[Tree, ...]]] = []
        self.aliases: dict[str, str] = {}
        self.parents: dict[str, list[str]] = {}
        self.icons: dict[str, str] = {}
        self.generic_icons: dict[str, str] = {}
        self.roots: dict[tuple[str, str], str] = {}
        self.globless: set[str] = set()
        self.magicless: set[str] = set()


def read_types(files: Iterable[str]) -> Types:
    types = Types()
    for file in sorted(files, key=lambda name: (name.endswith("/Override.xml"), name)):
        try:
            tree = parse(file)
        except (ParseError, LookupError, OSError) as error:
            _warn(file, error)
            continue
        for element in tree.getroot().findall(f"{{{NAMESPACE}}}mime-type"):
            name = element.get("type", "")
            if _TYPE.fullmatch(name):
                _read_type(types, name, element, file)
            else:
                _warn(file, f"`{name}` is no type")
    return types


def _read_type(types: Types, name: str, element: Element, file: str) -> None:
    own = types.elements.setdefault(name, {})
    for child in element:
        kind = str(child.tag).removeprefix(f"{{{NAMESPACE}}}")
        try:
            _read(types, name, kind, child)
        except (KeyError, ValueError) as error:
            _warn(file, f"{name}: <{kind}>: {error}")
            continue
        if kind not in _ELSEWHERE:
            key = _key(kind, child)
            own.pop(key, None)
            own[key] = child


def _key(kind: str, element: Element) -> tuple[object, ...]:
    """What an element replaces has the same: a text its language, all else everything."""
    if element.text and element.attrib.keys() <= _TRANSLATED:
        return kind, element.get(_LANGUAGE)
    return kind, *sorted(element.attrib.items()), element.text


def _read(types: Types, name: str, kind: str, element: Element) -> None:
    if kind == "glob":
        _add_glob(types, name, element)
    elif kind == "magic":
        matches = tuple(_matches(element))
        if matches:
            types.magic.append((_priority(element), name, matches))
    elif kind == "treemagic":
        trees = tuple(_trees(element))
        if trees:
            types.trees.append((_priority(element), name, trees))
    elif kind == "alias":
        types.aliases[_attribute(element, "type")] = name
    elif kind == "sub-class-of":
        parents = types.parents.setdefault(name, [])
        parent = _attribute(element, "type")
        if parent not in parents:
            parents.append(parent)
    elif kind == "icon":
        types.icons[name] = _attribute(element, "name")
    elif kind == "generic-icon":
        types.generic_icons[name] = _attribute(element, "name")
    elif kind == "root-XML":
        types.roots[element.get("namespaceURI", ""), element.get("localName", "")] = name
    elif kind == "glob-deleteall":
        types.globless.add(name)
    elif kind == "magic-deleteall":
        types.magicless.add(name)


def _add_glob(types: Types, name: str, element: Element) -> None:
    cased = element.get("case-sensitive") == "true"
    pattern = _attribute(element, "pattern")
    if "\n" in pattern:
        raise ValueError("a pattern of one line is expected")
    glob = Glob(_weight(element, "weight"), name, pattern if cased else pattern.lower(), cased)
    key = (name, glob.pattern, cased)
    if key not in types.globs or types.globs[key].weight < glob.weight:
        types.globs[key] = glob


def _matches(element: Element) -> Iterator[Match]:
    for child in element.findall(f"{{{NAMESPACE}}}match"):
        word, value, mask = _value(child)
        first, _, last = _attribute(child, "offset").partition(":")
        start = int(first)
        length = int(last) - start + 1 if last else 1
        if start < 0 or length < 1:
            raise ValueError(f"offset `{child.get('offset')}`")
        yield Match(start, length, word, value, mask, tuple(_matches(child)))


def _value(element: Element) -> tuple[int, bytes, bytes | None]:
    """Size of words, value and mask."""
    kind, value, mask = _attribute(element, "type"), _attribute(element, "value"), element.get("mask")
    if kind == "string":
        wanted = _unescaped(value)
        kept = None if mask is None else bytes.fromhex(mask.removeprefix("0x"))
        if not wanted or (kept is not None and len(kept) != len(wanted)):
            raise ValueError(f"value `{value}` with mask `{mask}`")
        return 1, wanted, kept
    match = _NUMBER.fullmatch(kind)
    if match is None:
        raise ValueError(f"type `{kind}`")
    size = int(match["bits"] or 8) // 8
    order = _ORDERS[match["order"] or "big"]
    word = size if match["order"] == "host" else 1
    return word, _number(value, size, order), None if mask is None else _number(mask, size, order)


def _number(text: str, size: int, order: str) -> bytes:
    """As C reads it: `0x` begins a hexadecimal number, `0` an octal one."""
    digits = text.strip().lower()
    base = 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10
    number = int(digits, base)
    if not 0 <= number < 1 << 8 * size:
        raise ValueError(f"`{text}` has no place in {size} bytes")
    return number.to_bytes(size, "big" if order == "big" else "little")


def _unescaped(text: str) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for match in _ESCAPE.finditer(text):
        pieces.append(text[at : match.start()].encode())
        at = match.end()
        code = match[1]
        if code[0] == "x" and len(code) > 1:
            pieces.append(bytes([int(code[1:], 16)]))
        elif code.isdigit() and code[0] in "01234567":
            pieces.append(bytes([int(code, 8) & 0xFF]))
        else:
            pieces.append(_LETTERS.get(code, code).encode())
    return b"".join([*pieces, text[at:].encode()])


def _trees(element: Element) -> Iterator[Tree]:
    for child in element.findall(f"{{{NAMESPACE}}}treematch"):
        kind = child.get("type", "any")
        if kind not in ("any", "file", "directory", "link"):
            raise ValueError(f"type `{kind}`")
        flags = [name for name in ("match-case", "executable", "non-empty") if child.get(name) == "true"]
        named = child.get("mimetype")
        flags += [named] if named else []
        yield Tree(_attribute(child, "path"), (kind, *flags), tuple(_trees(child)))


def _priority(element: Element) -> int:
    return _weight(element, "priority")


def _weight(element: Element, name: str) -> int:
    weight = int(element.get(name, _DEFAULT))
    if not 0 <= weight <= 100:
        raise ValueError(f"{name} `{weight}`")
    return weight


def _attribute(element: Element, name: str) -> str:
    value = element.get(name)
    if not value:
        raise ValueError(f"`{name}` is missing")
    return value


def _warn(file: str, what: object) -> None:
    print(f"warning: {file}: {what}", flush=True)
