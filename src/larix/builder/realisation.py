"""Making derivations' outputs valid: the entry to everything in this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.builder.graph import is_builtin, load_graph
from larix.builder.policy import DEFAULT_POLICY, Policy
from larix.protocol import BuildOptions, ignore_events
from larix.store.errors import NO_ROOM, os_failure
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larix.builder.interface import Builder
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildTarget, Sink
    from larix.store import LocalStore

__all__ = ["BuildResult", "realise"]


class BuildResult(NamedTuple):
    """The wanted outputs of a target, all valid and protected from collection while the store is open."""

    drv: StorePath
    outputs: Mapping[str, StorePath]


def realise(
    store: LocalStore,
    targets: Sequence[BuildTarget],
    options: BuildOptions | None = None,
    sink: Sink = ignore_events,
    builder: Builder | None = None,
    *,
    policy: Policy = DEFAULT_POLICY,
) -> list[BuildResult]:
    """Make the outputs of `targets` valid, building what is missing; one result for each target, in order.

    `builder` says where derivations are built; by default on this machine, in isolation, as `policy` says.
    Raises BuildError, or BuildsFailed when several failed under `keep_going`, after everything that still ran
    has been killed.
    """
    options = options or BuildOptions()
    graph = load_graph(store, targets, all_inputs=options.check)
    if options.check or any(node.must_be_built for node in graph.targets):
        # What runs builds is imported only when something has to be built: mostly, nothing has.
        from larix.builder.local import LocalBuilder
        from larix.builder.scheduler import Scheduler

        owned = builder or LocalBuilder(
            store_dir=store.store_dir,
            state_dir=store.layout.state_dir,
            log_dir=store.layout.log_dir,
            options=options,
            sink=sink,
            policy=policy,
        )
        try:
            if any(node.must_be_built and not is_builtin(node.derivation) for node in graph.nodes.values()):
                owned.prepare()
            Scheduler(store, graph, owned, options, sink, cache_failures=policy.cache_failures).run()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            where = error.filename or store.layout.state_dir
            raise os_failure(tr("build in"), where, error) from error
        finally:
            if builder is None:
                owned.close()
    results: list[BuildResult] = []
    for target in targets:
        outputs = graph.nodes[target.drv].outputs
        names = target.outputs or tuple(outputs)
        results.append(BuildResult(target.drv, {name: outputs[name] for name in names}))
    return results
