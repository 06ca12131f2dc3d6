"""The graphs that a command line asks for: from its words to nodes, by the kind of the graph."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, cast

from larix.cli.items import Items, is_file_name, store_item
from larix.cli.options import CommandLine, UsageError
from larix.cli.transformations import Transformer, chosen_transformations
from larix.derivation import Lowered, Source
from larix.errors import LarixError
from larix.formats.storepath import StorePath
from larix.graphs.facts import Stored
from larix.graphs.graph import Graph, shortest_paths
from larix.graphs.kinds import Workshop, derivation_graph, item_graph, package_graph
from larix.packages.bag import package_of
from larix.packages.package import Package
from larix.packages.versions import split_name
from larix.protocol import PathInfo
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.cli.session import Session
    from larix.graphs.modules import Modules
    from larix.graphs.tables import Kind

__all__ = ["GraphMaker", "NoPath", "Subject"]


class NoPath(LarixError):
    """One thing needs another not even by way of others."""

    def __init__(self, start: str, goal: str) -> None:
        super().__init__(tr("no path from '{start}' to '{goal}'", start=start, goal=goal))


class Subject(NamedTuple):
    """What a word of the command line became: a thing that is a node, or an item that the store has."""

    value: object
    is_item: bool = False


class GraphMaker:
    """Makes graphs of one kind; opens a store only if something asks for it."""

    def __init__(self, line: CommandLine, kind: Kind) -> None:
        self._line = line
        self._kind = kind

    @cached_property
    def _session(self) -> Session:
        from larix.cli.session import open_session

        return open_session()

    @cached_property
    def _items(self) -> Items:
        return Items(self._session, self._line)

    @cached_property
    def _transformer(self) -> Transformer:
        return Transformer(self._session, self._items.evaluation, chosen_transformations(self._line))

    @cached_property
    def _workshop(self) -> Workshop:
        evaluation = self._items.evaluation
        return Workshop(lambda: evaluation.lowering, lambda: evaluation.catalogue)

    @cached_property
    def _modules(self) -> Modules:
        from larix.graphs.modules import Modules

        return Modules(self._items.evaluation.catalogue.folders)

    def close(self) -> None:
        if "_session" in self.__dict__:
            self._session.close()

    def check(self) -> None:
        """Tell which transformations had no effect."""
        if "_transformer" in self.__dict__:
            self._transformer.check()

    def subjects(self, option: str, text: str) -> list[Subject]:
        """What a word names, as nodes of this kind; `option` is the one it was given to, or empty."""
        if option == "" and is_file_name(text):
            return [Subject(self._stored(text), is_item=True)]
        evaluation = self._items.evaluation
        if option == "":
            found = evaluation.find(text)
            if self._kind.of == "modules":
                return [Subject(self._modules.named(found.entry.module, found.package.location.file))]
            value: object = found.package.output(found.output) if ":" in text else found.package
        else:
            value = evaluation.expression(text) if option == "expression" else evaluation.file(text)
        value = self._transformer.value(value)
        values = cast("Sequence[object]", value) if isinstance(value, list | tuple) else [value]
        return [each for one in values for each in self._of_value(one, text)]

    def _stored(self, text: str) -> StorePath:
        """The item that stands for a file: itself, or what made it where nodes are derivations."""
        path = store_item(self._session, text)
        store = self._session.store
        if self._kind.of == "items":
            store.path_info(path)
            return path
        if self._kind.of != "derivations":
            raise UsageError(
                tr(
                    "'{text}' is an item of the store, and the nodes of `{kind}' are {of}",
                    text=text,
                    kind=self._kind.name,
                    of=self._kind.of,
                ),
                hint=tr("`--type=references' draws items"),
            )
        if path.endswith(".drv"):
            store.path_info(path)
            return path
        derivers = sorted(store.derivers(path))
        if not derivers:
            store.path_info(path)
            raise UsageError(tr("the store has no derivation that makes `{path}'", path=path))
        return derivers[0]

    def _of_value(self, value: object, text: str) -> list[Subject]:
        package = package_of(value)
        if self._kind.of == "items":
            from larix.packages.inputs import Output

            output = value.name if isinstance(value, Output) else None
            paths = self._items.of_value(value, output, text)
            return [Subject(path, is_item=True) for path in paths]
        if self._kind.of == "derivations":
            return [Subject(self._items.evaluation.lowering.lower(value).origin)]
        if package is not None and self._workshop.catalogue.system not in package.supported_systems:
            self._workshop.bag(package)  # an error, which tells the systems that there are
        if package is None:
            raise UsageError(tr("`{value!r:.80}' is not a package", value=value))
        if self._kind.of == "modules":
            return [Subject(self._modules.of_file(package.location.file))]
        return [Subject(package)]

    def graph(self, subjects: Sequence[Subject], *, max_depth: int | None = None) -> Graph:
        if any(each.is_item for each in subjects):
            return self._graph_of_items(subjects, max_depth)
        values = [each.value for each in subjects]
        if self._kind.of == "derivations":
            roots = [each for each in values if isinstance(each, Lowered | Source)]
            return derivation_graph(roots, max_depth=max_depth)
        if self._kind.of == "modules":
            from larix.graphs.modules import Module, module_graph

            start = [each for each in values if isinstance(each, Module)]
            return module_graph(start, self._modules, max_depth=max_depth)
        return package_graph(self._kind.name, values, self._workshop, max_depth=max_depth)

    def _graph_of_items(self, subjects: Sequence[Subject], max_depth: int | None) -> Graph:
        """From the store's table, in as many questions for a small graph as for a large one."""
        other = next((each.value for each in subjects if not each.is_item), None)
        if other is not None:
            raise UsageError(
                tr("derivations of packages and items of the store cannot be drawn together"),
                hint=tr("`larix build -d PACKAGE' puts the derivation into the store and prints its name"),
            )
        store = self._session.store
        roots = [StorePath(str(each.value)) for each in subjects]
        is_upwards = self._kind.name == "referrers"
        reached = store.referrers_closure(roots) if is_upwards else store.closure(roots)
        return item_graph(roots, store.path_infos(reached), upwards=is_upwards, max_depth=max_depth)

    def with_packages(self, graph: Graph) -> Graph:
        """The graph with items as what they were built from, as far as that can be told.

        It was lowered for this command; or the catalogue has a package of that name and version.
        """
        made = self._made_here()
        nodes = {
            key: node._replace(subject=Stored(node.subject, package))
            if isinstance(node.subject, PathInfo)
            and (package := made.get(node.subject.path) or self._named_like(node.label)) is not None
            else node
            for key, node in graph.nodes.items()
        }
        return graph._replace(nodes=nodes)

    def _made_here(self) -> dict[str, Package]:
        return {
            path: value
            for value, item in self._items.evaluation.lowering.made()
            if isinstance(value, Package) and isinstance(item.origin, Lowered)
            for path in item.origin.outputs.values()
        }

    def _named_like(self, label: str) -> Package | None:
        name, version = split_name(label)
        catalogue = self._items.evaluation.catalogue
        for entry in catalogue.named(name) if version else ():
            rest = version.removeprefix(entry.version)
            if rest != version and (not rest or rest[1:] in entry.outputs):
                return catalogue.load(entry)
        return None

    def shortest_path(self, start: Sequence[Subject], goal: Sequence[Subject]) -> list[str]:
        """The names of the nodes on the way from one of the first to one of the second."""
        graph = self.graph(start)
        ways = [
            way
            for root in graph.roots
            for each in goal
            for key in self._keys_of(graph, each)
            if (way := next(shortest_paths(graph.arrows, root, key), None)) is not None
        ]
        if not ways:
            raise NoPath(graph.nodes[graph.roots[0]].name, self._name_of(goal[0]))
        return [graph.nodes[key].name for key in min(ways, key=len)]

    def _name_of(self, subject: Subject) -> str:
        value = subject.value
        package = package_of(value)
        if package is not None:
            return package.full_name
        return str(getattr(value, "path", None) or getattr(value, "name", value))

    def _keys_of(self, graph: Graph, subject: Subject) -> list[str]:
        """The very thing; if it is not there, variants of it, which have its name."""
        same = [key for key, node in graph.nodes.items() if node.subject is subject.value]
        name = self._name_of(subject)
        return same or [key for key, node in graph.nodes.items() if node.name == name]
