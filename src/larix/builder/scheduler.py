"""The order in which builds run: one thread, one poll, linear in the size of the graph.

A node waits for its inputs, then is *ready*, then locks its outputs (another process may be at them), then
runs, perhaps several rounds, then is done, which unblocks its users. Downloads take no job slot: they wait
for the network and not for a processor.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from larix.builder.errors import BuilderFailed, BuildError, BuildsFailed, CannotBuild, FailedBefore
from larix.builder.graph import building_order
from larix.builder.interface import Job
from larix.builder.logs import existing_log_file
from larix.builder.outputs import Outputs, compare_outputs, export_references, take_outputs
from larix.builder.workers import Workers
from larix.protocol import BuildFailed, BuildFinished, BuildStarted, BuildWaiting
from larix.store.failures import failures, note_failure
from larix.store.locks import PathLocks
from larix.store.space import free_space
from larix.store.waiting import Holder, Patience, holder_of
from larix.words import tr

if TYPE_CHECKING:
    from larix.builder.graph import Graph, Node
    from larix.builder.interface import Build, Builder
    from larix.protocol import BuildOptions, Sink
    from larix.store import LocalStore

__all__ = ["Scheduler"]

_DOWNLOADS = 8
_RETRY_SECONDS = 0.1
_TICK_SECONDS = 1.0
_ROOM = 8 << 20  # with fewer bytes free, a build may have failed for that
_MOST_PENDING = 16  # builds whose outputs are not taken in yet: more would only fill the disk


class _Running(NamedTuple):
    node: Node
    build: Build
    locks: PathLocks
    round: int
    is_download: bool


class Scheduler:
    """Builds the nodes of one graph that must be built; used once."""

    def __init__(
        self,
        store: LocalStore,
        graph: Graph,
        builder: Builder,
        options: BuildOptions,
        sink: Sink,
        *,
        cache_failures: bool = False,
    ) -> None:
        """`cache_failures`: note what fails for good, and fail at once where that was noted before."""
        self._store = store
        self._cache_failures = cache_failures
        self._builder = builder
        self._options = options
        self._sink = sink
        self._targets = set(graph.targets)
        self._nodes = building_order(graph)
        again = [node for node in graph.targets if options.check and not node.must_be_built]
        self._ready: dict[bool, deque[Node]] = {False: deque(), True: deque()}  # builds, downloads
        self._waiting: list[tuple[Node, PathLocks]] = []
        self._retry_at = 0.0
        self._workers = Workers(self._take)
        self._patience: dict[Node, Patience] = {}
        self._running: dict[int, _Running] = {}
        self._count = {False: 0, True: 0}
        self._poll = select.poll()
        self._errors: list[BuildError] = []
        self._failed: set[Node] = set()
        self._checking: set[Node] = set(again)
        self._poll.register(self._workers.descriptor, select.POLLIN)
        for node in (*self._nodes, *again):
            node.blockers = sum(below.must_be_built for below in node.inputs)
            if node.blockers == 0:
                self._make_ready(node)
        self._left = len(self._nodes) + len(again)

    def run(self) -> None:
        """Build everything. Raises what failed: the one error, or all of them together under `keep_going`."""
        try:
            if self._options.max_jobs < 1:
                self._refuse_builds()
            while self._left and not self._should_stop():
                self._start_what_can_be()
                if not self._running and not self._waiting and not self._workers.pending:
                    break
                self._wait()
        finally:
            self._end_all()
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise BuildsFailed(self._errors)

    def _refuse_builds(self) -> None:
        for node in self._nodes:
            if not _is_download(node):
                raise CannotBuild(
                    node.drv, tr("`{drv}` has to be built, and `--max-jobs=0` forbids it", drv=node.drv)
                )

    def _should_stop(self) -> bool:
        return bool(self._errors) and not self._options.keep_going

    def _make_ready(self, node: Node) -> None:
        self._ready[_is_download(node)].append(node)

    def _start_what_can_be(self) -> None:
        """Start ready nodes while there are slots; what is locked elsewhere is tried again now and then."""
        if self._waiting and time.monotonic() >= self._retry_at:
            waiting, self._waiting = self._waiting, []
            for node, locks in waiting:
                if self._should_stop() or not self._has_slot(node) or not self._lock(node, locks):
                    self._waiting.append((node, locks))
            self._retry_at = time.monotonic() + _RETRY_SECONDS
        for ready in self._ready.values():
            while ready and self._has_slot(ready[0]) and not self._should_stop():
                node, locks = ready.popleft(), PathLocks()
                if not self._lock(node, locks):
                    self._waiting.append((node, locks))

    def _has_slot(self, node: Node) -> bool:
        is_download = _is_download(node)
        if self._workers.pending >= _MOST_PENDING:
            return False
        return self._count[is_download] < (_DOWNLOADS if is_download else self._options.max_jobs)

    def _lock(self, node: Node, locks: PathLocks) -> bool:
        """Lock a node's outputs and go on with it; False when another process has the lock."""
        if not locks.acquire(node.outputs.values(), wait=False):
            self._tell_wait(node)
            return False
        try:
            return self._begin(node, locks)
        except BuildError as error:
            locks.release()
            self._fail(node, error)
            return True
        except BaseException:
            locks.release()
            raise

    def _tell_wait(self, node: Node, *, for_user: bool = False) -> None:
        """Once it takes long, and then now and then."""
        now = time.monotonic()
        if not self._patience.setdefault(node, Patience(now)).is_over(now):
            return
        locked = [path for path in sorted(node.outputs.values()) if os.path.exists(path + ".lock")]
        path = locked[0] if locked else min(node.outputs.values())
        holder = Holder() if for_user else holder_of(path + ".lock")
        self._sink(BuildWaiting(node.drv, path, *holder, for_user=for_user))

    def _begin(self, node: Node, locks: PathLocks) -> bool:
        """Start the first build of a node, unless somebody else has just built it."""
        if node in self._checking:
            return self._start(node, locks, 2)
        valid = self._store.valid_paths(node.outputs.values())
        if len(valid) == len(node.outputs):
            locks.release()
            self._done(node)
            return True
        if self._cache_failures:
            for output, when in failures(self._store.database, node.outputs.values()).items():
                raise FailedBefore(
                    node.drv,
                    output,
                    when=when,
                    log_file=existing_log_file(self._store.layout.log_dir, node.drv),
                )
        return self._start(node, locks, 1)

    def _start(self, node: Node, locks: PathLocks, number: int) -> bool:
        inputs = self._store.closure(node.input_paths())
        files = export_references(self._store, node.derivation.env)
        job = Job(node.drv, node.derivation, sorted(inputs), files, number)
        build = self._builder.start(job, time.monotonic())
        if build is None:
            locks.release()
            if not self._running:  # else the builds that run are what is waited for
                self._tell_wait(node, for_user=True)
            return False
        running = _Running(node, build, locks, number, _is_download(node))
        self._count[running.is_download] += 1
        for descriptor in build.descriptors():
            self._running[descriptor] = running
            self._poll.register(descriptor, select.POLLIN)
        self._sink(BuildStarted(node.drv, build.log_file, number))
        return True

    def _wait(self) -> None:
        """Sleep until something happens, and deal with it."""
        now = time.monotonic()
        limit = _RETRY_SECONDS if self._waiting else _TICK_SECONDS
        builds = {id(running.build): running.build for running in self._running.values()}
        for build in builds.values():
            deadline = build.deadline()
            if deadline is not None:
                limit = min(limit, max(deadline - now, 0.0))
        self._store.look_at_space()
        events = self._poll.poll(limit * 1000 + 1)
        now = time.monotonic()
        for descriptor, _ in events:
            running = self._running.get(descriptor)
            if running is not None and self._handle(running, descriptor, now):
                self._count[running.is_download] -= 1
                self._finish(running)
        for running, error in self._workers.finished():
            self._conclude(running, error)
        for build in builds.values():
            if not build.is_over:
                build.check_time(now)

    def _handle(self, running: _Running, descriptor: int, now: float) -> bool:
        """Take what came; true when that was the end of the build."""
        before = running.build.descriptors()
        running.build.handle(descriptor, now)
        for gone in set(before) - set(running.build.descriptors()):
            self._poll.unregister(gone)
            del self._running[gone]
        return running.build.is_over

    def _finish(self, running: _Running) -> None:
        """A build is over: its outputs are taken in while others run."""
        failure = running.build.failure()
        if failure is None:
            self._workers.submit(running)
        else:
            self._conclude(running, failure)

    def _take(self, running: _Running) -> None:
        """Make outputs valid, or compare those of a later round; in a thread of its own."""
        node, build = running.node, running.build
        outputs = Outputs(
            node.drv, node.derivation, node.outputs, build.outputs, build.log_file, build.source
        )
        if running.round == 1:
            take_outputs(self._store, outputs, build.job.inputs)
        else:
            options = self._options
            compare_outputs(self._store, outputs, keep=options.keep_failed, repair=options.repair)
        build.discard()

    def _conclude(self, running: _Running, error: BaseException | None) -> None:
        """Go on to the next round, or to what waited for the node; or note its failure."""
        if error is None:
            error = self._go_on(running)
            if error is None:
                return
        if self._cache_failures and self._is_permanent(running.node, error):
            note_failure(self._store.database, running.node.outputs.values())
        running.locks.release()
        if isinstance(error, BuildError):
            self._keep(running.build, error)
            self._fail(running.node, error)
        running.build.discard()
        if not isinstance(error, BuildError):
            raise error

    def _is_permanent(self, node: Node, error: BaseException) -> bool:
        """Whether a build would fail again: not for want of memory or space, and not for what it fetches."""
        return (
            isinstance(error, BuilderFailed)
            and os.WIFEXITED(error.status)
            and not node.derivation.is_fixed
            and free_space(self._store.layout.state_dir) >= _ROOM
        )

    def _go_on(self, running: _Running) -> BaseException | None:
        """The outputs are valid, or the same again; what then went wrong, if anything."""
        try:
            self._sink(BuildFinished(running.node.drv, time.monotonic() - running.build.started))
            if not self._start_next_round(running):
                running.locks.release()
                self._done(running.node)
        except BaseException as error:  # noqa: BLE001 - raised again by who called, once tidied up
            return error
        return None

    def _start_next_round(self, running: _Running) -> bool:
        """False when there is none left."""
        node = running.node
        rounds = max(self._options.rounds, 2 if self._options.check and node in self._targets else 1)
        if running.round >= rounds or node.derivation.is_fixed:
            return False
        if not self._start(node, running.locks, running.round + 1):
            raise CannotBuild(node.drv, tr("no build user is free to build `{drv}` again", drv=node.drv))
        return True

    def _keep(self, build: Build, error: BuildError) -> None:
        kept = build.keep() if self._options.keep_failed else None
        if kept is not None:
            note = tr("keeping build directory `{kept}'", kept=kept)
            error.hint = f"{error.hint}; {note}" if error.hint else note

    def _done(self, node: Node) -> None:
        self._left -= 1
        for user in node.users:
            user.blockers -= 1
            if (
                user.blockers == 0
                and (user.must_be_built or user in self._checking)
                and user not in self._failed
            ):
                self._make_ready(user)

    def _fail(self, node: Node, error: BuildError) -> None:
        """Note a failure, and that nothing which needs the node can be built."""
        self._errors.append(error)
        self._sink(BuildFailed(node.drv, error))
        todo = [node]
        while todo:
            current = todo.pop()
            if current not in self._failed:
                self._failed.add(current)
                self._left -= 1
                todo += [user for user in current.users if user.must_be_built or user in self._checking]

    def _end_all(self) -> None:
        """Kill what still runs, and wait until no process of it is left."""
        left = {id(running.build): running for running in self._running.values()}
        for running in left.values():
            running.build.kill()
        for running in left.values():
            while not running.build.is_over:
                for descriptor in running.build.descriptors():
                    os.set_blocking(descriptor, True)
                    running.build.handle(descriptor, time.monotonic())
            running.build.discard()
            running.locks.release()
        self._running.clear()
        for running, _ in self._workers.close():
            running.build.discard()
            running.locks.release()
        for _, locks in self._waiting:
            locks.release()


def _is_download(node: Node) -> bool:
    return node.derivation.builder == b"builtin:download"
