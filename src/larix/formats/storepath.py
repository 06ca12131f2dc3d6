"""Store paths: how they are spelled, and how they follow from what they name.

    STORE-DIR "/" HASH "-" NAME          HASH: 32 digits of nix-base32; NAME: 1 to 211 of [0-9A-Za-z+-._?=]

HASH is the SHA-256 of a *fingerprint*, folded to 20 bytes by exclusive or:

    KIND ":sha256:" INNER-IN-BASE16 ":" STORE-DIR ":" NAME

    kind                      names                                         inner text[:REF]*
    a file written by evaluation, a .drv          SHA-256 of the contents source[:REF]*[:self]      a tree
    added as it is                         SHA-256 of its NAR output:NAME               what a derivation
    makes                       its hash modulo fixed outputs output:out                other fixed outputs
    SHA-256 of "fixed:out:[r:]ALGO:HEX:"

References are sorted and listed once. The store directory enters every hash: a store cannot be moved.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NewType

from larix.formats import base32
from larix.formats.errors import FormatError
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.formats.hashes import Hash

__all__ = [
    "DEFAULT_STORE_DIR",
    "BadStoreName",
    "BadStorePath",
    "StoreDir",
    "StorePath",
    "check_name",
    "check_output_name",
    "hash_part",
    "make_fixed_path",
    "make_output_path",
    "make_store_path",
    "make_text_path",
    "name_part",
    "output_item_name",
    "parse_store_dir",
    "parse_store_path",
    "store_item_of",
]

StoreDir = NewType("StoreDir", str)
StorePath = NewType("StorePath", str)

DEFAULT_STORE_DIR = StoreDir("/larix/store")

HASH_LENGTH = 32
MAX_NAME_LENGTH = (
    211  # the longest whose item, with hash, hyphen and ".drv.lock"-like suffixes, fits in 255 bytes
)
_NAME_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-._?="
_LOW_160_BITS = (1 << 160) - 1


class BadStorePath(FormatError):
    noun = mark("store path")


class BadStoreName(BadStorePath):
    noun = mark("store item name")


def check_name(name: str) -> str:
    """`name`, if a store item may be called so."""
    # Stripping every allowed character leaves something exactly when another one is among them.
    if name.strip(_NAME_CHARACTERS) or not 0 < len(name) <= MAX_NAME_LENGTH or name[0] == ".":
        _refuse_name(name)
    return name


def _refuse_name(name: str) -> None:
    stray = next((char for char in name if char not in _NAME_CHARACTERS), None)
    if not name:
        raise BadStoreName(expected=tr("at least one character"), found=tr("none"))
    if stray is not None:
        raise BadStoreName(
            expected=tr("letters, digits and `+-._?=`"),
            found=tr("{stray!a} in {name!a}", stray=stray, name=name[:MAX_NAME_LENGTH]),
        )
    if len(name) > MAX_NAME_LENGTH:
        raise BadStoreName(
            expected=tr("at most {max_name_length} characters", max_name_length=MAX_NAME_LENGTH),
            found=f"{len(name)}",
        )
    # Current Nix refuses exactly these; Guix refuses every name that starts with a dot.
    if name in {".", ".."} or name.startswith((".-", "..-")):
        raise BadStoreName(expected=tr("a name that is no relative directory"), found=ascii(name))


def check_output_name(name: str) -> str:
    """`name`, if an output of a derivation may be called so."""
    check_name(name)
    if name == "drv":
        raise BadStoreName(subject=tr("output name"), expected=tr("a name other than `drv`"), found="`drv`")
    return name


def parse_store_dir(text: str) -> StoreDir:
    """An absolute, canonical directory name, of characters that need no quoting where it is hashed."""
    parts = text.split("/")
    if len(parts) < 2 or parts[0] or any(part in {"", ".", ".."} for part in parts[1:]):
        raise BadStorePath(
            subject=tr("store directory"),
            expected=tr("an absolute name without `//`, `.`, `..` or a final `/`"),
            found=ascii(text),
        )
    if not text.isascii() or not text.isprintable() or any(char in text for char in '"\\: '):
        raise BadStorePath(
            subject=tr("store directory"), expected=tr("plain ASCII characters"), found=ascii(text)
        )
    return StoreDir(text)


def parse_store_path(store_dir: StoreDir, text: str) -> StorePath:
    """`text`, if it is the path of an item directly in `store_dir`; nothing is looked up."""
    start = len(store_dir) + 1
    end = start + HASH_LENGTH
    if not text.startswith(store_dir) or text[start - 1 : start] != "/":
        raise BadStorePath(
            expected=tr("a path in `{store_dir}`", store_dir=store_dir), found=ascii(text[:300])
        )
    if text[start:end].strip(base32.ALPHABET) or text[end : end + 1] != "-":
        raise BadStorePath(
            offset=start,
            expected=tr("{hash_length} digits of nix-base32 and a hyphen", hash_length=HASH_LENGTH),
            found=ascii(text[start : end + 1]),
        )
    check_name(text[end + 1 :])
    return StorePath(text)


def store_item_of(store_dir: StoreDir, text: str) -> StorePath:
    """The item that `text`, a path in or below it, belongs to."""
    cut = text.find("/", len(store_dir) + 1)
    return parse_store_path(store_dir, text if cut < 0 else text[:cut])


def hash_part(path: StorePath) -> str:
    start = path.rindex("/") + 1
    return path[start : start + HASH_LENGTH]


def name_part(path: StorePath) -> str:
    return path[path.rindex("/") + HASH_LENGTH + 2 :]


def _path_of_fingerprint(store_dir: StoreDir, fingerprint: str, name: str) -> StorePath:
    number = int.from_bytes(sha256(fingerprint.encode("ascii")).digest(), "little")
    folded = (number & _LOW_160_BITS ^ number >> 160).to_bytes(20, "little")
    return StorePath(f"{store_dir}/{base32.encode(folded)}-{name}")


def make_store_path(store_dir: StoreDir, kind: str, inner: Hash, name: str) -> StorePath:
    """The general rule, for a `kind` of the table above and any inner hash."""
    check_name(name)
    return _path_of_fingerprint(store_dir, f"{kind}:{inner.algo}:{inner.base16()}:{store_dir}:{name}", name)


def make_text_path(
    store_dir: StoreDir, name: str, contents_sha256: bytes, references: Iterable[StorePath] = ()
) -> StorePath:
    check_name(name)
    kind = ":".join(["text", *sorted(set(references))])
    return _path_of_fingerprint(store_dir, f"{kind}:sha256:{contents_sha256.hex()}:{store_dir}:{name}", name)


def make_fixed_path(
    store_dir: StoreDir,
    name: str,
    hash: Hash,  # noqa: A002  (it is what it is called everywhere else)
    *,
    recursive: bool,
    references: Iterable[StorePath] = (),
    self_reference: bool = False,
) -> StorePath:
    """The path of content with a known hash: that of the NAR when `recursive`, else of the bare file.

    Only recursive SHA-256 content may have references; its `hash` is then taken with the item's own hash part
    blanked, where it refers to itself.
    """
    check_name(name)
    if recursive and hash.algo == "sha256":
        kind = ":".join(["source", *sorted(set(references)), *(["self"] if self_reference else [])])
        inner = hash.base16()
    else:
        if self_reference or any(True for _ in references):
            raise BadStorePath(
                expected=tr("no references of content other than recursive sha256"), found=tr("some")
            )
        kind = "output:out"
        inner = sha256(fixed_output_fingerprint(hash, recursive=recursive).encode("ascii")).hexdigest()
    return _path_of_fingerprint(store_dir, f"{kind}:sha256:{inner}:{store_dir}:{name}", name)


def fixed_output_fingerprint(hash: Hash, *, recursive: bool, path: str = "") -> str:  # noqa: A002
    """What a fixed output is in one line: without `path` it gives the path, with it the modulo hash."""
    return f"fixed:out:{'r:' if recursive else ''}{hash.algo}:{hash.base16()}:{path}"


def output_item_name(drv_name: str, output: str) -> str:
    return drv_name if output == "out" else f"{drv_name}-{output}"


def make_output_path(store_dir: StoreDir, modulo: bytes, output: str, drv_name: str) -> StorePath:
    """Where the derivation `drv_name` with the masked hash `modulo` puts `output`."""
    name = check_name(output_item_name(drv_name, output))
    return _path_of_fingerprint(store_dir, f"output:{output}:sha256:{modulo.hex()}:{store_dir}:{name}", name)
