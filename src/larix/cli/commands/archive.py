"""`larix archive`: items of the store as one signed file, and back; and the keys that this takes."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.building import LOAD_PATH
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from larix.cli.items import Items
    from larix.cli.session import Session
    from larix.formats.storepath import StorePath

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "plumbing"
SYNOPSIS = "move items between stores as one signed file"
BLOCK = 1 << 18

GRAMMAR = Grammar(
    "archive",
    "archive ACTION [OPTION]... PACKAGE-OR-ITEM...",
    "Write items of the store to standard output as one archive, each signed, or take such an archive in.\n"
    "What comes in must be signed by a key that was authorised, whoever asks for it.",
    (
        (
            "actions",
            (
                Option("export", help="write the items to standard output, each signed"),
                Option("import", help="add the items of the archive on standard input"),
                Option("missing", help="print those store file names of standard input that are absent here"),
                Option("generate-key", help="make the pair of keys that exports are signed with"),
                Option("authorize", help="take from now on what the public key on standard input signs"),
                Option(
                    "extract", "x", "FOLDER", "unpack the one item on standard input, unsigned, to FOLDER"
                ),
                Option("list", "t", help="tell what is in the one item on standard input"),
            ),
        ),
        (
            "options",
            (
                Option("recursive", "r", help="with `--export': with all that they refer to"),
                Option("system", "s", "SYSTEM", "consider packages as on SYSTEM"),
                LOAD_PATH,
            ),
        ),
    ),
)


class NoKeyHere(LarixError):
    """What should be a key is none."""


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    actions: dict[str, Callable[[CommandLine], int]] = {
        "export": _export,
        "import": _import,
        "missing": _missing,
        "generate-key": _generate_key,
        "authorize": _authorise,
        "extract": _extract,
        "list": _list,
    }
    wanted = [name for name in actions if line.has(name)]
    if len(wanted) != 1:
        known = ", ".join(f"--{name}" for name in actions)
        raise UsageError(tr("one action is needed"), hint=tr("use one of {known}", known=known))
    if wanted != ["export"]:
        line.no_operands()
    return actions[wanted[0]](line)


def _input() -> Iterator[bytes]:
    while piece := os.read(sys.stdin.fileno(), BLOCK):
        yield piece


def _export(line: CommandLine) -> int:
    from larix.cli.items import Items
    from larix.cli.session import open_session
    from larix.derivation.ordering import inputs_first
    from larix.formats.export import EXPORT_END, ITEM_START

    if not line.operands:
        raise UsageError(tr("missing store item argument"))
    if sys.stdout.isatty():
        raise UsageError(tr("an archive is nothing for a terminal"), hint=tr("add `> FILE'"))
    out = sys.stdout.buffer
    with closing(open_session()) as session:
        items = Items(session, line)
        found = (_found(session, line, items, text) for text in line.operands)
        roots = list(dict.fromkeys(path for some in found for path in some))
        session.store.add_temp_root(*roots)
        paths = session.store.closure(roots) if line.has("recursive") else set(roots)
        infos = session.store.path_infos(paths)
        for path in inputs_first({path: infos[path].references for path in sorted(infos)}):
            out.write(ITEM_START)
            _export_one(session, path, out.write)
        out.write(EXPORT_END)
        out.flush()
    return 0


def _found(session: Session, line: CommandLine, items: Items, text: str) -> list[StorePath]:
    """The items that a word names; those of a package are built if they are not there."""
    from larix.cli.building import build_options, realise, tell_work, work_for
    from larix.cli.items import NotInStore
    from larix.derivation import Lowered
    from larix.protocol import BuildTarget

    try:
        return items.find(text)
    except NotInStore:
        lowered = items.evaluation.lowering.lower(items.evaluation.find(text).package).origin
        if not isinstance(lowered, Lowered):
            raise
    session.store.instantiate([lowered])
    targets = [BuildTarget(lowered.path)]
    work = work_for(session, targets)
    tell_work(work, dry_run=False, verbosity=1)
    realise(session, targets, build_options(line, default_verbosity=1), work)
    return items.find(text)


def _export_one(session: Session, path: StorePath, give: Callable[[bytes], object]) -> None:
    from larix.client.store import DaemonStore

    if isinstance(session.store, DaemonStore):
        session.store.export_item(path, give)
        return
    from larix.daemon.importing import export_item
    from larix.formats import authentication
    from larix.store.keys import configuration_dir, own_pair

    pair = own_pair(configuration_dir())
    export_item(session.local_store, path, lambda digest: authentication.sign(pair, digest), give)


def _import(line: CommandLine) -> int:
    del line
    from larix.cli.session import open_session
    from larix.client.store import DaemonStore

    def told(path: StorePath) -> None:
        diagnostics.say(tr("importing `{path}'...", path=path))

    with closing(open_session()) as session:
        if isinstance(session.store, DaemonStore):
            found = list(session.store.import_stream(_input()))
        else:
            from larix.daemon.importing import import_stream
            from larix.store.keys import authorised_keys, configuration_dir

            keys = authorised_keys(configuration_dir())
            found = import_stream(session.local_store, _input(), authorised=keys, told=told)
    print(*found, sep="\n", end="\n" if found else "")
    return 0


def _missing(line: CommandLine) -> int:
    del line
    from larix.cli.session import open_session
    from larix.formats.storepath import parse_store_path

    with closing(open_session()) as session:
        names = [text for text in sys.stdin.read().split("\n") if text]
        paths = [parse_store_path(session.store.store_dir, name) for name in names]
        valid = session.store.valid_paths(paths)
    for path in paths:
        if path not in valid:
            print(path)
    return 0


def _generate_key(line: CommandLine) -> int:
    del line
    from larix.store.keys import configuration_dir, make_pair

    diagnostics.say(tr("making a pair of keys over Ed25519"))
    make_pair(configuration_dir())
    return 0


def _authorise(line: CommandLine) -> int:
    del line
    from larix.formats.authentication import BadSignature, parse_key
    from larix.store.keys import authorise, configuration_dir

    try:
        key = parse_key(sys.stdin.buffer.read(1 << 16))
    except BadSignature as error:
        raise NoKeyHere(
            tr("s-expression does not denote a public key"), hint=tr("give the contents of signing-key.pub")
        ) from error
    if not authorise(configuration_dir(), key):
        diagnostics.say(tr("this key is authorised already"))
    return 0


def _extract(line: CommandLine) -> int:
    from larix.formats.nar import Decoder
    from larix.store.tree import StepsOfEvents
    from larix.store.treewriter import TreeWriter

    folder = os.path.abspath(line.last("extract") or "")
    if os.path.lexists(folder):
        raise UsageError(tr("'{folder}': exists already", folder=folder))
    decoder, events = Decoder(), StepsOfEvents()
    writer = TreeWriter(folder)
    try:
        for piece in _input():
            writer.take(list(events.steps(decoder.feed(piece))))
        decoder.close()
        writer.sync()
    finally:
        writer.close()
    return 0


def _list(line: CommandLine) -> int:
    del line
    from larix.formats import nar

    tree = nar.decode_tree(b"".join(_input()))
    for kind, name, size in _rows(tree, ""):
        print(f"{kind}\t{name or '/'}\t{size}")
    return 0


def _rows(tree: object, name: str) -> Iterator[tuple[str, str, int]]:
    from larix.formats.nar import Directory, File, Symlink

    if isinstance(tree, File):
        yield ("x" if tree.executable else "r", name, len(tree.contents))
    elif isinstance(tree, Symlink):
        yield ("s", name, len(tree.target))
    elif isinstance(tree, Directory):
        yield ("D", name, 0)
        for entry, inside in tree.entries.items():
            yield from _rows(inside, f"{name}/{os.fsdecode(entry)}")
