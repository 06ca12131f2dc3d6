"""`larix hash FILE...`: the digest of files and trees in the spellings of the field."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from typing import BinaryIO

from larix.cli.digests import ALGORITHMS, FORMATS, algorithm_of, format_of
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.errors import LarixError
from larix.words import tr

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "compute the cryptographic hash of a file"

BLOCK = 1 << 20


SERIALIZERS = ("none", "nar", "git")
VERSION_CONTROL = {b".git", b".hg", b".svn", b".bzr", b"CVS", b"_darcs", b".jj"}

GRAMMAR = Grammar(
    "hash",
    "hash [OPTION] FILE...",
    "Print the cryptographic hash of each FILE, one a line; `-' is standard input.",
    (
        (
            "",
            (
                Option(
                    "hash",
                    "H",
                    "ALGORITHM",
                    "md5, sha1, sha256 (default), sha512, sha3-256, ...",
                    choices=tuple(sorted(ALGORITHMS)),
                ),
                Option(
                    "format",
                    "f",
                    "FORMAT",
                    "nix-base32 (default), base32, base16, hex, base64, sri",
                    choices=tuple(FORMATS),
                ),
                Option(
                    "serializer",
                    "S",
                    "TYPE",
                    "none (default: the file's bytes), nar or git",
                    choices=SERIALIZERS,
                ),
                Option("recursive", "r", help="the same as --serializer=nar"),
                Option("exclude-vcs", "x", help="leave out the folders of version control systems"),
                Option("json", help="print JSON"),
            ),
        ),
    ),
)


class NotHashable(LarixError):
    """A file of a kind that the chosen serialisation does not know."""


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    algorithm = algorithm_of(line)
    style = format_of(line)
    serializer = _serializer(line)
    if not line.operands:
        raise UsageError(tr("no arguments specified"))
    results: list[tuple[str, str]] = []
    for file in line.operands:
        digest = _digest(file, algorithm.replace("-", "_"), serializer, without_vcs=line.has("exclude-vcs"))
        results.append((file, FORMATS[style](digest, algorithm)))
    if line.has("json"):
        import json

        files = [
            {"file": file, "algorithm": algorithm, "format": style, "hash": text} for file, text in results
        ]
        print(json.dumps({"version": 1, "hashes": files}, indent=2))
    else:
        for _, text in results:
            print(text)
    return 0


def _serializer(line: CommandLine) -> str:
    chosen = [
        token.value if token.name == "serializer" else "nar"
        for token in line.tokens
        if token.name in ("serializer", "recursive")
    ]
    serializer = (chosen[-1] if chosen else None) or "none"
    if serializer not in SERIALIZERS:
        hint = tr("there are {serializers}", serializers=", ".join(SERIALIZERS))
        raise UsageError(tr("unsupported serializer type: {serializer}", serializer=serializer), hint=hint)
    return serializer


def _digest(file: str, algorithm: str, serializer: str, *, without_vcs: bool) -> bytes:
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    if file == "-" or serializer == "none":
        if file == "-":
            _feed(hasher.update, sys.stdin.buffer)
        else:
            if os.path.isdir(file):
                raise NotHashable(
                    tr("'{file}' is a directory", file=file), hint=tr("`-r' hashes it as origins of trees do")
                )
            with open(file, "rb") as stream:
                _feed(hasher.update, stream)
        return hasher.digest()
    skip = VERSION_CONTROL if without_vcs else set[bytes]()
    if serializer == "git":
        return _git_object(os.fsencode(file), algorithm, skip)[1]
    from larix.store.pipeline import feed_archive
    from larix.store.tree import read_steps

    def keep(name: bytes) -> bool:
        return os.path.basename(name) not in skip

    feed_archive(read_steps(file, keep=keep if skip else None, borrow=True), hasher.update)
    return hasher.digest()


def _feed(update: Callable[[bytes], None], stream: BinaryIO) -> None:
    while block := stream.read(BLOCK):
        update(block)


def _git_object(file: bytes, algorithm: str, skip: set[bytes]) -> tuple[bytes, bytes]:
    """Mode and object name of `file` as Git would store it; empty directories are not stored by it."""
    import stat

    status = os.lstat(file)
    if stat.S_ISLNK(status.st_mode):
        return b"120000", _git_name(b"blob", os.readlink(file), algorithm)
    if stat.S_ISREG(status.st_mode):
        hasher = hashlib.new(algorithm, usedforsecurity=False)
        hasher.update(b"blob %d\0" % status.st_size)
        with open(file, "rb") as stream:
            _feed(hasher.update, stream)
        return (b"100755" if status.st_mode & 0o100 else b"100644"), hasher.digest()
    if not stat.S_ISDIR(status.st_mode):
        raise NotHashable(
            tr("`{file}' is neither a file, a directory nor a symbolic link", file=os.fsdecode(file))
        )
    entries: list[tuple[bytes, bytes]] = []
    for name in os.listdir(file):
        if name in skip:
            continue
        child = os.path.join(file, name)
        mode, digest = _git_object(child, algorithm, skip)
        if mode != b"40000" or digest != _git_name(b"tree", b"", algorithm):
            order = name + b"/" if mode == b"40000" else name
            entries.append((order, mode + b" " + name + b"\0" + digest))
    return b"40000", _git_name(b"tree", b"".join(text for _, text in sorted(entries)), algorithm)


def _git_name(kind: bytes, body: bytes, algorithm: str) -> bytes:
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    hasher.update(b"%b %d\0" % (kind, len(body)))
    hasher.update(body)
    return hasher.digest()
