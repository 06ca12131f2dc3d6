"""Archives of trees in memory, both ways, without recursion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.formats.nar import encoder
from larix.formats.nar.decoder import Contents, Decoder, DirectoryStart, End, Entry, Event, Regular
from larix.formats.nar.records import Directory, File, Symlink, Tree
from larix.formats.nar.rules import MAX_DEPTH, BadNar, check_entry_name, check_target
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Directory", "File", "Symlink", "Tree", "decode_tree", "encode_tree", "tree_pieces"]


def encode_tree(tree: Tree) -> bytes:
    return b"".join(tree_pieces(tree))


def tree_pieces(tree: Tree) -> Iterator[bytes]:
    """The archive of `tree` in order, contents of files apart. Raises BadNar for a tree that has none."""
    yield encoder.ARCHIVE_START
    if not isinstance(tree, Directory):
        yield from _root_pieces(tree)
        return
    yield encoder.DIRECTORY_START
    levels = [iter(sorted(tree.entries.items()))]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
            yield encoder.DIRECTORY_ENTRY_END if levels else encoder.DIRECTORY_END
            continue
        name, node = entry
        check_entry_name(name)
        if len(levels) >= MAX_DEPTH:
            raise BadNar(expected=tr("at most {max_depth} levels", max_depth=MAX_DEPTH), found=tr("one more"))
        if isinstance(node, Directory):
            levels.append(iter(sorted(node.entries.items())))
            yield encoder.directory_entry_start(name)
        elif isinstance(node, Symlink):
            yield encoder.symlink_entry(name, check_target(node.target))
        else:
            size = len(node.contents)
            yield encoder.regular_entry_start(name, size, executable=node.executable)
            yield node.contents
            yield encoder.regular_entry_end(size)


def _root_pieces(tree: File | Symlink) -> Iterator[bytes]:
    if isinstance(tree, Symlink):
        yield encoder.symlink(check_target(tree.target))
        return
    yield encoder.regular_start(len(tree.contents), executable=tree.executable)
    yield tree.contents
    yield encoder.regular_end(len(tree.contents))


def decode_tree(archive: bytes) -> Tree:
    """The tree of a complete archive. Raises BadNar."""
    decoder = Decoder()
    events = decoder.feed(archive)
    decoder.close()
    return _tree_of(events)


def _tree_of(events: Iterable[Event]) -> Tree:
    name = b""
    directories: list[tuple[bytes, dict[bytes, Tree]]] = []  # those that are open, outermost first
    regular: Regular | None = None
    pieces: list[memoryview] = []
    node: Tree | None = None
    for event in events:
        match event:
            case Entry():
                name = event.name
                continue
            case DirectoryStart():
                directories.append((name, {}))
                continue
            case Regular():
                regular, pieces = event, []
                continue
            case Contents():
                pieces.append(event.data)
                continue
            case Symlink():
                node = event
            case End() if regular is not None:
                node = File(b"".join(pieces), regular.executable)
                regular = None
            case End():
                name, entries = directories.pop()
                node = Directory(entries)
        if directories:
            directories[-1][1][name] = node
    if node is None:
        raise BadNar(expected=tr("an archive of something"), found=tr("none"))
    return node
