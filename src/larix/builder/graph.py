"""What has to be built, and in which order it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.builder.errors import CannotBuild
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from larix.derivation import Derivation
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildTarget
    from larix.store import LocalStore

__all__ = ["Graph", "Node", "Plan", "building_order", "is_builtin", "load_graph", "plan"]


class Node:
    """A derivation some of whose outputs are wanted.

    `missing` are its outputs that were not valid when it was looked at. `inputs` are filled in when it must
    be built: the nodes of what it is built from; `users` the other way round. `blockers` counts unfinished
    inputs. The derivation is read when first asked for: of what is valid only the outputs are of interest.
    """

    __slots__ = (
        "_derivation",
        "_store",
        "blockers",
        "drv",
        "inputs",
        "missing",
        "outputs",
        "users",
        "wanted",
    )

    def __init__(self, store: LocalStore, drv: StorePath, outputs: dict[str, StorePath] | None) -> None:
        self._store = store
        self._derivation: Derivation | None = None
        self.drv = drv
        self.outputs = _outputs_read(self) if outputs is None else outputs
        self.wanted: set[str] = set()
        self.missing: set[str] = set()
        self.inputs: list[Node] = []
        self.users: list[Node] = []
        self.blockers = 0

    @property
    def derivation(self) -> Derivation:
        if self._derivation is None:
            self._derivation = self._store.read_derivation(self.drv)
        return self._derivation

    @property
    def must_be_built(self) -> bool:
        return not self.missing.isdisjoint(self.wanted)

    def input_paths(self) -> list[StorePath]:
        """The items it is built from, without what they refer to."""
        paths: list[StorePath] = list(self.derivation.input_srcs)
        for node in self.inputs:
            names = self.derivation.input_drvs[node.drv]
            paths += [node.outputs[name] for name in names]
        return paths


class Graph(NamedTuple):
    """All nodes reached; `targets` are those asked for. Those to be built come after what they need."""

    nodes: dict[StorePath, Node]
    targets: list[Node]


class Plan(NamedTuple):
    """What realising would do: derivations to build, inputs before users, and outputs that are there."""

    to_build: list[StorePath]
    valid: list[StorePath]


def is_builtin(derivation: Derivation) -> bool:
    """Whether larix itself does the work."""
    return derivation.builder.startswith(b"builtin:")


def load_graph(store: LocalStore, targets: Iterable[BuildTarget], *, all_inputs: bool = False) -> Graph:
    """Read the derivations that may have to be built; one question to the store for each distance.

    Outputs are protected from collection before they are asked for. With `all_inputs` the inputs of the
    targets are loaded although the targets are valid, to build those again.
    """
    nodes: dict[StorePath, Node] = {}
    roots: list[Node] = []
    frontier: list[tuple[StorePath, tuple[str, ...], Node | None]] = [
        (target.drv, target.outputs, None) for target in targets
    ]
    store.add_temp_root(*(drv for drv, _outputs, _user in frontier))
    expanded: set[StorePath] = set()
    while frontier:
        fresh = [drv for drv in dict.fromkeys(item[0] for item in frontier) if drv not in nodes]
        outputs = store.outputs_of(fresh)
        opened = [Node(store, drv, outputs.get(drv)) for drv in fresh]
        nodes.update(zip(fresh, opened, strict=True))
        _ask(store, opened)
        following: list[tuple[StorePath, tuple[str, ...], Node | None]] = []
        for drv, names, user in frontier:
            node = nodes[drv]
            _want(node, names)
            if user is None:
                if node not in roots:
                    roots.append(node)
            else:
                user.inputs.append(node)
                node.users.append(user)
            if drv not in expanded and (node.must_be_built or (all_inputs and user is None)):
                expanded.add(drv)
                following += [(path, wanted, node) for path, wanted in node.derivation.input_drvs.items()]
        frontier = following
    return Graph(nodes, roots)


def _outputs_read(node: Node) -> dict[str, StorePath]:
    """The outputs as the derivation itself names them, where the database does not; tells why it cannot."""
    drv = node.drv
    outputs: dict[str, StorePath] = {}
    for name, output in node.derivation.outputs.items():
        if not output.path:
            raise CannotBuild(
                drv,
                tr(
                    "`{drv}` has outputs whose names are unknown before they are built, which larix lacks",
                    drv=drv,
                ),
            )
        outputs[name] = _as_path(output.path)
    return outputs


def _as_path(path: str) -> StorePath:
    """An output path of a derivation that was read from the store, and so was checked."""
    return path  # type: ignore[return-value]


def _ask(store: LocalStore, nodes: Sequence[Node]) -> None:
    paths = [path for node in nodes for path in node.outputs.values()]
    store.add_temp_root(*paths)
    valid = store.valid_paths(paths)
    for node in nodes:
        node.missing = {name for name, path in node.outputs.items() if path not in valid}


def _want(node: Node, names: Sequence[str]) -> None:
    for name in names:
        if name not in node.outputs:
            known = ", ".join(f"`{output}`" for output in node.outputs)
            raise CannotBuild(
                node.drv,
                tr("`{drv}` has no output `{name}`, only {known}", drv=node.drv, name=name, known=known),
            )
    node.wanted.update(names or node.outputs)


def building_order(graph: Graph) -> list[Node]:
    """The nodes to be built, each after its inputs; iterative, for graphs of any depth."""
    order: list[Node] = []
    seen: set[StorePath] = set()
    todo: list[tuple[Node, bool]] = [(node, False) for node in reversed(graph.targets)]
    while todo:
        node, is_ready = todo.pop()
        if is_ready:
            if node.must_be_built:
                order.append(node)
        elif node.drv not in seen:
            seen.add(node.drv)
            todo.append((node, True))
            todo += [(below, False) for below in reversed(node.inputs)]
    return order


def plan(store: LocalStore, targets: Sequence[BuildTarget]) -> Plan:
    """What `realise` would do now; nothing is built."""
    graph = load_graph(store, targets)
    order = building_order(graph)
    valid = [
        path
        for node in graph.targets
        for name, path in node.outputs.items()
        if name in node.wanted and name not in node.missing
    ]
    return Plan([node.drv for node in order], valid)
