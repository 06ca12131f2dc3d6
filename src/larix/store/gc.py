"""Collecting garbage: what no root reaches goes away.

The order that keeps every promise: `gc.lock` exclusively, so that nobody adds a temporary root unseen; a
socket on which they are taken meanwhile; roots; the dead made invalid, durably, referrers before what they
refer to; then moved out of their names, and only then deleted. A crash leaves garbage of the next collection,
never a valid path without its content.

The graph is read with two queries and walked in memory. Space comes first: the reserve is given back before
anything is written, and moving aside needs none.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from larix.formats import base32
from larix.formats.storepath import BadStorePath, StorePath, parse_store_path
from larix.store.atomic import remove_tree
from larix.store.errors import StoreError, os_failure
from larix.store.leftovers import remove_abandoned
from larix.store.links import Links
from larix.store.local import LocalStore
from larix.store.locks import open_lock_file, try_lock
from larix.store.reserve import give_back, set_aside
from larix.store.roots import Root, find_roots, process_roots, read_temp_roots
from larix.store.soundness import refuse_damaged
from larix.store.waiting import Holder, wait_for_lock
from larix.words import tr

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "Collected",
    "PathAlive",
    "all_roots",
    "collect",
    "dead_paths",
    "delete",
    "doomed_paths",
    "doomed_with",
    "kept_alive",
    "live_paths",
]

_BATCH = 2000


class PathAlive(StoreError):
    """`path` was to be deleted, and what `keeper` is a root of needs it, as far as that is known."""

    def __init__(self, path: StorePath, keeper: Root | None = None) -> None:
        super().__init__(
            tr("cannot delete path `{path}' since it is still alive", path=path),
            hint=tr("a root keeps it, or what is built from it; `larix gc --list-roots` lists roots")
            if keeper is None
            else tr(
                "`{path}` is kept by `{reason}`; remove that root first",
                path=keeper.path,
                reason=keeper.reason,
            )
            if keeper.reason
            else tr("`{path}` is kept by a root that is not yours", path=keeper.path),
        )
        self.path = path
        self.keeper = keeper

    def without_name(self) -> PathAlive:
        """The same for who may not know the names of other users' roots."""
        return PathAlive(self.path, self.keeper and self.keeper._replace(reason=""))


class Collected(NamedTuple):
    """What a collection removed: paths that were valid, and bytes of disk (other garbage included)."""

    paths: list[StorePath]
    bytes_freed: int


class _Graph:
    """All valid paths as numbers, with what each keeps alive."""

    def __init__(self, store: LocalStore, *, keep_derivations: bool, keep_outputs: bool) -> None:
        self.ids: dict[StorePath, int] = {}
        self.paths: dict[int, StorePath] = {}
        self.references: dict[int, list[int]] = {}
        self.keeps: dict[int, list[int]] = {}
        derivers: list[tuple[int, StorePath]] = []
        self.sizes: dict[int, int] = {}
        self.times: dict[int, int] = {}
        for number, path, deriver, size, time in store.database.query(
            "select id, path, deriver, narSize, registrationTime from ValidPaths"
        ):
            self.times[number] = time
            self.ids[path] = number
            self.paths[number] = path
            self.sizes[number] = size or 0
            if deriver:
                derivers.append((number, deriver))
        for referrer, reference in store.database.query("select referrer, reference from Refs"):
            self.references.setdefault(referrer, []).append(reference)
        if keep_derivations:
            for number, deriver in derivers:
                if deriver in self.ids:
                    self.keeps.setdefault(number, []).append(self.ids[deriver])
        if keep_outputs:
            for drv, output in store.database.query("select drv, path from DerivationOutputs"):
                if output in self.ids:
                    self.keeps.setdefault(drv, []).append(self.ids[output])

    def reach(self, roots: Iterable[StorePath], reached: set[int]) -> None:
        """Add to `reached` all that `roots` keep alive."""
        self._reach([self.ids[path] for path in roots if path in self.ids], reached)

    def reach_since(self, time: int | None, reached: set[int]) -> None:
        """The same for what was registered after `time`."""
        if time is not None:
            self._reach([number for number, when in self.times.items() if when > time], reached)

    def _reach(self, todo: list[int], reached: set[int]) -> None:
        while todo:
            number = todo.pop()
            if number not in reached:
                reached.add(number)
                todo += self.references.get(number, ())
                todo += self.keeps.get(number, ())

    def referrers_first(self, numbers: set[int]) -> list[int]:
        """`numbers` in an order in which nothing comes before what refers to it."""
        waiting = dict.fromkeys(numbers, 0)
        for number in numbers:
            for reference in self.references.get(number, ()):
                if reference in waiting and reference != number:
                    waiting[reference] += 1
        ready = [number for number, count in waiting.items() if count == 0]
        order: list[int] = []
        while ready:
            number = ready.pop()
            order.append(number)
            for reference in self.references.get(number, ()):
                if reference in waiting and reference != number:
                    waiting[reference] -= 1
                    if waiting[reference] == 0:
                        ready.append(reference)
        if len(order) < len(numbers):
            order += numbers.difference(order)  # a circle, which no registration makes: all at once
        return order


def all_roots(store: LocalStore, *, prune: bool = False, must_know: bool = True) -> list[Root]:
    """Every root there is: permanent, temporary and of running processes; not all need be valid paths.

    Raises HiddenRoots, if the caller `must_know`, where there may be others.
    """
    return [
        *find_roots(store.layout, prune=prune, must_know=must_know),
        *read_temp_roots(store.layout, prune=prune),
        *process_roots(store.store_dir),
    ]


def live_paths(
    store: LocalStore, *, keep_derivations: bool = True, keep_outputs: bool = False
) -> set[StorePath]:
    """The valid paths that a collection now would keep."""
    graph = _Graph(store, keep_derivations=keep_derivations, keep_outputs=keep_outputs)
    reached: set[int] = set()
    graph.reach([root.path for root in all_roots(store)], reached)
    return {graph.paths[number] for number in reached}


def kept_alive(
    store: LocalStore, *, keep_derivations: bool = True, keep_outputs: bool = False
) -> dict[StorePath, list[StorePath]]:
    """For every valid path what it keeps alive by itself: what it refers to, and what it was built from."""
    graph = _Graph(store, keep_derivations=keep_derivations, keep_outputs=keep_outputs)
    paths = graph.paths
    return {
        path: [
            paths[each]
            for each in (*graph.references.get(number, ()), *graph.keeps.get(number, ()))
            if each != number
        ]
        for number, path in paths.items()
    }


def dead_paths(
    store: LocalStore, *, keep_derivations: bool = True, keep_outputs: bool = False
) -> set[StorePath]:
    """The valid paths that a collection now would remove."""
    live = live_paths(store, keep_derivations=keep_derivations, keep_outputs=keep_outputs)
    return store.all_valid_paths() - live


def doomed_paths(
    store: LocalStore,
    *,
    keep_derivations: bool = True,
    keep_outputs: bool = False,
    keep_since: int | None = None,
    max_freed: int | None = None,
    without: Container[str] = (),
) -> list[tuple[StorePath, int]]:
    """What a collection now would remove, in its order, each with the size of its archive.

    `without` are names of links that count as gone already.
    """
    graph = _Graph(store, keep_derivations=keep_derivations, keep_outputs=keep_outputs)
    live: set[int] = set()
    graph.reach([root.path for root in all_roots(store) if root.reason not in without], live)
    graph.reach_since(keep_since, live)
    found: list[tuple[StorePath, int]] = []
    size = 0
    for number in graph.referrers_first(set(graph.paths) - live):
        if max_freed is not None and size >= max_freed:
            break
        found.append((graph.paths[number], graph.sizes[number]))
        size += graph.sizes[number]
    return found


def collect(
    store: LocalStore,
    *,
    keep_derivations: bool = True,
    keep_outputs: bool = False,
    keep_since: int | None = None,
    max_freed: int | None = None,
    on_delete: Callable[[StorePath], object] | None = None,
    on_wait: Callable[[Holder], object] | None = None,
) -> Collected:
    """Remove everything that no root reaches, or some of it until `max_freed` bytes are free again.

    `keep_derivations`: what a live path was built from is alive, as far as valid; `keep_outputs`: what a live
    derivation builds is. What was registered after `keep_since` is spared with all it refers to, dead or not.
    `on_delete` hears of each path as it goes, `on_wait` who is at it if another one
    takes long.
    """
    with _Collection(store, on_wait, is_partial=max_freed is not None) as collection:
        refuse_damaged(store)
        graph = _Graph(store, keep_derivations=keep_derivations, keep_outputs=keep_outputs)
        live: set[int] = set()
        roots = {root.path for root in all_roots(store, prune=True)}
        graph.reach(roots, live)
        graph.reach_since(keep_since, live)
        collection.begin(graph, live, roots)
        dead = graph.referrers_first(set(graph.paths) - live)
        collection.remove(dead, max_freed, on_delete)
        if max_freed is None or collection.freed < max_freed:
            collection.sweep()
        else:
            collection.sweep_links()
    return Collected(collection.removed, collection.freed)


def delete(
    store: LocalStore,
    paths: Iterable[StorePath],
    *,
    keep_derivations: bool = True,
    keep_outputs: bool = False,
    on_delete: Callable[[StorePath], object] | None = None,
    on_wait: Callable[[Holder], object] | None = None,
) -> Collected:
    """Remove `paths` and what refers to them.

    Raises `PathAlive`, with nothing removed, if a root reaches one of them, as in `collect`; roots of
    this process count too.
    """
    wanted = list(dict.fromkeys(paths))
    with _Collection(store, on_wait, is_partial=True) as collection:
        refuse_damaged(store)
        graph = _Graph(store, keep_derivations=keep_derivations, keep_outputs=keep_outputs)
        roots = all_roots(store, prune=True)
        live = _live_without(graph, wanted, roots)
        collection.begin(graph, live, {root.path for root in roots})
        doomed = {graph.ids[path] for path in store.referrers_closure(wanted) if path in graph.ids}
        collection.remove(graph.referrers_first(doomed), None, on_delete)
        for path in wanted:
            if path not in graph.ids:
                collection.sweep_item(path)
        collection.sweep_links()
    return Collected(collection.removed, collection.freed)


def doomed_with(
    store: LocalStore,
    paths: Iterable[StorePath],
    *,
    keep_derivations: bool = True,
    keep_outputs: bool = False,
) -> list[tuple[StorePath, int]]:
    """What `delete` would remove with the same arguments, each with the size of its archive, or its error."""
    wanted = list(dict.fromkeys(paths))
    graph = _Graph(store, keep_derivations=keep_derivations, keep_outputs=keep_outputs)
    _live_without(graph, wanted, all_roots(store))
    doomed = {graph.ids[path] for path in store.referrers_closure(wanted) if path in graph.ids}
    return [(graph.paths[number], graph.sizes[number]) for number in graph.referrers_first(doomed)]


def _live_without(graph: _Graph, wanted: Iterable[StorePath], roots: Sequence[Root]) -> set[int]:
    """All that `roots` reach; raises PathAlive if any of `wanted` is among that."""
    live: set[int] = set()
    graph.reach([root.path for root in roots], live)
    for path in wanted:
        if graph.ids.get(path) in live:
            raise PathAlive(path, _keeper(graph, path, roots))
    return live


def _keeper(graph: _Graph, path: StorePath, roots: Sequence[Root]) -> Root | None:
    """One of the roots that keep `path`, with the fewest items between them."""
    by_number = {graph.ids[root.path]: root for root in reversed(roots) if root.path in graph.ids}
    users: dict[int, list[int]] = {}
    for kept in (graph.references, graph.keeps):
        for user, needed in kept.items():
            for number in needed:
                users.setdefault(number, []).append(user)
    seen = {graph.ids[path]}
    layer = [graph.ids[path]]
    while layer:
        for number in layer:
            if number in by_number:
                return by_number[number]
        layer = [user for number in layer for user in users.get(number, ()) if user not in seen]
        seen.update(layer)
    return None


class _Collection:
    """One running collection: its lock, its socket, what it may still delete."""

    def __init__(
        self, store: LocalStore, on_wait: Callable[[Holder], object] | None, *, is_partial: bool
    ) -> None:
        self._store = store
        self._on_wait = on_wait
        self._lock_file = -1
        self._server: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()  # held while roots change and while a batch goes away
        self._graph: _Graph | None = None
        self._live: set[int] = set()
        self._roots: set[StorePath] = set()
        self._links = Links(store.store_dir, ahead=is_partial)
        self.removed: list[StorePath] = []
        self.freed = 0

    def __enter__(self) -> Self:
        layout = self._store.layout
        self._lock_file = open_lock_file(layout.gc_lock_file)
        try:
            wait_for_lock(self._lock_file, layout.gc_lock_file, self._on_wait)
            os.utime(self._lock_file)  # since when, for who waits
            give_back(layout, everything=True)
            self._serve()
        except BaseException:
            os.close(self._lock_file)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        set_aside(self._store.layout)
        # The lock goes before the socket: who is told by the one that there is no collector finds the other
        # free.
        with suppress(OSError):  # a stale socket is replaced by the next collection
            os.unlink(self._store.layout.gc_socket_file)
        set_aside(self._store.layout)
        fcntl.flock(self._lock_file, fcntl.LOCK_UN)
        os.close(self._lock_file)
        if self._server is not None and self._thread is not None:
            self._server.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._server.close()

    def begin(self, graph: _Graph, live: set[int], roots: set[StorePath]) -> None:
        """From now on new roots extend `live`; those that came while the roots were read are in already."""
        with self._guard:
            self._graph = graph
            self._live = live
            roots |= self._roots
            self._roots = roots
            graph.reach(roots, live)

    def _serve(self) -> None:
        file = self._store.layout.gc_socket_file
        try:
            os.makedirs(os.path.dirname(file), mode=0o755, exist_ok=True)
            if os.path.lexists(file):
                os.unlink(file)
            self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            # A socket's name may have 108 bytes, a state directory more: bind through its descriptor.
            directory = os.open(os.path.dirname(file), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._server.bind(f"/proc/self/fd/{directory}/socket")
            finally:
                os.close(directory)
            os.chmod(file, 0o666)  # noqa: S103 - whoever may read the store may keep a path from collection
            self._server.listen(64)
        except OSError as error:
            raise os_failure(tr("listen for new roots on"), file, error) from error
        self._thread = threading.Thread(target=self._accept, args=(self._server,), daemon=True)
        self._thread.start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._take_roots, args=(connection,), daemon=True).start()

    def _take_roots(self, connection: socket.socket) -> None:
        with connection:
            pending = b""
            try:
                while received := connection.recv(65536):
                    *lines, pending = (pending + received).split(b"\n")
                    for line in lines:
                        self._add_root(line.decode("ascii", "replace"))
                        connection.sendall(b"1")
                    if len(pending) > 4096:
                        return
            except OSError:
                return

    def _add_root(self, text: str) -> None:
        """When this returns the path is either safe or already gone."""
        try:
            path = parse_store_path(self._store.store_dir, text)
        except BadStorePath:
            return
        with self._guard:
            self._roots.add(path)
            if self._graph is not None:
                self._graph.reach([path], self._live)

    def remove(
        self, order: list[int], max_freed: int | None, on_delete: Callable[[StorePath], object] | None
    ) -> None:
        """Remove valid paths, in this order, except those that have become alive meanwhile."""
        graph = self._graph
        if graph is None:
            return
        for numbers in self._batches(graph, order, max_freed):
            aside: list[str] = []
            with self._guard:
                doomed = [graph.paths[number] for number in numbers if number not in self._live]
                if doomed:
                    self._store.database.invalidate(doomed)
                for path in doomed:
                    self._move_aside(path, aside)
            for path in doomed:
                self.removed.append(path)
                if on_delete is not None:
                    on_delete(path)
            self._remove_trees(aside)
            if max_freed is not None and self.freed >= max_freed:
                return

    def _batches(self, graph: _Graph, order: list[int], max_freed: int | None) -> Iterator[list[int]]:
        """`order` in pieces, each for one transaction.

        Where not all has to go, no more than is still wanted, as far as the sizes of archives tell.
        """
        start = 0
        while start < len(order):
            end, size = start, 0
            while end < len(order) and end < start + _BATCH:
                size += graph.sizes[order[end]]
                end += 1
                if max_freed is not None and size >= max_freed - self.freed:
                    break
            yield order[start:end]
            start = end

    def _move_aside(self, path: str, aside: list[str]) -> None:
        """Free the name `path`: at once if it is a file, else by giving the tree another name."""
        trash = f"{self._store.store_dir}/{base32.encode(os.urandom(20))}-larix-deleted"
        try:
            status = os.lstat(path)
            if status.st_mode & 0o170000 == 0o040000:
                os.rename(path, trash)
                aside.append(trash)
            else:
                is_freed = self._links.is_freed(status)
                os.unlink(path)
                self.freed += status.st_blocks * 512 if is_freed else 0
        except FileNotFoundError:
            return
        except OSError as error:
            raise os_failure(tr("delete"), path, error) from error

    def _remove_trees(self, aside: list[str]) -> None:
        for tree in aside:
            try:
                self.freed += remove_tree(tree, is_freed=self._links.is_freed)
            except OSError as error:
                raise os_failure(tr("delete"), tree, error) from error

    def sweep(self) -> None:
        """Remove what is there without being valid: leftovers of crashes, stale locks, links, builds."""
        valid = self._store.all_valid_paths()
        store_dir = self._store.store_dir
        for name in os.listdir(store_dir):
            path = f"{store_dir}/{name}"
            if path not in valid:
                if name.endswith(".lock"):
                    _remove_stale_lock(path)
                else:
                    self.sweep_item(path)
        self.freed += self._links.sweep()
        self.freed += remove_abandoned(self._store.layout.builds_dir)

    def sweep_links(self) -> None:
        """Remove the last names of shared files that count as freed; nothing else that could be swept."""
        if self._links.has_promised:
            self.freed += self._links.sweep()

    def sweep_item(self, path: str) -> None:
        """Remove an item that is not valid and no root; other names are not ours to remove."""
        try:
            item = parse_store_path(self._store.store_dir, path)
        except BadStorePath:
            return
        aside: list[str] = []
        with self._guard:
            if item in self._roots or self._store.is_valid(item):
                return
            self._move_aside(item, aside)
        self._remove_trees(aside)


def _remove_stale_lock(file: str) -> None:
    """Remove a lock file unless somebody holds it."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if try_lock(descriptor) and os.fstat(descriptor).st_size == 0:
            os.unlink(file)
            os.write(descriptor, b"d")
    except OSError:
        return
    finally:
        os.close(descriptor)
