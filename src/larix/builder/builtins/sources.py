"""Finding a file in Debian's archive by its hash alone.

Debian's `orig` archives often are upstream's very bytes. Its source indexes list the hash of each, so that
when all of an origin's own places are gone, its content can still be found. An index is fetched when first
needed, reduced to one line for each file (`SHA-256 place`, sorted), and kept, with what the server said of
its age, in a folder that builtins share. Nothing is believed: what comes is checked against the hash like
anything else.
"""

from __future__ import annotations

import fcntl
import json
import lzma
import os
import time
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from larix.builder.builtins.transfer import Target, TransferError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from larix.builder.builtins.transfer import Fetcher

__all__ = ["SUITES", "find_by_hash", "reduce_index"]

SUITES = ("bookworm", "trixie", "sid")
_FRESH_SECONDS = 24 * 3600
_LINE = 65  # a hash and a space


def find_by_hash(
    digest: str,
    bases: Iterable[str],
    *,
    fetcher: Fetcher,
    cache: int,
    suites: Iterable[str] = SUITES,
    tell: Callable[[str, str], None],
) -> Iterator[str]:
    """URLs of files whose SHA-256, in base16, is `digest`; `cache` is an open folder to keep indexes in."""
    for base in bases:
        for suite in suites:
            url = f"{base.rstrip('/')}/dists/{suite}/main/source/Sources.xz"
            try:
                index = _index(url, fetcher, cache)
            except TransferError as error:
                tell(suite, error.cause)
                if error.connecting:
                    break
                continue
            place = _look_up(index, digest)
            if place is not None:
                yield f"{base.rstrip('/')}/{place}"
                return


def _index(url: str, fetcher: Fetcher, cache: int) -> bytes:
    """The reduced index of `url`, from the cache when that is fresh; one process fetches, others wait."""
    name = sha256(url.encode()).hexdigest()[:32]
    with _locked(f"{name}.lock", cache):
        kept = _read(name, cache)
        described = _read(f"{name}.json", cache)
        validators: dict[str, str] = json.loads(described) if described else {}
        if kept is not None and _age(name, cache) < _FRESH_SECONDS:
            return kept
        target = Target("sources.xz", sha256)
        try:
            fresh = fetcher.conditional(url, validators if kept is not None else {}, target)
        except TransferError:
            if kept is not None:
                return kept
            raise
        finally:
            target.close()
        if fresh is None and kept is not None:
            _write(name, kept, cache)  # another build user's file, whose time only a new one can mend
            return kept
        try:
            with lzma.open("sources.xz") as stream:
                reduced = reduce_index(stream)
        except (lzma.LZMAError, EOFError) as error:
            raise TransferError(tr("its source index is damaged")) from error
        _write(name, reduced, cache)
        _write(f"{name}.json", json.dumps(fresh or {}).encode(), cache)
        return reduced


def reduce_index(lines: Iterable[bytes]) -> bytes:
    """The files of a source index, from its lines: paragraphs with `Directory` and `Checksums-Sha256`."""
    found: list[bytes] = []
    directory = b""
    files: list[tuple[bytes, bytes]] = []
    in_checksums = False
    for line in lines:
        if in_checksums and line[:1] == b" ":
            digest, _size, name = line.split()
            files.append((digest, name))
            continue
        in_checksums = line.startswith(b"Checksums-Sha256:")
        if line.startswith(b"Directory:"):
            directory = line[10:].strip()
        elif not line.strip():
            found += [b"%b %b/%b\n" % (digest, directory, name) for digest, name in files]
            directory, files = b"", []
    found += [b"%b %b/%b\n" % (digest, directory, name) for digest, name in files]
    return b"".join(sorted(set(found)))


def _look_up(index: bytes, digest: str) -> str | None:
    at = index.find(b"\n" + digest.encode("ascii") + b" ")
    if at < 0 and not index.startswith(digest.encode("ascii") + b" "):
        return None
    start = at + 1 + _LINE
    return index[start : index.index(b"\n", start)].decode("ascii", "replace")


@contextmanager
def _locked(name: str, folder: int) -> Generator[None]:
    descriptor = os.open(name, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666, dir_fd=folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _age(name: str, folder: int) -> float:
    return time.time() - os.stat(name, dir_fd=folder).st_mtime


def _read(name: str, folder: int) -> bytes | None:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as stream:
        return stream.read()


def _write(name: str, data: bytes, folder: int) -> None:
    temporary = f"{name}.tmp-{os.urandom(6).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(temporary, flags, 0o644, dir_fd=folder), "wb") as stream:
        stream.write(data)
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
