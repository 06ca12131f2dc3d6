from __future__ import annotations

from larix.formats.storepath import DEFAULT_STORE_DIR
from larix.packages.dependents import dependents_of, needed_by
from larix.packages.toolchain import lowering_for, using_toolchain
from toolchains import package


def names(packages):
    return [each.name for each in packages]


def asked(packages, wanted, **limits):
    with using_toolchain("test"):
        return names(
            dependents_of(packages, wanted, lowering_for(DEFAULT_STORE_DIR, "x86_64-linux"), **limits)
        )


bottom = package("bottom")
middle = package("middle", native_inputs=[bottom])
hidden = package("hidden", inputs=[middle])
top = package("top", propagated_inputs=[hidden], inputs=[bottom.output("out")])
alone = package("alone")
ALL = [alone, top, middle, bottom]


def test_nearest_come_first_and_the_package_itself_is_left_out():
    assert asked(ALL, [bottom]) == ["middle", "top"]
    assert asked(ALL, [middle]) == ["top"]
    assert asked(ALL, [top]) == []
    assert asked(ALL, [bottom, middle]) == ["top"]


def test_depth_counts_steps_through_what_is_not_listed():
    assert asked([top, middle], [middle], depth=1) == []
    assert asked([top, middle], [middle], depth=2) == ["top"]
    assert asked(ALL, [bottom], depth=1) == ["middle", "top"]


def test_what_inputs_propagate_is_needed_as_well():
    user = package("user", inputs=[top])
    with using_toolchain("test"):
        found = needed_by(user, lowering_for(DEFAULT_STORE_DIR, "x86_64-linux"))
    assert sorted(names(found)) == ["hidden", "top"]


def test_broken_definition_is_told_and_passed_over():
    broken = package("broken", inputs=lambda: [bottom, 1])
    told = []
    assert asked([broken, middle], [bottom], tell=told.append) == ["middle"]
    assert len(told) == 1
    assert "inputs" in told[0].message
