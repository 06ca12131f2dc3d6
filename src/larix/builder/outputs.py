"""From what a builder left to valid store items: taken in, checked against what was promised, registered.

In this order: into the store under temporary names (hashed and scanned on the way, durable), then all checks,
then the final names, then validity. What fails a check never had a name that anybody knows.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from larix.builder.errors import HashMismatch, NotDeterministic, OutputRejected
from larix.builder.treediff import differing_files
from larix.formats.storepath import (
    BadStorePath,
    StorePath,
    make_fixed_path,
    name_part,
    parse_store_path,
    store_item_of,
)
from larix.protocol import StoreError
from larix.store.pipeline import hash_steps
from larix.store.tree import read_steps
from larix.store.verify import is_intact
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from larix.derivation import Derivation
    from larix.formats.hashes import Hash
    from larix.store import Ingested, LocalStore

__all__ = ["Outputs", "compare_outputs", "export_references", "take_outputs"]

_HEAD_SIZE = 512
_OWN = frozenset({b"builtin:profile"})


class Outputs(NamedTuple):
    """What a finished build left: `paths` are the promised ones, `files` where the outputs lie."""

    drv: StorePath
    derivation: Derivation
    paths: Mapping[str, StorePath]
    files: Mapping[str, str]
    log_file: str | None = None
    source: str | None = None

    @property
    def is_own(self) -> bool:
        """Whether larix's own code made them, in a process that has ended."""
        return self.derivation.builder in _OWN


def take_outputs(store: LocalStore, outputs: Outputs, inputs: Iterable[StorePath]) -> None:
    """Make the outputs valid. `inputs` is all that they may refer to, besides one another.

    The caller holds the locks of all output paths. Raises OutputRejected or HashMismatch.
    """
    drv = outputs.drv
    for name, path in outputs.paths.items():
        if not os.path.lexists(outputs.files[name]):
            raise OutputRejected(
                drv,
                tr(
                    "builder of `{drv}` did not make its output `{name}`, `{path}`",
                    drv=drv,
                    name=name,
                    path=path,
                ),
                log_file=outputs.log_file,
            )
    candidates = {*inputs, *outputs.paths.values()}
    fixed = next((output for output in outputs.derivation.outputs.values() if output.is_fixed), None)
    content = None if fixed is None else (fixed.fixed_hash().algo, fixed.is_recursive)
    taken: dict[str, Ingested] = {}
    addresses: dict[StorePath, str] = {}
    try:
        for name, path in outputs.paths.items():
            own = store.adopt(outputs.files[name], path, candidates=candidates) if outputs.is_own else None
            if own is None:
                make_readable(outputs.files[name])
                own = store.ingest(outputs.files[name], path, candidates=candidates, content=content)
            taken[name] = own
        if fixed is not None:
            _check_fixed(store, outputs, taken["out"])
            addresses[outputs.paths["out"]] = _address(fixed.fixed_hash(), recursive=fixed.is_recursive)
        _check_cycles(outputs, taken)
        check_references(store, outputs, {taken[name].path: taken[name].references for name in taken})
    except StoreError as error:
        _discard(taken)
        raise OutputRejected(drv, error.message, log_file=outputs.log_file, hint=error.hint) from error
    except BaseException:
        _discard(taken)
        raise
    store.register_outputs(list(taken.values()), deriver=drv, content_addresses=addresses)


def _discard(taken: Mapping[str, Ingested]) -> None:
    for ingested in taken.values():
        ingested.incoming.discard()


def _address(content: Hash, *, recursive: bool) -> str:
    return f"fixed:{'r:' if recursive else ''}{content}"


def make_readable(file: str) -> None:
    """Let an ordinary user read what a builder, who is the same user, has closed to itself."""
    if os.geteuid() == 0:
        return
    todo = [os.fsencode(file)]
    while todo:
        name = todo.pop()
        status = os.lstat(name)
        is_folder = stat.S_ISDIR(status.st_mode)
        needed = 0o500 if is_folder else 0o400
        if status.st_mode & needed != needed and not stat.S_ISLNK(status.st_mode):
            os.chmod(name, stat.S_IMODE(status.st_mode) | needed)
        if is_folder:
            todo += [os.path.join(name, entry) for entry in os.listdir(name)]


def _refuse_fixed(store: LocalStore, outputs: Outputs) -> None:
    """Tell how a fixed output that was made again differs from what it must be."""
    output = outputs.derivation.outputs["out"]
    content = output.fixed_hash().algo, output.is_recursive
    again = store.ingest(outputs.files["out"], outputs.paths["out"], content=content)
    try:
        _check_fixed(store, outputs, again)
    finally:
        again.incoming.discard()


def _check_fixed(store: LocalStore, outputs: Outputs, ingested: Ingested) -> None:
    """A fixed output must have the hash that was promised, and refer to nothing."""
    drv, output = outputs.drv, outputs.derivation.outputs["out"]
    expected, actual = output.fixed_hash(), ingested.content_hash
    if actual is not None and actual != expected:
        details = _describe(outputs, ingested)
        kept = (
            None if ingested.references else _keep_as(store, ingested, actual, recursive=output.is_recursive)
        )
        raise HashMismatch(
            drv,
            output=outputs.paths["out"],
            expected=expected,
            actual=actual,
            details=details,
            kept=kept,
            log_file=outputs.log_file,
        )
    if ingested.references:
        found = ", ".join(f"`{path}`" for path in sorted(ingested.references))
        raise OutputRejected(
            drv,
            tr(
                "fixed output `{path}` refers to store items, which it may not: {found}",
                path=output.path,
                found=found,
            ),
            log_file=outputs.log_file,
        )


def _keep_as(store: LocalStore, ingested: Ingested, actual: Hash, *, recursive: bool) -> StorePath:
    """Make what came valid under the path that it deserves, so that it need not be fetched again."""
    path = make_fixed_path(store.store_dir, name_part(ingested.path), actual, recursive=recursive)
    with store.lock_paths([path]):
        store.register_outputs(
            [ingested._replace(path=path)], content_addresses={path: _address(actual, recursive=recursive)}
        )
    return path


def _describe(outputs: Outputs, ingested: Ingested) -> list[str]:
    """What came, for whoever has to find out why it is not what was wanted."""
    details: list[str] = []
    if outputs.source:
        details.append(f"url: {outputs.source}")
    status = os.lstat(ingested.file)
    if not stat.S_ISREG(status.st_mode):
        return details
    details.append(plural("size: {number} byte", "size: {number} bytes", status.st_size))
    with open(ingested.file, "rb") as file:
        head = file.read(_HEAD_SIZE)
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<?xml")) or (
        text.startswith(b"<") and b"<html" in text
    ):
        line = head.strip().splitlines()[0][:80].decode("utf-8", "replace")
        shown = "".join(char if char.isprintable() else "?" for char in line)
        details.append(tr("it looks like a web page and not like a file: {shown}", shown=shown))
    elif not head:
        details.append(tr("it is empty"))
    return details


def _check_cycles(outputs: Outputs, taken: Mapping[str, Ingested]) -> None:
    """Two outputs may not refer to each other, at any distance: neither could be registered first."""
    names = {path: name for name, path in outputs.paths.items()}
    left = {
        name: {names[path] for path in ingested.references if path in names} - {name}
        for name, ingested in taken.items()
    }
    while left:
        free = [name for name, needs in left.items() if not needs & left.keys()]
        if not free:
            circle = tr(" and ").join(f"`{outputs.paths[name]}`" for name in sorted(left))
            raise OutputRejected(
                outputs.drv,
                tr("outputs refer to each other in a circle: {circle}", circle=circle),
                log_file=outputs.log_file,
            )
        for name in free:
            del left[name]


def check_references(
    store: LocalStore, outputs: Outputs, references: Mapping[StorePath, frozenset[StorePath]]
) -> None:
    """Hold outputs to the derivation's lists of what they may and may not refer to.

    An entry is a store path or the name of an output. Requisites are references at any distance, the output
    itself not counted.
    """
    env = outputs.derivation.env
    for variable, is_allowed, recursive in (
        (b"allowedReferences", True, False),
        (b"disallowedReferences", False, False),
        (b"allowedRequisites", True, True),
        (b"disallowedRequisites", False, True),
    ):
        if variable not in env:
            continue
        listed = {
            _listed_path(store, outputs, word) for word in env[variable].decode("utf-8", "replace").split()
        }
        for path, direct in references.items():
            used = _requisites(store, path, references) - {path} if recursive else set(direct)
            bad = used - listed if is_allowed else used & listed
            if bad:
                names = ", ".join(f"`{item}`" for item in sorted(bad))
                raise OutputRejected(
                    outputs.drv,
                    tr(
                        "output `{path}` may not refer to {names} (`{variable}`)",
                        path=path,
                        names=names,
                        variable=variable.decode(),
                    ),
                    log_file=outputs.log_file,
                )


def _listed_path(store: LocalStore, outputs: Outputs, word: str) -> StorePath:
    if word in outputs.paths:
        return outputs.paths[word]
    try:
        return store_item_of(store.store_dir, word)
    except BadStorePath:
        raise OutputRejected(
            outputs.drv,
            tr(
                "`{drv}` lists the reference `{word}`, which is neither a store path nor an output",
                drv=outputs.drv,
                word=word,
            ),
        ) from None


def _requisites(
    store: LocalStore, path: StorePath, references: Mapping[StorePath, frozenset[StorePath]]
) -> set[StorePath]:
    """All that an output, not yet registered, refers to."""
    reached = {path}
    todo = [path]
    outside: set[StorePath] = set()
    while todo:
        for reference in references[todo.pop()]:
            if reference not in references:
                outside.add(reference)
            elif reference not in reached:
                reached.add(reference)
                todo.append(reference)
    return reached | store.closure(outside)


def compare_outputs(store: LocalStore, outputs: Outputs, *, keep: bool, repair: bool = False) -> None:
    """Compare what another round left with the valid outputs, bit for bit.

    With `keep` what differs is left beside the item, as `ITEM-check`. With `repair` what did not differ takes
    the place of an item that is damaged. Raises NotDeterministic.
    """
    for name, path in outputs.paths.items():
        file = outputs.files[name]
        if not os.path.lexists(file):
            raise OutputRejected(
                outputs.drv,
                tr("building `{drv}` again did not make `{path}`", drv=outputs.drv, path=path),
                log_file=outputs.log_file,
            )
        make_readable(file)
        digest, _ = hash_steps(read_steps(file))
        info = store.path_info(path)
        if digest == info.nar_hash.digest:
            if repair and not is_intact(info):
                store.ingest(file, path).incoming.replace(path)
            continue
        if outputs.derivation.outputs[name].is_fixed:
            _refuse_fixed(store, outputs)
        if repair:
            raise OutputRejected(
                outputs.drv,
                tr(
                    "`{path}` cannot be repaired: building `{drv}` again made something else",
                    path=path,
                    drv=outputs.drv,
                ),
                log_file=outputs.log_file,
            )
        differing = differing_files(path, file)
        kept = _keep_beside(store, path, file) if keep else None
        raise NotDeterministic(
            outputs.drv, output=path, differing=differing, kept=kept, log_file=outputs.log_file
        )


def _keep_beside(store: LocalStore, path: StorePath, file: str) -> StorePath:
    """Leave `file` in the store as `ITEM-check`, not valid: the next collection removes it."""
    kept = StorePath(f"{path}-check")
    store.ingest(file, kept).incoming.publish(kept)
    return kept


def export_references(store: LocalStore, env: Mapping[bytes, bytes]) -> dict[str, bytes]:
    """The files that `exportReferencesGraph` asks for by name and path in turn: what closures are made of."""
    words = env.get(b"exportReferencesGraph", b"").decode("utf-8", "replace").split()
    files: dict[str, bytes] = {}
    for file, item in zip(words[::2], words[1::2], strict=False):
        if "/" in file or file in {".", ".."}:
            raise BadStorePath(
                expected=tr("a file name without a slash for `exportReferencesGraph`"), found=ascii(file)
            )
        paths = store.closure([parse_store_path(store.store_dir, item)])
        infos = store.path_infos(paths)
        lines: list[str] = []
        for path in sorted(paths):
            references = infos[path].references
            lines += [path, "", str(len(references)), *references]
        files[file] = "".join(line + "\n" for line in lines).encode("ascii")
    return files
