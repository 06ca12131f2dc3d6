"""Which items are grafted, and with what; that grafts work is tested where they are built."""

import pytest

from larix.derivation import instantiation_order
from larix.formats.storepath import DEFAULT_STORE_DIR, name_part
from larix.packages.grafts import GraftError, graft_items, made_by, replacements
from larix.packages.inputs import Output
from larix.packages.toolchain import lowering_for, using_toolchain
from toolchains import package, program


@pytest.fixture
def lowering():
    with using_toolchain("test"):
        yield lowering_for(DEFAULT_STORE_DIR, "x86_64-linux")


class Shelf:
    """Packages whose results refer to what is said, whatever they are built with."""

    def __init__(self, lowering, references):
        self.lowering = lowering
        self.references = {
            self.path(user): {self.path(each) for each in used} for user, used in references.items()
        }

    def path(self, value):
        return self.lowering.lower(value).path

    def graft(self, *roots):
        items = [self.lowering.lower(each) for each in roots]
        replaced = {old: each.lower(self.lowering) for old, each in replacements(self.lowering).items()}
        found = graft_items(
            [item.path for item in items],
            references=self.references,
            replaced=replaced,
            origins=made_by([*items, *replaced.values()]),
            lowering=self.lowering,
        )
        return [found.get(item.path) for item in items]


def inputs(item):
    """The outputs that a graft's derivation has as inputs."""
    return {lowered.output_path(name) for lowered, names in item.origin.inputs for name in names}


def test_what_refers_to_a_replaced_item_at_any_distance_is_grafted(lowering):
    new = package("lib", version="1.1")
    lib = package("lib", replacement=new)
    middle, other = package("middle", inputs=[lib]), package("other")
    top = package("top", inputs=[middle, other])
    shelf = Shelf(
        lowering, {lib: [lib], new: [], other: [], middle: [lib, middle], top: [middle, other, top]}
    )
    (grafted,) = shelf.graft(top)
    assert name_part(grafted.path) == "top-1.0"
    assert grafted.path != shelf.path(top)
    assert shelf.path(top) in inputs(grafted)
    (below,) = [each for each, _ in grafted.origin.inputs if each.name == "middle-1.0"]
    assert shelf.path(middle) in {each.output_path() for each, _ in below.inputs}
    assert f"kept=('{shelf.path(other).rpartition('/')[2]}',)" in program(grafted.origin)
    env = grafted.origin.derivation.env
    assert env[b"graft"] == b"1"
    assert env[b"disallowedReferences"].decode().split() == sorted([shelf.path(top), shelf.path(middle)])
    assert shelf.graft(top) == [grafted]


def test_what_is_only_built_with_a_replaced_package_stays(lowering):
    tool = package("tool", replacement=package("tool", version="9"))
    top = package("top", native_inputs=[tool])
    assert Shelf(lowering, {top: [], tool: [], tool.replacement: []}).graft(top) == [None]


def test_shared_items_are_grafted_once(lowering):
    lib = package("lib", replacement=package("lib", arguments={"tests": False}))
    base = package("base", inputs=[lib])
    one, two = package("one", inputs=[base]), package("two", inputs=[base])
    shelf = Shelf(lowering, {lib: [], lib.replacement: [], base: [lib], one: [base], two: [base]})
    first, second = shelf.graft(one, two)
    bases = [
        {each.path for each in instantiation_order([item.origin]) if b"graft" in each.derivation.env}
        for item in (first, second)
    ]
    assert len(bases[0] & bases[1]) == 1


@pytest.mark.parametrize("version", ["1.0", "1.0.1-fixed"])
def test_replacement_of_the_same_name_is_referred_to_and_one_of_another_by_a_link(lowering, version):
    new = package("lib", version=version, arguments={"tests": False})
    lib = package("lib", replacement=new)
    top = package("top", inputs=[lib])
    shelf = Shelf(lowering, {lib: [], new: [], top: [lib]})
    (grafted,) = shelf.graft(top)
    (referred,) = inputs(grafted) - {shelf.path(top), *_tools(grafted)}
    assert name_part(referred) == "lib-1.0"
    assert (referred == shelf.path(new)) == (version == "1.0")


def _tools(item):
    return {
        lowered.output_path() for lowered, _ in item.origin.inputs if lowered.name.startswith("module-import")
    }


def test_a_replaced_root_is_its_replacement_which_is_grafted_too(lowering):
    zlib = package("zlib", replacement=package("zlib", arguments={"tests": False}))
    new = package("lib", version="2", inputs=[zlib])
    lib = package("lib", inputs=[zlib], replacement=new)
    shelf = Shelf(lowering, {zlib: [], zlib.replacement: [], lib: [zlib], new: [zlib]})
    lowering.lower(new)
    (grafted,) = shelf.graft(lib)
    assert name_part(grafted.path) == "lib-2"
    assert grafted.path != shelf.path(new)
    assert shelf.path(zlib.replacement) in inputs(grafted)


def test_a_replacement_may_refer_to_what_it_replaces_and_two_to_each_other(lowering):
    inner = package("lib")
    wrapper = package("lib", version="1.0w", inputs=[inner])
    lib = inner.inherit(replacement=wrapper)
    top = package("top", inputs=[lib])
    shelf = Shelf(lowering, {lib: [], wrapper: [lib], top: [lib]})
    (grafted,) = shelf.graft(top)
    link = next(each for each in inputs(grafted) if name_part(each) == "lib-1.0")
    (made,) = [each for each, _ in grafted.origin.inputs if link in each.outputs.values()]
    assert shelf.path(wrapper) in {each.output_path() for each, _ in made.inputs}

    a, b = package("a"), package("b")
    new_a, new_b = package("a", version="2.0", inputs=[b]), package("b", version="2.0", inputs=[a])
    a, b = a.inherit(replacement=new_a), b.inherit(replacement=new_b)
    shelf = Shelf(lowering, {a: [], b: [], new_a: [b], new_b: [a]})
    first, second = shelf.graft(a, b)
    assert [name_part(first.path), name_part(second.path)] == ["a-2.0", "b-2.0"]


def test_outputs_are_replaced_each_by_the_same_one(lowering):
    new = package("lib", version="1.1", outputs=["out", "doc"])
    lib = package("lib", outputs=["out", "doc", "debug"], replacement=new)
    shelf = Shelf(lowering, {each.output(name): [] for each in (lib, new) for name in ("out", "doc")})
    lowering.lower(lib)
    found = replacements(lowering)
    assert found[shelf.path(lib.output("doc"))].lower(lowering).path == shelf.path(new.output("doc"))
    with pytest.raises(GraftError, match=r"`lib@1\.1`, the replacement of `lib@1\.0`, lacks output `debug`"):
        found[shelf.path(Output(lib, "debug"))].lower(lowering)


def test_variants_have_no_replacement_unless_they_are_given_one():
    lib = package("lib", replacement=lambda: package("lib", version="1.1"))
    assert lib.replacement.version == "1.1"
    assert lib.inherit(version="1.2").replacement is None
    assert lib.inherit(version="1.2").inherit(replacement=lib).replacement is lib
