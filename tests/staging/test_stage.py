"""What becomes of each kind of free name, and that staged functions do what the functions do."""

import functools
import importlib
import itertools
import os
import os.path as paths
import sys
import xml.dom.minidom
from math import floor as round_down
from pathlib import Path
from posixpath import basename

import larix.buildside.files
from larix.buildside import files as build_files
from larix.buildside.files import find_files
from larix.buildside.phases import Phases, call_with
from larix.staging import build_side, stage

LIMIT = 3
NAMES = ["a", {"b": (1, 2.5)}, {"c"}]


def even(number):
    return number == 0 or odd(number - 1)


def odd(number):
    return number != 0 and even(number - 1)


def counted(limit=LIMIT):
    yield from range(limit)


def test_what_the_staged_function_gives_is_what_the_function_gives(run_fresh):
    def function(number: int, *, more: int = LIMIT) -> object:
        """Uses most of what a function can use."""
        local: list[int] = [each * LIMIT for each in counted()]

        class Box:
            size: int = LIMIT

            def grow(self, by: int = LIMIT) -> int:
                return self.size + by + sum(local)

        def inner(x: int, y: int = more) -> int:
            nonlocal number
            number += x + y
            return number

        shown = f"{NAMES!r:>5} {'x' * LIMIT} {inner(2)}"
        found = [name for name in NAMES if (text := str(name)) and "b" in text]
        by_name = {"even": even, "odd": odd}
        return (
            number,
            even(number),
            Box().grow(),
            shown,
            found,
            sorted(by_name),
            by_name["odd"](7),
            paths.join("a", "b"),
            os.sep,
            round_down(2.5),
            functools.reduce(lambda x, y: x * y + LIMIT, itertools.chain(local, [1])),
            Path("a") / "b",
            basename("c/d"),
            xml.dom.minidom.parseString("<a b='c'/>").documentElement.getAttribute("b"),
        )

    assert run_fresh(function, 4) == function(4)
    assert run_fresh(function, 5) == function(5, more=LIMIT)


def test_what_a_function_captures_of_the_one_around_it_is_a_value(run_fresh):
    def make(first, *, rest):
        step = 2
        step += 1

        def add(number):
            return [number + first + step, rest, twice(number)]

        def twice(number):
            return number * 2 if number > step else add(number + step)

        return add

    for number in (1, 7):
        assert run_fresh(make(10, rest={"x": (1,)}), number) == make(10, rest={"x": (1,)})(number)


def test_two_functions_of_one_definition_keep_what_each_captured(run_fresh):
    def adder(amount):
        def add(number):
            return number + amount

        return add

    one, ten = adder(1), adder(10)

    def both(number):
        return one(number), ten(number), amount(number)

    def amount(number):
        return number

    assert run_fresh(both, 5) == (6, 15, 5)


def test_modules_that_use_one_name_for_several_things_do_not_meet(module, run_fresh):
    first = module(
        """
        from os.path import join as sep
        label = "first"
        def helper(depth=0):
            return [label, sep("a", "b"), helper(depth + 1) if depth < 1 else [f"{label}" for x in "y"]]
    """,
        "first",
    )
    second = module(
        """
        import first
        from os import sep
        label = "second"
        def open(name):
            return "not Python's " + name
        def set(*names):
            return {"mine": names}
        def helper(more=first.helper):
            return label, more(), (lambda: sep)(), open("x"), set(1)
    """,
        "second",
    )
    third = module(
        """
        from first import helper as one
        from second import helper as two
        label = {"third"}
        Path = "not a path"
        def helper():
            with open("/dev/null") as stream:
                return one(), two(), label, stream.read(), set([1]), Path
    """,
        "third",
    )
    assert run_fresh(third.helper) == third.helper()
    assert run_fresh(second.helper) == second.helper()
    assert first.helper()[0] == "first"


def test_a_name_that_is_pythons_own_here_and_captured_there(module, run_fresh):
    module("def inner(values):\n    return sorted(values)\n", "other")
    host = module("""
        from other import inner
        def sorted(values):
            return "unsorted", inner(values)
        def run():
            return sorted([2, 1])
    """)
    assert run_fresh(host.run) == ("unsorted", [1, 2])


def test_default_values_are_those_of_the_definition(run_fresh, module):
    host = module("""
        import functools
        def double(x):
            return x + x
        size = len("four")
        def use(a, b=size * 2, *, apply=double, table={"f": double, "n": [size]}, sort=sorted):
            return apply(a) + b, table["f"](table["n"]), sort("ba")
        def chain(f=use):
            return f(1)
    """)
    assert run_fresh(host.chain) == host.chain() == (10, [4, 4], ["a", "b"])


def test_a_default_value_may_be_a_function_that_is_being_staged(run_fresh):
    def outer(depth=0):
        def through(f=outer):
            return f(depth + 1)

        return through() if depth < 2 else depth

    def first(depth=0):
        return second(depth) if depth < 2 else depth

    def second(depth, f=first):
        return f(depth + 1)

    assert run_fresh(first) == 2
    assert run_fresh(outer) == 2


def test_recursion_through_a_table(module, run_fresh):
    host = module("""
        def leaf(x): return x
        def node(x): return [TABLE[kind](value) for kind, value in x]
        TABLE = {"leaf": leaf, "node": node}
    """)
    tree = [("leaf", 1), ("node", [("leaf", 2)])]
    assert run_fresh(host.node, tree) == [1, [2]]


def test_a_list_under_one_name_is_one_list_in_the_build(module, run_fresh):
    host = module("""
        seen = []
        def note(x): seen.append(x)
        def run():
            note(1)
            note(2)
            return seen
    """)
    assert run_fresh(host.run) == [1, 2]
    assert host.seen == []


def test_store_files_become_paths_and_inputs(lowering, made):
    bash, lib = made("bash"), made("lib", outputs=("out", "static"))
    shells = [bash, {"lib": lib}]

    def function(output: Path) -> None:
        (output / "sh").symlink_to(bash / "bin/sh")
        print(shells)

    staged = stage(function, lowering)
    assert f"bash = Path('{bash.output_path()}')" in staged.text.split("\n")
    assert f"shells = [Path('{bash.output_path()}'), {{'lib': Path('{lib.output_path()}')}}]" in staged.text
    assert {(item.origin, item.output) for item in staged.items} == {(bash, "out"), (lib, "out")}


def test_build_side_modules_are_imported_not_copied(lowering):
    def function():
        from larix.buildside.elf import NotElf

        find_files("x")
        build_files.which("y")
        larix.buildside.files.mkdir_p("z")
        return call_with, NotElf

    staged = stage(function, lowering)
    assert staged.modules >= {"larix.buildside.files", "larix.buildside.phases", "larix.buildside.elf"}
    assert "from larix.buildside.files import find_files" in staged.text
    assert "from larix.buildside import files as build_files" in staged.text
    assert "import larix.buildside.files\n" in staged.text
    assert "def find_files" not in staged.text


def test_phases_are_made_anew_in_the_build(run_fresh):
    def configure(*, seen, **_):
        seen.append("configure")

    def build(*, seen, **_):
        seen.append("build")

    phases = Phases([("configure", configure)]).add_after("configure", build)

    def run():
        seen: list[str] = []
        for name in phases:
            call_with(phases[name], {"seen": seen, "system": "any"})
        return seen

    assert run_fresh(run) == ["configure", "build"]


def test_a_module_that_says_so_is_build_side(tmp_path, monkeypatch, lowering, run_fresh):
    package = tmp_path / "catalogue"
    (package / "building").mkdir(parents=True)
    (package / "__init__.py").write_text("import larix.errors  # which is not there in a build\n")
    (package / "building" / "__init__.py").write_text("__build_side__ = True\n")
    (package / "building" / "tools.py").write_text(
        "from catalogue.building.deep import base\ndef tool(x):\n    return base + x\n"
    )
    (package / "building" / "deep.py").write_text("base = 40\n")
    (package / "hello.py").write_text(
        "from catalogue.building.tools import tool\ndef run():\n    return tool(2)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        hello = importlib.import_module("catalogue.hello")
        assert run_fresh(hello.run) == 42
        assert stage(hello.run, lowering).modules == {"catalogue.building.tools"}
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "catalogue"]:
            del sys.modules[name]


def test_names_imported_through_other_modules_are_imported_from_where_they_are(module, lowering):
    module("from shutil import copyfile\nimport os as system\n", "common")
    host = module("""
        from common import copyfile as copy, system
        def run():
            return copy, system.sep
    """)
    text = stage(host.run, lowering).text
    assert "from shutil import copyfile as copy" in text
    assert "import os as system" in text


def test_the_text_depends_on_nothing_but_source_and_captures(module, lowering):
    plain = "limit = 3\n\ndef run(x):\n    return x + limit\n"
    edited = (
        '"""Another module."""\n\nimport os\n\nother = 1\nlimit = 2 + 1\n\n\n'
        "def before(): ...\n\n\n"
        'def run(x: "int") -> int:\n    """Adds."""\n    # why\n\n    return x + limit  # here\n'
    )
    indented = (
        "def make():\n    limit = 3\n    def run(x):\n        return x + limit\n    return run\nrun = make()"
    )
    first = stage(module(plain, "first").run, lowering)
    assert first.text == stage(module(edited, "second").run, lowering).text
    assert first.text == stage(module(indented, "third").run, lowering).text
    assert first.text != stage(module(plain.replace("= 3", "= 4"), "fourth").run, lowering).text
    assert "/" not in first.text


def test_a_changed_capture_gives_another_text_also_for_the_same_function(module, lowering):
    host = module("limit = 3\ndef run():\n    return limit\n")
    before = stage(host.run, lowering).text
    host.limit = 4
    assert stage(host.run, lowering).text == before.replace("3", "4")


def test_the_mark_of_build_side_functions_stays_on_the_host(lowering):
    @build_side
    def run(x):
        return x

    assert stage(run, lowering).text == "\ndef run(x):\n    return x\n"


def test_of_a_module_of_the_host_just_what_is_used_follows(module, lowering, run_fresh):
    module(
        """
        import re
        unused = re.compile("x")
        size = 2
        def double(x):
            return x * size
        """,
        "common",
    )
    shells = module("from larix.staging import plain_text\nbash = plain_text('bash', '')\n", "shells")
    host = module(
        """
        import common
        import common as other
        def run():
            return [common.double(21), f"{common.size}", other.shells.bash.name]
        """
    )
    host.common.shells = shells
    text = stage(host.run, lowering).text
    path = lowering.lower(shells.bash).path
    assert "common = SimpleNamespace(double=double, size=2)" in text
    assert f"other = SimpleNamespace(shells=SimpleNamespace(bash=Path('{path}')))" in text
    assert run_fresh(host.run) == [42, "2", path.rpartition("/")[2]]
