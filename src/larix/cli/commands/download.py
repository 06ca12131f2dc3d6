"""`larix download URI`: a file into the store, under the name that an origin with its hash asks for.

With `--git` it is the tree of a commit. Its hash is that of an origin which unpacks the archive that a forge
makes of the commit, as long as nothing in the repository tells the forge to make another.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from larix.cli.digests import ALGORITHMS, FORMATS, algorithm_of, format_of
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.words import tr

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
                Option(
                    "hash",
                    "H",
                    "ALGORITHM",
                    "sha256 (default), sha512, sha1 or md5",
                    choices=tuple(sorted(ALGORITHMS)),
                ),
                Option(
                    "format",
                    "f",
                    "FORMAT",
                    "nix-base32 (default), base32, base16, hex, base64, sri",
                    choices=tuple(FORMATS),
                ),
                Option("output", "o", "FILE", "write to FILE and not to the store"),
                Option("git", "g", help="URI is a Git repository: take the tree of a commit of it"),
                Option("commit", argument="COMMIT", help="with --git: that commit or tag"),
                Option("branch", argument="BRANCH", help="with --git: the tip of that branch"),
                Option("recursive", "r", help="with --git: also the submodules"),
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
        raise UsageError(tr("no download URI was specified"))
    uri, *others = line.operands
    if others:
        raise UsageError(tr("{others}: extraneous argument", others=others[0]))
    _require_uri(uri)
    if line.has("git"):
        return _print_tree(line, uri, algorithm, style)
    for name in ("commit", "branch", "recursive"):
        if line.has(name):
            raise UsageError(tr("'--{name}' cannot be used without '--git'", name=name))
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
        hint = (
            tr("a file of this machine is file://{uri}", uri=os.path.abspath(uri))
            if os.path.exists(uri)
            else None
        )
        raise UsageError(tr("`{uri}' is no URI", uri=uri), hint=hint)


def file_name_of(uri: str) -> str:
    """The name that the file of an origin with this URI has in the store."""
    from larix.formats.storepath import BadStorePath, check_name

    base = unquote(urlsplit(uri).path).rstrip("/").rsplit("/", 1)[-1].lstrip(".")
    try:
        return check_name(base)
    except BadStorePath as error:
        raise UsageError(
            tr("`{uri}' ends in no name for a store file", uri=uri),
            hint=tr("`-o FILE' keeps it outside the store"),
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


def _print_tree(line: CommandLine, url: str, algorithm: str, style: str) -> int:
    from larix.cli.checkouts import cache_folder, check_out_tree
    from larix.cli.session import open_session

    if line.has("no-check-certificate"):
        hint = tr("git has settings of its own: http.sslVerify")
        raise UsageError(tr("'--no-check-certificate' cannot be used with '--git'"), hint=hint)
    output = line.last("output")
    path = os.path.abspath(output) if output is not None else None
    if path is not None and os.path.lexists(path):
        raise UsageError(tr("'{output}' is there already", output=output))
    name = f"{file_name_of(url).removesuffix('.git')}-checkout"
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(contextlib.closing(open_session())) if path is None else None
        beside = os.path.dirname(path) if path is not None else None
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=".larix-", dir=beside))
        tree = os.path.join(folder, "tree")
        commit = check_out_tree(
            cache_folder(),
            url,
            tree,
            branch=line.last("branch"),
            commit=line.last("commit"),
            submodules=line.has("recursive"),
        )
        found = _tree_digest(tree, algorithm)
        if session is not None:
            path = session.store.add_path(name, tree, algo=algorithm)
        elif path is not None:
            os.rename(tree, path)
    digest = FORMATS[style](found, algorithm)
    if line.has("json"):
        from larix.cli.tables import print_json

        print_json(path=path, algorithm=algorithm, format=style, hash=digest, commit=commit)
    else:
        print(path)
        print(digest)
    return 0


def _tree_digest(tree: str, algorithm: str) -> bytes:
    import hashlib

    from larix.store.pipeline import feed_archive
    from larix.store.tree import read_steps

    hasher = hashlib.new(algorithm.replace("-", "_"), usedforsecurity=False)
    feed_archive(read_steps(tree, borrow=True), hasher.update)
    return hasher.digest()


def _fetch(uri: str, file: str, algorithm: str, *, check: bool) -> Downloaded:
    from larix.cli.downloading import progress_shown
    from larix.upstream.web import Web

    with progress_shown() as tell:
        web = Web(check_certificates=check, progress=tell)
        return web.download(uri, file, algorithm.replace("-", "_"))
