"""Bringing content into the store. What has no name that follows from it is for trusted users."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from larix.daemon.handlers.refusals import NotOffered, NotPermitted, require_trust
from larix.formats.hashes import DIGEST_SIZES, parse_hash
from larix.formats.nar.encoder import ARCHIVE_START, regular_end, regular_start
from larix.formats.signature import fingerprint, is_signed
from larix.formats.storepath import StorePath, parse_store_path
from larix.formats.wire import StreamReader
from larix.protocol.channel import archive, reader_of
from larix.protocol.dialect import BATCH
from larix.protocol.store import PathInfo
from larix.protocol.values import KEYED_INFO
from larix.words import tr

if TYPE_CHECKING:
    from larix.daemon.session import Session
    from larix.protocol.values import DerivationText

__all__ = [
    "add_build_log",
    "add_multiple_to_store",
    "add_signatures",
    "add_text_to_store",
    "add_texts",
    "add_to_store",
    "add_to_store_nar",
    "import_paths",
    "register_drv_output",
]

_MAX_TEXT = 1 << 26
_MAX_FLAT = 1 << 26


class TooLarge(NotOffered):
    """More than is held in memory for one client."""


def add_text_to_store(
    session: Session, *, name: str, contents: bytes, references: Sequence[StorePath]
) -> StorePath:
    return session.store.add_text(name, contents, references)


def add_texts(session: Session, *, texts: Sequence[DerivationText]) -> tuple[StorePath, ...]:
    return tuple(session.store.add_texts(texts))


def add_to_store(session: Session, *, name: str, body: Iterable[bytes], **how: Any) -> StorePath | PathInfo:
    """Nix from 1.25 on names a method and gets the record; the others say how to hash, and get the path.

    A flat file comes bare to the new form, and as an archive to the old one.
    """
    method = how.get("method")
    if not isinstance(method, str):
        recursive, algo = bool(how["is_recursive"]), str(how["algorithm"])
        if not how["is_fixed"]:
            recursive, algo = True, "sha256"  # an older way to say the usual
        return session.store.add_dump(name, body, recursive=recursive, algo=_algorithm(algo))
    if how["repair"]:
        require_trust(session, "repair items")
    references: tuple[StorePath, ...] = tuple(how["references"])
    if method == "text:sha256":
        path = session.store.add_text(name, _whole(body, _MAX_TEXT), references)
        return session.store.path_info(path)
    kind, _, algo = method.rpartition(":")
    if kind == "fixed:r":
        path = session.store.add_dump(name, body, algo=_algorithm(algo), references=references)
    elif kind == "fixed" and not references:
        path = _add_flat(session, name, body, _algorithm(algo))
    else:
        raise NotOffered(
            tr("adding by `{method}` is not offered: only text, files and archives are", method=method)
        )
    return session.store.path_info(path)


def _algorithm(name: str) -> str:
    if name not in DIGEST_SIZES:
        raise NotOffered(
            tr(
                "`{name}` is no hash algorithm: known are {known}",
                name=name,
                known=", ".join(DIGEST_SIZES),
            )
        )
    return name


def _whole(body: Iterable[bytes], limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in body:
        size += len(piece)
        if size > limit:
            raise TooLarge(tr("a text of more than {limit} bytes", limit=limit), hint=tr("add it as a file"))
        pieces.append(piece)
    return b"".join(pieces)


def _add_flat(session: Session, name: str, body: Iterable[bytes], algo: str) -> StorePath:
    """A bare file. Its archive says the size first, so what is large goes by a file of its own."""
    pieces: list[bytes] = []
    size = 0
    source = iter(body)
    for piece in source:
        pieces.append(piece)
        size += len(piece)
        if size > _MAX_FLAT:
            break
    else:
        framed = [ARCHIVE_START + regular_start(size, executable=False), *pieces, regular_end(size)]
        return session.store.add_dump(name, framed, recursive=False, algo=algo)
    with tempfile.NamedTemporaryFile(dir=session.store.layout.state_dir, prefix="incoming-") as spool:
        spool.writelines(pieces)
        spool.writelines(source)
        spool.flush()
        return session.store.add_path(name, spool.name, recursive=False, algo=algo)


def add_to_store_nar(
    session: Session,
    *,
    path: StorePath,
    deriver: StorePath | None,
    nar_hash: str,
    references: Sequence[StorePath],
    registration_time: int,
    nar_size: int,
    ultimate: bool,
    signatures: Sequence[str],
    content_address: str,
    repair: bool,
    dont_check_signatures: bool,
    body: Iterable[bytes],
) -> None:
    info = PathInfo(
        path,
        parse_hash(nar_hash, None if ":" in nar_hash else "sha256"),
        nar_size,
        tuple(sorted(set(references))),
        deriver,
        registration_time,
        ultimate,
        tuple(signatures),
        content_address or None,
    )
    if repair:
        require_trust(session, "repair items")
    session.store.add_nar(_admitted(session, info, must_be_signed=not dont_check_signatures), body)


def _admitted(session: Session, info: PathInfo, *, must_be_signed: bool) -> PathInfo:
    """The record as far as this client may say it.

    What is not named by its content can be anything: a trusted user may say what it is, or somebody whose key
    is trusted, over all that is then believed. Nobody else may say either who made it, and signatures of
    others say nothing.
    """
    if session.peer.is_trusted and not must_be_signed:
        return info
    message = fingerprint(info.path, info.nar_hash, info.nar_size, info.references)
    keys = session.settings.trusted_public_keys
    good = tuple(signature for signature in info.signatures if is_signed(signature, message, keys))
    if not good and info.content_address is None:
        raise _not_trusted(session, info)
    if session.peer.is_trusted:
        return info
    known = session.store.path_infos((info.path,)).get(info.path)
    if (
        known is not None
        and fingerprint(known.path, known.nar_hash, known.nar_size, known.references) != message
    ):
        good = ()
    return info._replace(ultimate=False, deriver=None, registration_time=0, signatures=good)


def _not_trusted(session: Session, info: PathInfo) -> NotPermitted:
    names = ", ".join(sorted({each.partition(":")[0][:64] for each in info.signatures}))
    if session.peer.is_trusted:
        hint = tr("name its key in `trusted-public-keys` of daemon.toml, or copy with `--no-check-sigs`")
    elif names:
        hint = tr(
            "ask the operator for a key of {names} in `trusted-public-keys` of daemon.toml", names=names
        )
    else:
        hint = tr("have it signed by a key that is trusted, or added by a trusted user")
    return NotPermitted(
        tr(
            "`{path}` is neither named by its content nor signed by a key that is trusted here",
            path=info.path,
        ),
        hint=hint,
    )


def add_multiple_to_store(
    session: Session, *, repair: bool, dont_check_signatures: bool, body: Iterable[bytes]
) -> None:
    if repair:
        require_trust(session, "repair items")
    reader = reader_of(body)
    for _ in range(reader.u64(limit=1 << 32)):
        _add_next(session, reader, must_be_signed=not dont_check_signatures)


def _add_next(session: Session, reader: StreamReader, *, must_be_signed: bool) -> None:
    info = KEYED_INFO.read(reader, session.dialect)
    reader.check()
    pieces = archive(reader)
    session.store.add_nar(_admitted(session, info, must_be_signed=must_be_signed), pieces)
    for _ in pieces:  # it was valid already
        pass


def import_paths(session: Session, *, body: Iterable[bytes]) -> tuple[StorePath, ...]:
    """An export stream. What it says is believed of signatures alone, root's too; those of Nix have none."""
    from larix.daemon.importing import import_stream
    from larix.store.keys import authorised_keys, configuration_dir

    has_signatures = session.dialect.is_guix or BATCH in session.dialect.features
    is_believed = session.peer.is_trusted and not has_signatures
    authorised = None if is_believed else authorised_keys(configuration_dir())

    def tell(path: StorePath) -> None:
        session.teller.line(tr("importing `{path}'...", path=path))

    return tuple(import_stream(session.store, body, authorised=authorised, told=tell))


def add_signatures(session: Session, *, path: StorePath, signatures: Sequence[str]) -> None:
    require_trust(session, "sign items")
    session.store.path_info(path)
    session.store.database.add_signatures(path, signatures)


def add_build_log(session: Session, *, item: str, body: Iterable[bytes]) -> None:
    """The log of a build that ran elsewhere; one that was written here stays."""
    require_trust(session, "bring logs of builds")
    store_dir = session.store.store_dir
    drv = parse_store_path(store_dir, item if item.startswith("/") else f"{store_dir}/{item}")
    if not drv.endswith(".drv"):
        raise NotOffered(tr("`{drv}` is no derivation, which alone has a log", drv=drv))
    from larix.builder.logs import add_log

    add_log(session.store.layout.log_dir, drv, body, session.policy.log_compression)


def register_drv_output(session: Session, **_what: object) -> None:
    del session
    raise NotOffered(tr("outputs that are named by their content are not made here"))
