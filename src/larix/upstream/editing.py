"""Updating a definition in place: the version, the hash of the new source, and nothing else."""

from __future__ import annotations

import ast
import os
import tempfile
from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.formats.hashes import Hash, parse_hash
from larix.packages.definition import CannotEdit, Definition, Edit, SourceText, strings_in
from larix.packages.origin import Origin
from larix.upstream.web import DownloadFailed
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from larix.packages.package import Package
    from larix.upstream.updating import Release
    from larix.upstream.web import Web

__all__ = ["fetch_hash", "replace_file", "spelled_like", "update_definition"]


def update_definition(
    package: Package, release: Release, web: Web, check: Callable[[str, str], object] | None = None
) -> None:
    """Make the definition that of `release`.

    The release is fetched from where the new definition will look for it, so what is written can be had.
    `check`, told the address and the file, raises when that is not what upstream signed. The definition's
    file is replaced in one step, after all is known.
    """
    origin = package.source
    if not isinstance(origin, Origin):
        raise CannotEdit(tr("its source is no origin"), place=package.location)
    own, its = Definition.at(package.location), Definition.at(origin.location)
    if own.source.file != its.source.file:
        raise CannotEdit(tr("its source is defined in another file"), place=origin.location)
    its = Definition(own.source, _call(own.source, origin))
    version, digest = own.literal("version"), its.literal(_hash_field(its))
    edits = [Edit(version, _quoted_like(own.source, version, release.version))]
    uris, more = _new_uris(package, origin, its, release)
    new = fetch_hash(uris, _algorithm(origin), web, check)
    text = spelled_like(str(digest.value), new)
    edits += [Edit(digest, _quoted_like(own.source, digest, text)), *more]
    data = own.source.edited(edits)
    ast.parse(data)  # what is written can be read again
    replace_file(own.source.file, data)


def _call(source: SourceText, origin: Origin) -> ast.Call:
    call = source.call_at(origin.location)
    if call is None:
        raise CannotEdit(tr("its source is not written out here"), place=origin.location)
    return call


def _hash_field(origin: Definition) -> str:
    return "sha256" if origin.field("sha256") is not None else "hash"


def _algorithm(origin: Origin) -> str:
    expected = origin.expected
    if expected.recursive:
        raise CannotEdit(tr("its hash is of a tree and not of a file"), place=origin.location)
    return expected.hash.algo


def _new_uris(
    package: Package, origin: Origin, definition: Definition, release: Release
) -> tuple[tuple[str, ...], list[Edit]]:
    """The addresses of the release, and what to change when the definition spells the version out."""
    source = package.inherit(version=release.version).source
    if isinstance(source, Origin) and source.uri != origin.uri:
        return source.uri, []
    field = definition.field("uri")
    old, new = package.version, release.version
    edits = [
        Edit(each, _quoted_like(definition.source, each, str(each.value).replace(old, new)))
        for each in (strings_in(field) if field is not None else ())
        if old in str(each.value) and not _in_f_string(field, each)
    ]
    if not edits:
        raise CannotEdit(
            tr("its URIs do not tell how they follow the version {old}", old=old), place=origin.location
        )
    return tuple(uri.replace(old, new) for uri in origin.uri), edits


def _in_f_string(tree: ast.AST | None, node: ast.Constant) -> bool:
    """Parts of such strings have no place of their own in older Pythons."""
    return tree is not None and any(
        each is not node and isinstance(each, ast.JoinedStr) and node in each.values
        for each in ast.walk(tree)
    )


def fetch_hash(
    uris: Iterable[str], algorithm: str, web: Web, check: Callable[[str, str], object] | None = None
) -> Hash:
    """The hash of what the first of the addresses that gives something gives, if `check` passes it.

    Raises DownloadFailed, and what `check` raises.
    """
    causes: dict[str, str] = {}
    first = ""
    for uri in uris:
        first = first or uri
        with tempfile.TemporaryDirectory(prefix="larix-") as folder:
            file = os.path.join(folder, "file")
            digest = _downloaded(uri, file, algorithm, web, causes)
            if digest is not None:
                if check is not None:
                    check(uri, file)
                return Hash(algorithm, digest)
    raise DownloadFailed(first, causes)


def _downloaded(uri: str, file: str, algorithm: str, web: Web, causes: dict[str, str]) -> bytes | None:
    try:
        return web.download(uri, file, algorithm).digest
    except DownloadFailed as error:
        causes |= error.causes
        return None


def spelled_like(old: str, new: Hash) -> str:
    """The hash in the alphabet, and with the prefix, that the old one was written in."""
    try:
        before = parse_hash(old, new.algo)
    except LarixError:
        return new.nix32()
    for spell in (Hash.base16, Hash.nix32, Hash.sri, Hash.base64, Hash.__str__):
        if spell(before) == old:
            return spell(new)
    for spell in (Hash.base16, Hash.nix32, Hash.base64):
        if f"{new.algo}:{spell(before)}" == old:
            return f"{new.algo}:{spell(new)}"
    return new.nix32()


def _quoted_like(source: SourceText, node: ast.expr, text: str) -> str:
    start, _ = source.span(node)
    quote = "'" if source.data[start : start + 1] == b"'" else '"'
    if any(each in text for each in "\\'\"\n"):
        return repr(text)
    return f"{quote}{text}{quote}"


def replace_file(file: str, data: bytes) -> None:
    """Give a file other contents in one step. It keeps its mode; a link stays a link."""
    real = os.path.realpath(file)
    mode = os.stat(real).st_mode & 0o7777
    descriptor, temporary = tempfile.mkstemp(prefix=".larix-", dir=os.path.dirname(real))
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, mode)
        os.replace(temporary, real)
    except BaseException:
        os.unlink(temporary)
        raise
