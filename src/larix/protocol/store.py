"""The store as everything above it sees it.

A path is *valid* when the store vouches for it: its content is there, complete, durable and as its record
says, and so is everything it refers to. Only valid paths have a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from larix.errors import LarixError
from larix.formats.errors import FormatError
from larix.formats.hashes import Hash
from larix.formats.storepath import StoreDir, StorePath
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from larix.derivation import Derivation, Lowered, Source

__all__ = ["BadPathInfo", "PathInfo", "PathNotValid", "Store", "StoreError"]


class StoreError(LarixError):
    """The store could not do what was asked."""


class PathNotValid(StoreError):
    def __init__(self, path: str) -> None:
        super().__init__(tr("path `{path}` is not valid in this store", path=path))
        self.path = path


class BadPathInfo(FormatError):
    noun = mark("path record")


class PathInfo(NamedTuple):
    """What the store knows of a valid path.

    `references` are sorted and may hold the path itself. `registration_time` is in seconds since 1970.
    `ultimate`: built here, and so trusted without signatures. `content_address` is `text:HASH`,
    `fixed:HASH` or `fixed:r:HASH` when the path follows from the content alone.
    """

    path: StorePath
    nar_hash: Hash
    nar_size: int
    references: tuple[StorePath, ...] = ()
    deriver: StorePath | None = None
    registration_time: int = 0
    ultimate: bool = False
    signatures: tuple[str, ...] = ()
    content_address: str | None = None


class Store(Protocol):
    """Every method raises StoreError, or a subclass, where the store itself is at fault or refuses."""

    @property
    def store_dir(self) -> StoreDir: ...

    def is_valid(self, path: StorePath) -> bool: ...

    def valid_paths(self, paths: Iterable[StorePath]) -> set[StorePath]: ...

    def all_valid_paths(self) -> set[StorePath]: ...

    def path_info(self, path: StorePath) -> PathInfo:
        """Raises PathNotValid."""
        ...

    def path_infos(self, paths: Iterable[StorePath]) -> dict[StorePath, PathInfo]:
        """The records of those that are valid."""
        ...

    def references(self, path: StorePath) -> set[StorePath]:
        """Raises PathNotValid."""
        ...

    def referrers(self, path: StorePath) -> set[StorePath]: ...

    def derivers(self, path: StorePath) -> set[StorePath]:
        """The valid derivations that have `path` among their outputs."""
        ...

    def closure(self, paths: Iterable[StorePath]) -> set[StorePath]:
        """`paths` and all they refer to, at any distance. Raises PathNotValid."""
        ...

    def add_text(self, name: str, contents: bytes, references: Iterable[StorePath] = ()) -> StorePath: ...

    def add_path(
        self,
        name: str,
        file: str | bytes,
        *,
        recursive: bool = True,
        algo: str = "sha256",
        filter: Callable[[bytes], bool] | None = None,  # noqa: A002
    ) -> StorePath:
        """A local file or tree; `filter` is given each file name below `file` and says whether to take it."""
        ...

    def add_nar(self, info: PathInfo, chunks: Iterable[bytes]) -> None:
        """Make `info.path` valid from its archive, in one pass; refused unless hash and size fit."""
        ...

    def instantiate(self, roots: Iterable[Lowered], sources: Iterable[Source] = ()) -> None:
        """Write the `.drv`s of `roots`, of all they need, and every source: all valid together, or none."""
        ...

    def read_derivation(self, path: StorePath) -> Derivation: ...

    def add_temp_root(self, *paths: StorePath) -> None:
        """Keep `paths`, valid or yet to become so, from collection while this store is open."""
        ...

    def add_indirect_root(self, link: str) -> None:
        """Keep what the symbolic link `link` points to, for as long as it does."""
        ...

    def add_permanent_root(self, path: StorePath, link: str) -> None:
        """Make `link` point to `path`, and a root: never is `link` there without being one."""
        ...

    def dump_nar(self, path: StorePath) -> Iterator[bytes]:
        """Raises PathNotValid."""
        ...

    def close(self) -> None: ...
