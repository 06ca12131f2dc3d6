"""`build --repair`: what is damaged in the store is made again and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.builder.repairing import repair
from larix.cli import diagnostics
from larix.cli.options import UsageError
from larix.cli.progress import watching
from larix.formats.storepath import store_item_of
from larix.words import plural, tr

if TYPE_CHECKING:
    from larix.cli.options import CommandLine
    from larix.cli.session import Session
    from larix.cli.targets import Target
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildOptions

__all__ = ["repair_targets"]


def repair_targets(session: Session, line: CommandLine, targets: list[Target], options: BuildOptions) -> None:
    """Repair what is there of the targets and of what these refer to; what is not there is built later."""
    if line.has("dry-run") or line.has("derivations"):
        raise UsageError(tr("'--repair' cannot be used with '--dry-run' or '--derivations'"))
    from larix.client.store import DaemonStore

    store = session.store
    paths = [store_item_of(store.store_dir, path) for target in targets for path in target.paths]
    valid = store.valid_paths(paths)
    if isinstance(store, DaemonStore):
        with watching(options.verbosity, on_host=session.on_host) as sink:
            store.repair(sorted(valid), options, sink)
        return
    there = store.closure(valid)
    with watching(options.verbosity, on_host=session.on_host) as sink:
        policy = session.settings.policy
        repaired = repair(store, there, options, sink, policy=policy, tell=_tell_damage)
    if repaired:
        diagnostics.say(plural("repaired {number} item", "repaired {number} items", len(repaired)))


def _tell_damage(path: StorePath) -> None:
    diagnostics.warning(tr("`{path}' is damaged or gone", path=path))
