"""Functions of two modules that mean different things by the same names."""

# fmt: off

from plain import helper as join

VERSION = 1


def helper(depth: int = 0) -> object:
    return VERSION, set("ab"), join("x") if depth else helper(depth + 1)


def set(names: str) -> str:  # noqa: A001
    return names


def adder(amount: int) -> object:
    def add(number: int) -> int:
        return number + amount

    return add


one, two = adder(1), adder(2)
TABLE = {"one": one, "helper": helper}


def run() -> object:
    return helper(), one, two, TABLE, join("y")
