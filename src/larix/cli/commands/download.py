"""`larix download URI`: a file into the store, under the name that an origin with its hash asks for."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from larix.cli.digests import ALGORITHMS, FORMATS, algorithm_of, format_of
from larix.cli.options import Grammar, Option, UsageError, parse

if TYPE_CHECKING:
    from larix.upstream.web import Downloaded

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "download a file to the store and print its hash"

GRAMMAR = Grammar(
    "download",
    "download [OPTION] URI",
    "Download what URI names, put it into the store, and print where it is there, and its hash.\n"
    "URI is as in an origin: https, http, ftp, file, mirror://NAME/..., debian://pool/..., pypi://NAME/FILE.",
    (
        (
            "",
            (
                Option("hash", "H", "ALGORITHM", "sha256 (default), sha512, sha1 or md5"),
                Option("format", "f", "FORMAT", "nix-base32 (default), base32, base16, hex, base64, sri"),
                Option("output", "o", "FILE", "write to FILE and not to the store"),
                Option("no-check-certificate", help="do not check the certificates of servers"),
                Option("json", help="print JSON"),
            ),
        ),
    ),
)
STORED = frozenset({"md5", "sha1", "sha256", "sha512"})


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    algorithm = algorithm_of(line, ALGORITHMS if line.has("output") else STORED)
    style = format_of(line)
    if not line.operands:
        raise UsageError("no download URI was specified")
    uri, *others = line.operands
    if others:
        raise UsageError(f"{others[0]}: extraneous argument")
    _require_uri(uri)
    output = line.last("output")
    check = not line.has("no-check-certificate")
    if output is not None:
        path, done = _into_file(uri, output, algorithm, check=check)
    else:
        path, done = _into_store(uri, file_name_of(uri), algorithm, check=check)
    digest = FORMATS[style](done.digest, algorithm)
    if line.has("json"):
        from larix.cli.tables import print_json

        print_json(path=path, algorithm=algorithm, format=style, hash=digest, size=done.size)
    else:
        print(path)
        print(digest)
    return 0


def _require_uri(uri: str) -> None:
    if "://" not in uri or any(each.isspace() for each in uri):
        hint = f"a file of this machine is file://{os.path.abspath(uri)}" if os.path.exists(uri) else None
        raise UsageError(f"`{uri}' is no URI", hint=hint)


def file_name_of(uri: str) -> str:
    """The name that the file of an origin with this URI has in the store."""
    from larix.formats.storepath import BadStorePath, check_name

    base = unquote(urlsplit(uri).path).rstrip("/").rsplit("/", 1)[-1].lstrip(".")
    try:
        return check_name(base)
    except BadStorePath as error:
        raise UsageError(
            f"`{uri}' ends in no name for a store file", hint="`-o FILE' keeps it outside the store"
        ) from error


def _into_file(uri: str, output: str, algorithm: str, *, check: bool) -> tuple[str, Downloaded]:
    """Nothing is left at `output` of a download that fails."""
    path = os.path.abspath(output)
    arriving = f"{path}.part"
    try:
        done = _fetch(uri, arriving, algorithm, check=check)
        os.rename(arriving, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(arriving)
        raise
    return path, done


def _into_store(uri: str, name: str, algorithm: str, *, check: bool) -> tuple[str, Downloaded]:
    from larix.cli.session import open_session

    with (
        contextlib.closing(open_session()) as session,
        tempfile.TemporaryDirectory(prefix="larix-") as folder,
    ):
        file = os.path.join(folder, "file")
        done = _fetch(uri, file, algorithm, check=check)
        return session.store.add_path(name, file, recursive=False, algo=algorithm), done


def _fetch(uri: str, file: str, algorithm: str, *, check: bool) -> Downloaded:
    from larix.cli.downloading import progress_shown
    from larix.upstream.web import Web

    with progress_shown() as tell:
        web = Web(check_certificates=check, progress=tell)
        return web.download(uri, file, algorithm.replace("-", "_"))
