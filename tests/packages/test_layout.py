"""The layout of definitions: on all of the distribution, and beside the formatter of this repository."""

from __future__ import annotations

import ast
import io
import random
import subprocess
import sysconfig
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from larix.packages.layout import laid_out, read_expression

CHECKOUT = Path(__file__).parents[2]
FILES = sorted((CHECKOUT / "distro" / "larixpkgs" / "packages").glob("*.py"))


def definitions(file: Path) -> Iterator[tuple[str, int]]:
    """The text of each definition in a file, and the column it begins at."""
    text = file.read_text()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            written = ast.get_source_segment(text, node.value)
            if written is not None and '"""' not in written:
                yield written, node.value.col_offset


def scrambled(text: str, generator: random.Random) -> str:
    """The same tokens, with spaces and ends of lines between them at random."""
    made = ""
    previous: tokenize.TokenInfo | None = None
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in {tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER}:
            continue
        if previous is None or depth == 0:
            gap = ""
        elif previous.type == tokenize.COMMENT:
            gap = "\n"
        elif token.type == tokenize.COMMENT:
            gap = "  " if token.start[0] == previous.end[0] else "\n"
        else:
            gap = generator.choice([" ", "\n", "   ", "\n\n"])
        made += gap + token.string
        depth += (token.string in set("([{")) - (token.string in set(")]}"))
        previous = token
    return made


def laid(text: str, column: int = 0) -> str:
    return laid_out(read_expression(text), indent=0, column=column)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_definitions_of_the_distribution_are_what_their_scrambled_tokens_become(file: Path) -> None:
    """Nothing of their layout is needed to make it, and they are in it already: so it is idempotent, too."""
    generator = random.Random(file.name)
    for text, column in definitions(file):
        assert laid(text, column) == text
        other = scrambled(text, generator)
        assert ast.dump(ast.parse(other)) == ast.dump(ast.parse(text))
        assert laid(other, column) == text


def formatted(text: str) -> str:
    ruff = Path(sysconfig.get_path("scripts"), "ruff")
    if not ruff.exists():
        pytest.skip("no ruff beside this Python")
    command = [str(ruff), "format", "--isolated", "--config", "line-length = 110", "-"]
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


CASES = [
    "f(a, b = 1, * c, ** d)",
    "f(x [1 : 2], y [a + 1 :], z [: - 1], - 1, not a, a ** 2, f (2) ** a . b, a if b else c)",
    "f('it', 'it\\'s', '\"', f'{a}', r'\\d', \"a\" 'b')",
    "f(lambda: [a, b], lambda x, * y, z=1: {x: y, ** z}, {a for a, b in c if d if e}, (a,), (), [], {})",
    f"f({'a' * 60}, {'b' * 60})",
    f"f({'a' * 60}({'b' * 30}), {'c' * 30})",
    f"f(x={'a' * 100}({'b' * 30}))",
    f"f([{'a' * 50}, {'b' * 60}])",
    f"f({{ {'a' * 50}: {'b' * 60} }}, x)",
    f"f([{'a' * 50} for a, b in {'b' * 40} if {'c' * 20}])",
    f"f({'a' * 40} + {'b' * 40} * c - {'d' * 30}, {'e' * 40} and {'f' * 40} or not {'g' * 40})",
    f"f({'a' * 40} if {'b' * 40} else {'c' * 40}, x)",
    f"f(x=a.b('{'c' * 40}').d('{'e' * 40}').f('{'g' * 40}'))",
    f"f(x=a.b('{'c' * 40}').d('{'e' * 60}'))",
    f"f(('{'a' * 60}' '{'b' * 60}'), '{'c' * 30}' f'{{d}}')",
    f"f(a, *('{'a' * 50}', '{'b' * 50}', '{'c' * 50}'), **{{'{'d' * 50}': '{'e' * 60}'}})",
    "f(a, # one\n b)",
    "f(# zero\n a, b)",
    "f(\n # above\n a, # beside\n # below\n)",
    "f(a=[1,], b=(2,), c={3: 4,}, d=g(5,))",
    f"f(x=lambda: {{**{'a' * 60}, '{'b' * 40}': {'c' * 30}}})",
]


@pytest.mark.slow
@pytest.mark.parametrize("text", CASES)
def test_layout_is_that_of_the_formatter(text: str) -> None:
    expected = formatted(f"x = {text}\n")
    made = laid(text, len("x = "))
    assert f"x = {made}\n" == expected
    assert laid(made, len("x = ")) == made
    assert ast.dump(ast.parse(made)) == ast.dump(ast.parse(text))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_without_last_commas_the_width_decides_as_it_does_for_the_formatter(
    seed: int,
) -> None:
    generator = random.Random(seed)
    texts: list[str] = []
    for file in FILES:
        for text, _ in definitions(file):
            bare = without_last_commas(text)
            if ast.dump(ast.parse(bare)) == ast.dump(ast.parse(text)):
                texts.append(scrambled(bare, generator))
    assert len(texts) > 100
    expected = formatted("\n".join(f"x = {text}" for text in texts))
    assert "\n".join(f"x = {laid(text, 4)}" for text in texts) + "\n" == expected


def without_last_commas(text: str) -> str:
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    lines = text.splitlines(keepends=True)
    real = [each for each in tokens if each.type not in {tokenize.NL, tokenize.COMMENT}]
    commas: list[list[tokenize.TokenInfo]] = [[]]  # in each bracket that is open
    last: list[tokenize.TokenInfo] = []
    for token, following in pairwise(real):
        if token.string in {"(", "[", "{"}:
            commas.append([])
        elif token.string in {")", "]", "}"}:
            commas.pop()
        elif token.string == ",":
            commas[-1].append(token)
            if following.string in {")", "]", "}"} and len(commas[-1]) > 1:  # else it makes a tuple
                last.append(token)
    for token in reversed(last):
        row, column = token.start
        lines[row - 1] = lines[row - 1][:column] + lines[row - 1][column + 1 :]
    return "".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        "f(a +  # why\n  b,  c)",
        'f(g("""\n  two\n    lines\n"""),  b)',
        "f(a,   # one\n\n      [ b  +  # two\n c ])",
    ],
)
def test_what_no_rule_reaches_stays_as_it_was_written(text: str) -> None:
    made = laid(text)
    assert ast.dump(ast.parse(made)) == ast.dump(ast.parse(text))
    assert laid(made) == made
    for line in ("a +  # why\n  b", '"""\n  two\n    lines\n"""', "b  +  # two\n c"):
        assert (line in made) == (line in text)
