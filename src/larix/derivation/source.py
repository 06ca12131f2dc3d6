"""Sources: content to be interned whose path is known before any store is asked."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from larix.formats.hashes import Hash
from larix.formats.nar import Tree, encode_tree
from larix.formats.storepath import StoreDir, StorePath, make_fixed_path, make_text_path, name_part

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Content",
    "FileContent",
    "Source",
    "TextContent",
    "TreeContent",
    "text_source",
    "tree_source",
]


class TextContent(NamedTuple):
    """The bytes of one file that is not executable."""

    contents: bytes


class TreeContent(NamedTuple):
    """A tree in memory."""

    tree: Tree


class FileContent(NamedTuple):
    """A file or tree of the local file system, to be read when it is interned.

    It was hashed with `algo` when the path was computed, as a NAR when `recursive`, else as bare bytes;
    content that meanwhile changed gives another path, and must be refused by who interns it.
    """

    file: str | bytes
    recursive: bool = True
    algo: str = "sha256"


Content: TypeAlias = TextContent | TreeContent | FileContent


class Source:
    """A store path, and the content that makes it valid."""

    __slots__ = ("content", "path", "references")

    path: StorePath
    references: tuple[StorePath, ...]
    content: Content

    def __init__(self, path: StorePath, references: Iterable[StorePath], content: Content) -> None:
        self.path = path
        self.references = tuple(sorted(set(references)))
        self.content = content

    @property
    def name(self) -> str:
        return name_part(self.path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"<Source {self.path}>"


def text_source(
    store_dir: StoreDir, name: str, contents: bytes, references: Iterable[StorePath] = ()
) -> Source:
    """A file written by evaluation; `references` are the store items its text mentions."""
    references = tuple(references)
    path = make_text_path(store_dir, name, sha256(contents).digest(), references)
    return Source(path, references, TextContent(contents))


def tree_source(store_dir: StoreDir, name: str, tree: Tree) -> Source:
    """A tree with no references, called by the hash of its NAR."""
    digest = sha256(encode_tree(tree)).digest()
    return Source(
        make_fixed_path(store_dir, name, Hash("sha256", digest), recursive=True), (), TreeContent(tree)
    )
