"""Rules of style, on text; that builds stay what they are is tested where derivations are compared."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from larix.lint.styling import definitions_in, restyled
from larix.packages.definition import SourceText
from larix.packages.layout import Group, laid_out, read_expression

CHECKOUT = Path(__file__).parents[2]
FILES = sorted((CHECKOUT / "distro" / "larixpkgs" / "packages").glob("*.py"))


def styled(text: str, *rules: str) -> str:
    source = SourceText("<text>", text.encode())
    for number in range(len(definitions_in(source))):
        edit = restyled(source, definitions_in(source)[number], rules)
        if edit is not None:
            source = SourceText("<text>", source.edited([edit]))
    return source.text


def shuffled(text: str, generator: random.Random) -> str:
    """A definition with its own fields in another order."""
    item = read_expression(text)
    arguments = item.parts[-1]
    if isinstance(arguments, Group):
        arguments.has_comma = True
        generator.shuffle(arguments.items)
    return laid_out(item, indent=0, column=0)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_definitions_of_the_distribution_are_in_style(file: Path) -> None:
    text = file.read_text()
    assert styled(text, "format", "arguments") == text


def test_fields_in_any_order_come_back_to_the_one_the_distribution_has() -> None:
    generator = random.Random(1)
    count = 0
    for file in FILES:
        source = SourceText(str(file))
        for call in definitions_in(source):
            start, end = source.span(call)
            text = source.data[start:end].decode()
            if '"""' in text or not text.endswith(",\n)"):
                continue
            other = shuffled(text, generator)
            count += other != text
            name = source.lines[call.lineno - 1].partition("=")[0]
            assert styled(f"{name}= {other}\n", "arguments") == f"{name}= {text}\n"
    assert count > 80


def test_comments_go_along() -> None:
    text = """\
thing = Package(
    # Why it has this one.
    license=licenses.expat,
    name="thing",  # of the thing
    # At the end.
)
"""
    assert (
        styled(text, "arguments")
        == """\
thing = Package(
    name="thing",  # of the thing
    # Why it has this one.
    license=licenses.expat,
    # At the end.
)
"""
    )


def test_fields_of_sources_are_ordered_too() -> None:
    text = "a = Package(source=lambda p: Origin(patches=['x'], sha256='0', uri='u'), name='a')\n"
    expected = 'a = Package(name="a", source=lambda p: Origin(uri="u", sha256="0", patches=["x"]))\n'
    assert styled(text, "arguments") == expected


@pytest.mark.parametrize(
    "text",
    [
        "a = Package(version='1', **common, name='a')\n",
        "a = Package(version='1', *rest, name='a')\n",
        "a = Package(version='1', unheard_of=2, name='a')\n",
        "a = make(version='1', name='a')\n",
    ],
)
def test_order_that_may_mean_something_stays(text: str) -> None:
    assert styled(text, "arguments").replace('"', "'") == text


def test_inputs_are_sorted_with_their_comments() -> None:
    text = """\
a = b.inherit(
    inputs=lambda: [
        zlib.zlib,
        # for the tests
        (abc.abc, "lib"),  # beside
        ("mid", mid.mid),
    ],
    native_inputs=[b, a],
    propagated_inputs=lambda: [*others, b, a],
    outputs=["out", "doc"],
)
"""
    assert (
        styled(text, "inputs")
        == """\
a = b.inherit(
    inputs=lambda: [
        # for the tests
        (abc.abc, "lib"),  # beside
        ("mid", mid.mid),
        zlib.zlib,
    ],
    native_inputs=[a, b],
    propagated_inputs=lambda: [*others, b, a],
    outputs=["out", "doc"],
)
"""
    )


def test_what_is_no_definition_is_left_alone() -> None:
    text = "X = [1,2 ]\nf( 1 )\ndef g(): return Package( name='a' )\n"
    assert styled(text, "format") == text


def test_characters_of_several_bytes_count_once() -> None:
    """Places in syntax trees count bytes; lines are as wide as their characters are many."""
    name = "é" * 20
    text = f'{name} = Package(name="{"ö" * 40}", synopsis="{"ü" * 15}")\n'
    assert len(text) < 111 < len(text.encode())
    assert styled(text, "format") == text
