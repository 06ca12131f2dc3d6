"""Whatever a function does on the host, its staged text does in a fresh interpreter: on generated functions.

The functions call each other, capture values and each other, and have defaults; remarks and annotations are
strewn over them, and must not be seen in the text.
"""

import itertools
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from larix.staging import Lowering, Stager, stage

LOWERING = Lowering(system="x86_64-linux")
NUMBERS = itertools.count()
CAPTURED = ("alpha", "beta", "gamma", "path")

LITERALS = st.recursive(
    st.integers(-5, 5)
    | st.text(max_size=4)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)


def expressions(names, functions):
    """Expressions that never fail, of names and of functions that take one value."""
    base = st.sampled_from(names) | LITERALS.map(ascii)
    return st.recursive(
        base,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("({0[0]}, {0[1]})".format),
            inner.map("[each for each in [{}, 1] if each]".format),
            inner.map("(lambda x, y=2: [x, y])({})".format),
            st.sampled_from(names).map("f'{{{0}!r:>4}}{{{0}}}'".format),
            inner.map("sorted(str({}))[:3]".format),
            st.tuples(inner, inner).map("({0[0]} if {0[1]} else len('ab'))".format),
            inner.map("os.path.join('a', str({}))".format),
            *(
                [st.tuples(st.sampled_from(functions), inner).map("{0[0]}({0[1]})".format)]
                if functions
                else []
            ),
        ),
        max_leaves=4,
    )


@st.composite
def modules(draw):
    """The text of a module, twice: plain, and with remarks; the last function is `run`."""
    lines = ["import os", *(f"{name} = {draw(LITERALS)!a}" for name in CAPTURED)]
    remarked = ['"""Remarks."""', *lines]
    functions = []
    count = draw(st.integers(1, 4))
    for number in range(count):
        name = "run" if number == count - 1 else f"part{number}"
        expression = expressions(["a", "b", "c", *draw(st.permutations(CAPTURED))[:2]], functions)
        default, keyword = ascii(draw(LITERALS)), ascii(draw(LITERALS))
        first, second = draw(expression), draw(expression)
        inner = (
            f"    def inner(d={draw(expression)}):\n        nonlocal c\n        c = (c, d)\n        return c"
        )
        fuel = f"    if a == 'fuel': return run('no', {first})" if draw(st.booleans()) else "    b = b"
        body = [
            inner,
            fuel,
            "    for each in (1, 2):",
            f"        b = {second}, each",
            f"    return b, inner(), {first}",
        ]
        lines += [f"def {name}(a, b={default}, *, c={keyword}):", *body]
        noted = [
            '    """Does it."""',
            "",
            body[0].replace("(d=", "(d: 'int' = "),
            "    # why",
            "    x: 'never'",
            *body[1:],
        ]
        remarked += [
            "",
            f"def {name}(a: int, b: 'str' = {default}, *, c: list[str] = {keyword}) -> None:  # so",
            *noted,
        ]
        functions.append(name)
    return "\n".join(lines), "\n".join(remarked)


def load(text, directory):
    """A module imported from a file of its own."""
    name = f"generated{next(NUMBERS)}"
    file = directory / f"{name}.py"
    file.write_text(text, encoding="utf-8")
    space = {"__name__": name}
    exec(compile(text, str(file), "exec"), space)
    return space["run"]


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(texts=modules(), argument=LITERALS | st.just("fuel"))
def test_a_staged_function_does_what_the_function_does(tmp_path_factory, texts, argument):
    run = load(texts[0], tmp_path_factory.getbasetemp())
    space = {"__name__": "program"}
    exec(stage(run, LOWERING).text, space)
    assert ascii(space["run"](argument)) == ascii(run(argument))


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(texts=modules())
def test_remarks_and_annotations_are_not_seen(tmp_path_factory, texts):
    plain, remarked = (stage(load(text, tmp_path_factory.getbasetemp()), LOWERING).text for text in texts)
    assert squeezed(remarked) == squeezed(plain)


def squeezed(text):
    """Without blanks, which annotations leave around defaults, and the `pass` that a declaration becomes."""
    return text.replace("    pass\n", "").replace(" ", "")


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(texts=modules(), argument=LITERALS | st.just("fuel"))
def test_a_staged_function_does_so_in_a_fresh_interpreter(tmp_path_factory, texts, argument):
    directory = tmp_path_factory.getbasetemp()
    run = load(texts[1], directory)
    stager = Stager(LOWERING)
    name = stager.function_name(run)
    call = f"print(ascii({name}({stager.value(argument)})))"
    program = directory / "program"
    program.write_text(stager.program(name, end=[call]).text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", "-S", program], capture_output=True, text=True, check=True)
    assert done.stdout == ascii(run(argument)) + "\n"
