"""What cannot be staged is refused with the name, the file and the line, and what to do instead."""

import re
import threading
from enum import Enum

import pytest

import toolchains
from larix.buildside.phases import Phases
from larix.staging import StagingError, build_expression, build_side, snapshot, stage

PATTERN = re.compile("x")
LOCK = threading.Lock()


class Colour(Enum):
    RED = 1


class Host:
    def method(self):
        return self

    @staticmethod
    def static():
        return 1


def line_of(function, text):
    """The line of the file where `text` stands in the function's source."""
    import inspect

    lines, first = inspect.getsourcelines(function)
    return next(number for number, line in enumerate(lines, first) if text in line)


def refused(function, lowering):
    with pytest.raises(StagingError) as caught:
        stage(function, lowering)
    return caught.value


@pytest.mark.parametrize(
    ("name", "value", "kind", "hint"),
    [
        ("PATTERN", PATTERN, "re.Pattern", "re.compile"),
        ("LOCK", LOCK, "_thread.lock", "what can"),
        ("Host", Host, "type", "inside the function"),
        ("Colour", Colour.RED, "test_refusals.Colour", "value"),
        ("bound", Host().method, "method", "def"),
        ("function", (lambda: 1), "lambda", "def"),
        ("module", pytest, "module", "standard library"),
        ("generator", (each for each in "x"), "generator", "tuple"),
        ("text", type("Text", (str,), {})("x"), "Text", "plain `str`"),
        ("number", 1j, "complex", "what can"),
        ("item", [1, {"key": LOCK}], "_thread.lock", "what can"),
    ],
)
def test_a_value_that_cannot_follow_is_named_with_its_type_and_place(name, value, kind, hint, lowering):
    captured = value

    def function():
        print("before")
        return captured

    error = refused(function, lowering)
    assert error.place.file == __file__ or name == "function"
    if name != "function":
        assert error.place.line == line_of(function, "return captured")
        assert error.name == "captured"
        assert "`captured`" in error.message
    assert kind in error.message
    assert hint in error.hint


def test_a_name_that_nobody_defined(lowering):
    def function():
        return undefined_name  # noqa: F821

    error = refused(function, lowering)
    assert (error.name, error.message) == ("undefined_name", "`undefined_name` is not defined")
    assert error.place.line == line_of(function, "return undefined_name")


def test_a_mistyped_name_comes_with_the_one_meant(lowering):
    def mistyped():
        print(outputz)  # noqa: F821

    def forgotten():
        invok("make")  # noqa: F821

    def own(outputs):
        print(outpts)  # noqa: F821
        return outputs

    def strange():
        return qqqqqq  # noqa: F821

    assert refused(own, lowering).hint == "Did you mean `outputs'?"
    assert refused(forgotten, lowering).hint == "Did you mean `invoke'? It is in `larix.buildside.invoke`"
    assert refused(strange, lowering).hint == "define it before the build expression is lowered"
    assert refused(mistyped, lowering).hint is not None


def test_a_variable_that_has_no_value_yet(lowering):
    def function():
        return later

    error = refused(function, lowering)
    later = 1
    assert error.name == "later"
    assert stage(function, lowering).text.endswith("\nlater = 1\n")
    assert later


IN_A_LOOP = """\
def make():
    n = 0
    while n < 2:
        n += 1
        def run(): return n
    return run
run = make()
"""

REFUSED_FUNCTIONS = {
    "global": ("def run():\n    global count\n    count = 1\n", "count", 1, "assigns the global"),
    "nonlocal": (
        "def make():\n  n = 0\n  def run():\n    nonlocal n\n    n += 1\n  return run\nrun = make()\n",
        "n",
        4,
        "assigns `n`",
    ),
    "lambda": ("run = lambda: 1\n", "<lambda>", 1, "lambda"),
    "static method": (
        "class C:\n    @staticmethod\n    def run():\n        return 1\nrun = C.run\n",
        "C.run",
        2,
        "defined in a class",
    ),
    "decorated": (
        "import functools\n@functools.cache\ndef inner(): return 1\ndef run(): return inner()\n",
        "inner",
        4,
        "cannot follow",
    ),
    "wrapped": (
        "import contextlib\n@contextlib.contextmanager\ndef inner():\n    yield\ndef run(): return inner()\n",
        "inner",
        2,
        "decorator",
    ),
    "kept decorator": (
        "def mark(f):\n    f.marked = True\n    return f\n@mark\ndef run(): return 1\n",
        "run",
        4,
        "decorator",
    ),
    "loop variable": (
        "runs = []\nfor n in (1, 2):\n    def run(): return n\n    runs.append(run)\nrun = runs[0]\n",
        "n",
        3,
        "loop",
    ),
    "loop in a function": (
        IN_A_LOOP,
        "n",
        5,
        "loop",
    ),
    "bound again": ("n = 1\ndef run(): return n\nn = 2\n", "n", 2, "bound again in line 3"),
    "bound by a function": (
        "n = 1\ndef change():\n    global n\n    n = 2\ndef run(): return n\n",
        "n",
        5,
        "bound again in line 3",
    ),
    "deleted and bound": ("n = 1\ndef run(): return n\ndel n\nn = 2\n", "n", 2, "bound again in line 3"),
    "exec": ("def run():\n    return 1 + \\\n        eval('1')\n", "eval", 3, "cannot be used"),
    "globals": ("def run(): return globals()\n", "globals", 1, "cannot be used"),
    "exit": ("def run(): exit(1)\n", "exit", 1, "cannot be used"),
    "own file": ("def run(): return __file__\n", "__file__", 1, "host's module"),
    "host module": (
        "import larix.errors\ndef run(): return larix.errors\n",
        "larix.errors",
        2,
        "cannot follow",
    ),
    "attribute of a host module": (
        "import pytest as p\ndef run(): return 1, p.mark.slow\n",
        "p.mark",
        2,
        "`p.mark` is a",
    ),
    "absent attribute of a host module": (
        "import pytest as p\ndef run(): return p.absent\n",
        "p.absent",
        2,
        "`p.absent` is not defined",
    ),
    "third party": ("import pytest as p\ndef run(): return p\n", "p", 2, "cannot follow"),
    "inner import": ("def run():\n    import pytest\n    return pytest\n", "pytest", 2, "imports `pytest`"),
    "inner host import": (
        "def run():\n    from larix import errors\n    return errors\n",
        "larix",
        2,
        "imports `larix`",
    ),
    "relative import": ("def run():\n    from . import x\n    return x\n", "run", 2, "relative"),
    "recursive value": (
        "value = []\nvalue.append(value)\ndef run(): return value\n",
        "value",
        3,
        "contains itself",
    ),
    "class of the host": ("class C: pass\ndef run(): return C()\n", "C", 2, "cannot follow"),
    "type without a name": ("kind = type(len)\ndef run(): return kind\n", "kind", 2, "cannot follow"),
    "default": ("import re\ndef run(x=re.compile('a')): return x\n", "x", 2, "re.Pattern"),
}


@pytest.mark.parametrize("case", REFUSED_FUNCTIONS)
def test_a_function_that_would_go_wrong_is_refused_where_it_does(case, module, lowering):
    text, name, line, message = REFUSED_FUNCTIONS[case]
    host = module(text)
    error = refused(host.run, lowering)
    assert message in error.message
    assert (error.name, error.place.file, error.place.line) == (name, host.__file__, line)
    assert error.hint or case == "recursive value"
    assert "\n" not in str(error)


ALLOWED_FUNCTIONS = {
    "bound before": ("n = 1\nn = 2\ndef run(): return n\n", 2),
    "bound in a loop before": ("for n in (1, 2): pass\ndef run(): return n\n", 2),
    "bound after": ("def run(): return n\nn = 3\n", 3),
    "either way": ("if True:\n    n = 1\nelse:\n    n = 2\ndef run(): return n\n", 1),
    "fallback import": (
        "try:\n    import tomllib as t\nexcept ImportError:\n    t = None\ndef run(): return t.__name__\n",
        "tomllib",
    ),
    "in a loop, bound outside": ("n = 1\nfor _ in 'ab':\n    def run(): return n\n", 1),
    "in a loop, kept as a default": ("for n in (1, 2):\n    def run(n=n): return n\n", 2),
    "in a loop, made by a function": (
        "def make(n):\n  def run(): return n\n  return run\nrun = [make(n) for n in (1, 2)][0]\n",
        1,
    ),
    "variable of a comprehension": ("xs = [n for n in 'ab']\nn = 1\ndef run(): return n\n", 1),
    "names of inner scopes": (
        "n = 1\ndef run(): return n\ndef f():\n  n = 2\n  return [n for n in 'a']\nclass C:\n  n = 3\n",
        1,
    ),
    "defined twice": ("def run(): return f()\ndef f(): return 1\ndef f(): return 2\n", 2),
}


@pytest.mark.parametrize("case", ALLOWED_FUNCTIONS)
def test_a_name_that_cannot_have_changed_is_taken(case, module, run_fresh):
    text, value = ALLOWED_FUNCTIONS[case]
    assert run_fresh(module(text).run) == value


def test_a_function_without_source(lowering):
    space = {"__name__": "nowhere"}
    exec("def run():\n    return 1\n", space)
    error = refused(space["run"], lowering)
    assert "source" in error.message
    assert error.name == "run"


def test_a_file_edited_after_it_was_imported(module, lowering):
    host = module("n = 1\ndef run():\n    return n + 1\n")
    with open(host.__file__, "w") as stream:
        stream.write("n = 1\ndef run():\n    return n + 2  # longer\n")
    error = refused(host.run, lowering)
    assert "not what its source says" in error.message
    assert (error.place.file, error.place.line) == (host.__file__, 2)


def test_a_remark_added_after_the_import_is_no_edit(module, lowering):
    host = module("n = 1\ndef run():\n    return n + 1\n")
    with open(host.__file__, "a") as stream:
        stream.write("# a remark\n")
    assert "n + 1" in stage(host.run, lowering).text


@pytest.mark.parametrize("mark", [build_side, snapshot, lambda function: build_expression("x", function)])
def test_a_list_changed_after_the_build_expression_was_made(mark, module, lowering):
    host = module("flags = ['-O2']\ndef helper(): return flags\ndef run(): return helper()\n")
    mark(host.run)
    stage(host.run, lowering)
    host.flags.append("-g")
    error = refused(host.run, lowering)
    assert error.name == "flags"
    assert "was changed after" in error.message
    assert (error.place.file, error.place.line) == (host.__file__, 2)
    host.flags.pop()
    stage(host.run, lowering)


def test_a_list_changed_after_the_package_was_made(module, lowering):
    host = module("flags = ['-O2']\ndef run(**_): return flags\n")
    toolchains.package(arguments={"phases": Phases([("run", host.run)])})
    host.flags.append("-g")
    assert "was changed after" in refused(host.run, lowering).message


def test_a_default_value_changed_after_the_build_expression_was_made(module, lowering):
    host = module("def run(seen=[{}]): return seen\n")
    snapshot(host.run)
    host.run.__defaults__[0][0]["x"] = 1
    assert refused(host.run, lowering).name == "seen"


def test_what_is_no_function_at_all(lowering):
    for value in (print, Host, Host().method, 3, None, PATTERN):
        with pytest.raises(StagingError, match="not a function defined with `def`"):
            stage(value, lowering)
