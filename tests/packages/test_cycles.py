"""Packages that need themselves are found by walking along their inputs."""

from larix.packages.cycles import find_cycles
from toolchains import package


def names(packages) -> list[str]:
    return [each.message.partition(": ")[2] for each in find_cycles(packages)]


def test_packages_without_a_way_back_are_fine():
    base = package("base")
    left, right = package("left", inputs=[base]), package("right", native_inputs=[base])
    assert names([package("top", inputs=[left], propagated_inputs=[right, base]), left, right, base]) == []


def test_a_way_back_is_told_from_where_it_is_met():
    top = package("top", inputs=lambda: [one])
    one = package("one", native_inputs=lambda: [(two, "out")])
    two = package("two", propagated_inputs=lambda: [one])
    (cycle,) = find_cycles([top, one, two])
    assert cycle.message == "packages need each other: one@1.0 → two@1.0 → one@1.0"
    assert cycle.place == one.location
    assert cycle.hint == f"`two` is defined at {two.location}"


def test_a_package_that_needs_itself_is_a_cycle_too():
    alone = package("alone", inputs=lambda: [alone])
    assert names([alone]) == ["alone@1.0 → alone@1.0"]


def test_only_the_packages_given_are_looked_at():
    one = package("one", inputs=lambda: [two])
    two = package("two", inputs=lambda: [one])
    assert names([one]) == []


def test_inputs_that_cannot_be_read_end_the_walk():
    broken = package("broken", inputs=lambda: [nothing])  # noqa: F821
    assert names([package("user", inputs=[broken]), broken]) == []


def test_a_long_way_round_takes_no_deep_stack():
    chain = [package("p0", inputs=lambda: [chain[-1]])]
    for number in range(1, 3000):
        chain.append(package(f"p{number}", inputs=[chain[-1]]))
    assert len(names(chain)) == 1
