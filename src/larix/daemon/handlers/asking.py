"""Questions: nothing changes by them, but that what is asked for stays while the session lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from larix.daemon.handlers.refusals import NotOffered
from larix.formats.base32 import ALPHABET
from larix.protocol.store import PathNotValid
from larix.protocol.values import Missing
from larix.words import tr

if TYPE_CHECKING:
    from larix.daemon.session import Session
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildTarget, PathInfo
    from larix.protocol.values import Substitutable

__all__ = [
    "builtin_builders",
    "export_path",
    "has_substitutes",
    "is_valid_path",
    "keep_paths",
    "nar_from_path",
    "query_all_valid_paths",
    "query_derivation_output_map",
    "query_derivation_output_names",
    "query_derivation_outputs",
    "query_deriver",
    "query_missing",
    "query_path_from_hash_part",
    "query_path_hash",
    "query_path_info",
    "query_path_infos",
    "query_realisation",
    "query_references",
    "query_referrers",
    "query_substitutable_path_info",
    "query_substitutable_path_infos",
    "query_substitutable_paths",
    "query_valid_derivers",
    "query_valid_paths",
]


def is_valid_path(session: Session, *, path: StorePath) -> bool:
    return session.store.is_valid(path)


def query_valid_paths(
    session: Session, *, paths: Sequence[StorePath], substitute: bool = False
) -> tuple[StorePath, ...]:
    del substitute  # there is nothing to substitute from
    return tuple(sorted(session.store.valid_paths(paths)))


def keep_paths(session: Session, *, paths: Sequence[StorePath]) -> tuple[StorePath, ...]:
    """Keep them from collection, valid or not, and tell which are valid: these stay so."""
    session.store.add_temp_root(*paths)
    return tuple(sorted(session.store.valid_paths(paths)))


def query_all_valid_paths(session: Session) -> tuple[StorePath, ...]:
    return tuple(sorted(session.store.all_valid_paths()))


def query_path_info(session: Session, *, path: StorePath) -> PathInfo | None:
    info = session.store.path_infos((path,)).get(path)
    if info is None and (session.dialect.is_guix or session.dialect.minor < 17):
        raise PathNotValid(path)
    return info


def query_path_infos(session: Session, *, paths: Sequence[StorePath], closure: bool) -> tuple[PathInfo, ...]:
    """The records of those that are valid, or of all that they refer to."""
    wanted = session.store.closure(paths) if closure else paths
    return tuple(session.store.path_infos(wanted).values())


def query_path_hash(session: Session, *, path: StorePath) -> str:
    return session.store.path_info(path).nar_hash.base16()


def query_references(session: Session, *, path: StorePath) -> tuple[StorePath, ...]:
    return tuple(sorted(session.store.references(path)))


def query_referrers(session: Session, *, path: StorePath) -> tuple[StorePath, ...]:
    return tuple(sorted(session.store.referrers(path)))


def query_deriver(session: Session, *, path: StorePath) -> StorePath | None:
    return session.store.path_info(path).deriver


def query_valid_derivers(session: Session, *, path: StorePath) -> tuple[StorePath, ...]:
    return tuple(sorted(session.store.derivers(path)))


def _outputs(session: Session, drv: StorePath) -> dict[str, StorePath]:
    if not session.store.is_valid(drv):
        raise PathNotValid(drv)
    return session.store.derivation_outputs(drv)


def query_derivation_outputs(session: Session, *, path: StorePath) -> tuple[StorePath, ...]:
    return tuple(sorted(_outputs(session, path).values()))


def query_derivation_output_names(session: Session, *, path: StorePath) -> tuple[str, ...]:
    return tuple(_outputs(session, path))


def query_derivation_output_map(
    session: Session, *, path: StorePath
) -> tuple[tuple[str, StorePath | None], ...]:
    return tuple(_outputs(session, path).items())


def query_path_from_hash_part(session: Session, *, digits: str) -> StorePath | None:
    if len(digits) != 32 or digits.strip(ALPHABET):
        raise NotOffered(
            tr("`{digits}` is no hash part: that has 32 digits of nix-base32", digits=digits[:64])
        )
    return session.store.path_of_hash_part(digits)


def query_missing(session: Session, *, targets: Sequence[BuildTarget]) -> Missing:
    from larix.builder import plan

    wanted = [target for target in targets if target.outputs != ("",)]
    there = [target.drv for target in targets if target.outputs == ("",)]
    known = session.store.valid_paths([*there, *(target.drv for target in wanted)])
    unknown = {target.drv for target in targets} - known
    to_build = plan(session.store, [target for target in wanted if target.drv in known]).to_build
    return Missing(tuple(to_build), (), tuple(unknown))


def nar_from_path(session: Session, *, path: StorePath) -> Iterator[bytes]:
    return session.store.dump_nar(path)


def export_path(session: Session, *, path: StorePath, sign: bool) -> int:
    """One item of an export, told as data while the request is worked on."""
    from larix.daemon.importing import export_item
    from larix.formats import authentication
    from larix.protocol.messages import Data
    from larix.store.keys import configuration_dir, own_pair

    pair = own_pair(configuration_dir()) if sign else None
    export_item(
        session.store,
        path,
        None if pair is None else lambda digest: authentication.sign(pair, digest),
        lambda piece: session.channel.tell(Data(piece), session.dialect),
    )
    return 1


# There are no substituters: nobody offers anything.


def has_substitutes(session: Session, *, path: StorePath) -> bool:
    del session, path
    return False


def query_substitutable_path_info(session: Session, *, path: StorePath) -> None:
    del session, path


def query_substitutable_path_infos(session: Session, **_wanted: object) -> tuple[Substitutable, ...]:
    del session
    return ()


def query_substitutable_paths(session: Session, *, paths: Sequence[StorePath]) -> tuple[StorePath, ...]:
    del session, paths
    return ()


def query_realisation(session: Session, *, output: str) -> tuple[str, ...]:
    """Outputs that are named by their content are not made here, so none is known."""
    del session, output
    return ()


def builtin_builders(session: Session) -> tuple[str, ...]:
    """Those of Guix that run here. Its downloads are described in Scheme: Guix then brings a builder."""
    del session
    return ()
