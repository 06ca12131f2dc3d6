"""Searching: what counts how much, and that the fast way finds what the plain one does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.errors import Location
from larix.packages.entry import Entry
from larix.packages.index import Index, fold, make_index
from larix.packages.search import WEIGHTS, _hits, relevance


def entry(name: str, **fields) -> Entry:
    given = {
        "version": "1.0",
        "outputs": ("out",),
        "synopsis": "",
        "description": "",
        "home_page": None,
        "licenses": (),
        "systems": ("x86_64-linux",),
        "dependencies": (),
        "location": Location("/top/file.py", 3, 7),
        "is_hidden": False,
        "folder": 0,
        "module": "file",
        "variable": "x",
    }
    return Entry(name=name, **(given | fields))


def index(*entries: Entry, languages=None) -> Index:
    content, made = make_index(
        "stamp",
        entries,
        ["/top"],
        system="x86_64-linux",
        languages=languages or {},
        warnings=[],
        more={},
    )
    assert content.startswith(b"larix index ")
    return made


def scores(made: Index, *expressions: str, language=None) -> dict[str, int]:
    compiled = [re.compile(each, re.IGNORECASE) for each in expressions]
    return {made.column("name")[row]: score for row, score in relevance(made, compiled, language).items()}


@pytest.mark.parametrize(
    ("fields", "weight"),
    [
        ({"synopsis": "A word"}, 3),
        ({"description": "Some WORD here, one more word."}, 4),
        ({"upstream_name": "Word"}, 2),
        ({"outputs": ("out", "word")}, 1),
        ({"location": Location("/top/sub/the_word.py", 1)}, 1),
        ({"synopsis": "word", "description": "word"}, 5),
        ({"outputs": ("out", "doc", "debug", "lib"), "synopsis": "doc lib debug out"}, None),
    ],
)
def test_a_hit_weighs_by_where_it_is(fields, weight):
    made = index(entry("x", **fields))
    assert scores(made, "word") == ({"x": weight} if weight else {})


def test_a_name_weighs_most_and_a_whole_name_five_times():
    made = index(entry("python"), entry("python-x"), entry("x", synopsis="for python"))
    assert scores(made, "python") == {"python": 20, "python-x": 4, "x": 3}


def test_common_outputs_are_not_searched():
    assert scores(index(entry("x", outputs=("out", "doc"))), "doc") == {}


def test_every_expression_must_be_found_and_scores_add_up():
    made = index(entry("a", synopsis="one two"), entry("b", synopsis="one"), entry("c", synopsis="two"))
    assert scores(made, "one", "two") == {"a": 6}
    assert scores(made, "one", "nowhere") == {}


def test_the_empty_expression_finds_everything():
    assert set(scores(index(entry("a"), entry("b")), "")) == {"a", "b"}


def test_case_is_ignored_in_letters_of_every_language():
    made = index(entry("x", synopsis="Große ÄPFEL"), entry("y", synopsis="\u017ftraße"))
    assert scores(made, "äpfel") == {"x": 3}
    assert scores(made, "STRA") == {"y": 3}


def test_a_language_is_searched_instead_of_the_original():
    made = index(
        entry("x", synopsis="Say hello", description="Kept."),
        entry("y", synopsis="Say bye"),
        languages={"fr": {"Say hello": "Dire bonjour"}},
    )
    assert scores(made, "bonjour", language="fr") == {"x": 3}
    assert scores(made, "hello", language="fr") == {}
    assert scores(made, "bye|kept", language="fr") == {"y": 3, "x": 2}
    assert made.translation(0, "fr") == ("Dire bonjour", "Kept.")
    assert made.translation(1, "fr") is None


letters = st.text("aAbBkKsS xy\u017fİß0.-\n", max_size=12)
expressions = st.from_regex(
    re.compile(r"[abABkKs .]{1,3}([*+?]|\|[ab]|\$|)|\^[ab]+|\\b[ab]|[ab]\[ab-\][^\w]?")
)


@given(st.lists(letters, min_size=1, max_size=5), expressions)
def test_every_way_of_looking_finds_the_same(texts, expression):
    try:
        compiled = re.compile(expression, re.IGNORECASE)
    except re.error:
        return
    made = index(*[entry("n", synopsis=each) for each in texts])
    plain = [
        row
        for row, text in enumerate(texts)
        for hits in [sum(1 for each in compiled.finditer(fold(text)) if each.group())]
        for _ in range(hits or bool(compiled.search(fold(text))))
    ]
    assert list(_hits(made, "search.synopsis", expression)) == plain


def test_every_weighed_field_has_a_part_in_the_index():
    made = index(entry("x"))
    assert {f"search.{field}" for field, _ in WEIGHTS} <= set(made.header["parts"])


def test_an_index_gives_back_what_it_was_made_of():
    first = entry(
        "a", licenses=("GPL 3+", "Expat"), dependencies=("b@1",), superseded_by="c@2", home_page="x"
    )
    second = entry("b", synopsis="with\nlines\t“quotes” \\ \udcff", systems=())
    made = index(first, second)
    assert [made.entry(0), made.entry(1)] == [first, second]
    assert made.entries() == [first, second]
    assert made.column("listed") == ["", ""]
    assert made.column("place") == ["file.py:3:7", "file.py:3:7"]
    elsewhere = entry("c", location=Location("/other/x.py", 2))
    assert index(elsewhere).entry(0) == elsewhere
    assert index(elsewhere).column("place") == ["/other/x.py:2"]


def test_an_empty_index_finds_nothing():
    made = index()
    assert (len(made), made.entries(), scores(made, "x")) == (0, [], {})
