import sys

import pytest

from larix.derivation import derivation
from larix.errors import Location
from larix.staging import Interpreter, Item, Lowering, LoweringCycle, LoweringError
from larix.staging.lower import inputs_of


class Node:
    """Anything with inputs."""

    def __init__(self, name, *inputs, line=1):
        self.name = name
        self.inputs = list(inputs)
        self.location = Location("nodes.py", line)
        self.count = 0

    def __lower__(self, lowering):
        self.count += 1
        items = [lowering.lower(each) for each in self.inputs]
        derivations, sources = inputs_of(items)
        lowered = derivation(
            self.name,
            store_dir=lowering.store_dir,
            system=lowering.system,
            builder="builtin:none",
            inputs=derivations,
            sources=sources,
        )
        return Item(lowered.output_path(), lowered, "out")


def test_an_object_is_lowered_once_for_each_system_and_target(lowering):
    shared = Node("shared")
    top = Node("top", Node("left", shared), Node("right", shared))
    assert lowering.lower(top) is lowering.lower(top)
    assert (top.count, shared.count) == (1, 1)
    other = lowering.variant(system="aarch64-linux")
    assert other.lower(top) != lowering.lower(top)
    assert shared.count == 2
    cross = lowering.variant(target="aarch64-linux")
    assert (
        cross
        is lowering.variant(target="aarch64-linux")
        is other.variant(system=lowering.system, target="aarch64-linux")
    )
    assert cross.variant(target=None) is lowering
    assert cross.python is lowering.python


def test_a_cycle_is_told_with_all_its_places(lowering):
    a, b, c = Node("a", line=1), Node("b", line=2), Node("c", line=3)
    a.inputs, b.inputs, c.inputs = [b], [c], [b]
    with pytest.raises(LoweringCycle) as caught:
        lowering.lower(a)
    assert caught.value.chain == ("b (nodes.py:2)", "c (nodes.py:3)", "b (nodes.py:2)")
    assert caught.value.place == Location("nodes.py", 2)
    c.inputs = []
    assert lowering.lower(a).origin.name == "a"


def test_a_package_that_needs_itself_for_another_system_is_no_cycle(lowering):
    class Bootstrapped(Node):
        def __lower__(self, lowering):
            if lowering.system != "i686-linux":
                self.inputs = [lowering.variant(system="i686-linux").lower(self).origin]
            return super().__lower__(lowering)

    assert lowering.lower(Bootstrapped("gcc")).origin.name == "gcc"


@pytest.mark.slow
def test_a_deep_graph_is_lowered(lowering):
    node = Node("bottom")
    for number in range(5000):
        node = Node(f"n{number}", node)
    limit = sys.getrecursionlimit()
    assert lowering.lower(node).origin.name == "n4999"
    assert sys.getrecursionlimit() == limit


@pytest.mark.slow
def test_a_graph_without_end_is_an_error_that_shows_where_it_went(lowering):
    class Endless(Node):
        def __lower__(self, lowering):
            return lowering.lower(Endless(f"{self.name}+"[:10]))

    limit = sys.getrecursionlimit()
    with pytest.raises(LoweringError, match=r"too deep: x → x\+ → .* more\) → ") as caught:
        lowering.lower(Endless("x"))
    assert len(str(caught.value)) < 500
    assert sys.getrecursionlimit() == limit


@pytest.mark.slow
def test_a_field_that_asks_for_itself_is_an_error(lowering):
    class Selfish(Node):
        @property
        def version(self):
            return self.version

        def __lower__(self, lowering):
            return self.version

    with pytest.raises(LoweringError, match="too deep: top → selfish"):
        lowering.lower(Node("top", Selfish("selfish")))


def test_what_is_nothing_to_build_is_named_with_its_type_and_place(lowering):
    with pytest.raises(LoweringError, match="is a str, which is nothing that can be built"):
        lowering.lower("bash")
    with pytest.raises(LoweringError, match="is a type"):
        lowering.lower(Node)

    class Bag:
        name = "bag"
        location = Location("bags.py", 7)

    with pytest.raises(LoweringError) as caught:
        lowering.lower(Bag())
    assert caught.value.place == Location("bags.py", 7)


def test_derivations_stand_for_their_output_out_or_the_first(lowering, made):
    assert lowering.lower(made("x")).path == made("x").output_path()
    several = made("x", outputs=("lib", "doc"))
    assert lowering.lower(several) == Item(several.output_path("lib"), several, "lib")


def test_computed_things_are_computed_once(lowering):
    calls = []
    assert lowering.cached("key", lambda: calls.append(1) or "value") == "value"
    assert lowering.cached("key", lambda: calls.append(1) or "other") == "value"
    assert calls == [1]


def test_an_interpreter_has_a_usual_place():
    assert Interpreter("x").file == "bin/python3"
    assert repr(Lowering(system="s", target="t")) == "<Lowering to /larix/store on s for t>"
