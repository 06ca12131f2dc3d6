"""What a command line asks to be built: packages by name, store items, expressions, files.

Store items are the business of scripts, which ask often: for them nothing of packages and staging is loaded.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from larix.cli.options import CommandLine, Token, UsageError
from larix.cli.transformations import Transformer, chosen_transformations
from larix.derivation import Lowered, Source
from larix.formats.storepath import StorePath, store_item_of
from larix.protocol import BuildTarget
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.evaluation import Evaluation
    from larix.cli.session import Session
    from larix.packages.package import Package
    from larix.staging import Item, Lowering

__all__ = ["WANTED", "Target", "chosen_targets", "package_target"]

WANTED = frozenset({"", "expression", "file", "manifest"})  # what names something to be built


class Target(NamedTuple):
    """One result: `paths` are its store files; `lowered` or `source` is what has to be instantiated first.

    `lowering` is what it came from, if it was not named as a store item.
    """

    paths: tuple[str, ...]
    build: BuildTarget | None = None
    lowered: Lowered | None = None
    source: Source | None = None
    lowering: Lowering | None = None


def chosen_targets(line: CommandLine, session: Session) -> list[Target]:
    """The targets in the order of the command line."""
    if line.has("development") or line.has("dependents"):
        from larix.cli.relatives import require_packages

        require_packages(line)
    systems = list(dict.fromkeys(line.values("system")))
    targets: list[Target] = []
    for number, system in enumerate(systems or [None]):
        targets += _targets_on(system, line, session, with_items=number == 0)
    return targets


def _targets_on(system: str | None, line: CommandLine, session: Session, *, with_items: bool) -> list[Target]:
    """Those of the machine's system, when none is named; store items are of none."""
    evaluation: Evaluation | None = None
    transformer: Transformer | None = None
    targets: list[Target] = []
    sources = None
    if line.has("source") or line.has("sources"):
        from larix.cli.sources import wanted_sources

        sources = wanted_sources(line)
    relation: Token | None = None
    for token in line.tokens:
        if token.name in {"development", "dependents"}:
            relation = token
        if token.value is None or token.name not in WANTED:
            continue
        if token.name == "" and "/" in token.value:
            if with_items:
                targets.append(_store_target(session, token.value))
            continue
        if evaluation is None:
            from larix.cli.evaluation import Evaluation

            evaluation = Evaluation(
                line.values("load-path"), session.layout.store_dir, system=system, target=line.last("target")
            )
        if transformer is None:
            transformer = Transformer(session, evaluation, chosen_transformations(line))
        value = _value_of(evaluation, token.name, token.value)
        if relation is not None and relation.name == "dependents":
            from larix.cli.relatives import dependents

            if token.name == "manifest":  # those that a manifest transforms have no dependents
                value = evaluation.manifest_file(token.value)
            value = dependents(evaluation, value, relation.value)
        value = transformer.value(value)
        if relation is not None and relation.name == "development":
            from larix.cli.relatives import build_inputs

            value = build_inputs(evaluation, value, packages_only=sources is not None)
        relation = None
        targets += _value_targets(evaluation, value, sources)
    if transformer is not None:
        transformer.check()
    return targets


def _value_of(evaluation: Evaluation, kind: str, text: str) -> object:
    """The package, or whatever else, that a specification, an expression or a file gives."""
    if kind == "manifest":
        return evaluation.manifest_items(text)
    if kind == "expression":
        return evaluation.expression(text)
    if kind == "file":
        return evaluation.file(text)
    found = evaluation.find(text)
    if ":" not in text:
        return found.package
    from larix.packages.inputs import Output

    return Output(found.package, found.output)


def _store_target(session: Session, text: str) -> Target:
    """A derivation's file, or an item that is there already; links are followed."""
    store = session.store
    name = text if text.startswith(store.store_dir + "/") else os.path.realpath(text)
    if not name.startswith(store.store_dir + "/"):
        raise UsageError(
            tr("'{text}' is not in the store `{store_dir}'", text=text, store_dir=store.store_dir)
        )
    path = store_item_of(store.store_dir, name)
    if path.endswith(".drv"):
        store.add_temp_root(path)
        outputs: dict[str, str] = {**store.derivation_outputs(path)}
        if not outputs:
            outputs = {name: output.path for name, output in store.read_derivation(path).outputs.items()}
        return Target(tuple(outputs[name] for name in sorted(outputs)), BuildTarget(path))
    store.add_temp_root(path)
    store.path_info(path)
    return Target((path,))


def _value_targets(evaluation: Evaluation, value: object, sources: str | None) -> list[Target]:
    from larix.packages.package import Package

    if isinstance(value, list | tuple) and not isinstance(value, str):
        return [
            target
            for each in value  # pyright: ignore[reportUnknownVariableType]
            for target in _value_targets(evaluation, each, sources)  # pyright: ignore[reportUnknownArgumentType]
        ]
    if sources is not None:
        from larix.cli.sources import sources_of

        return [_item_target(item) for item in sources_of(evaluation.lowering, value, sources)]
    if isinstance(value, Package):
        return [package_target(evaluation, value)]
    return [_item_target(evaluation.lowering.lower(value))._replace(lowering=evaluation.lowering)]


def package_target(evaluation: Evaluation, package: Package) -> Target:
    """All outputs of a package, sorted by name."""
    item = evaluation.lowering.lower(package)
    lowered = item.origin
    if not isinstance(lowered, Lowered):
        return _item_target(item)
    outputs = lowered.outputs
    paths = tuple(outputs[name] for name in sorted(outputs))
    return Target(paths, BuildTarget(lowered.path), lowered, lowering=evaluation.lowering)


def _item_target(item: Item) -> Target:
    origin = item.origin
    if isinstance(origin, Source):
        return Target((item.path,), source=origin)
    output = item.output or "out"
    return Target((item.path,), BuildTarget(StorePath(origin.path), (output,)), origin)
