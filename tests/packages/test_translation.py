"""Texts in other languages: reading files of messages, writing templates, choosing a language."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.errors import Location
from larix.packages.translation import (
    BadTranslation,
    Message,
    chosen_language,
    mark,
    marked,
    read_messages,
    template,
)

FRENCH = r"""
# A comment of the translator.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"

#. synopsis of hello
#: hello.py:3
#, c-format
msgid "Say hello"
msgstr "Dire bonjour"
msgid "In \"quotes\",\n"
"and \\ on\ttwo lines"
msgstr "Entre « guillemets »,\n"
"et \\ sur\tdeux lignes"

#, fuzzy
msgid "Not sure"
msgstr "Pas sûr"
#, fuzzy
msgid "Not sure either"
msgstr "Pas sûr non plus"
msgid "After"
msgstr "Après"

msgid "Nothing yet"
msgstr ""

msgctxt "menu"
msgid "Open"
msgstr "Ouvrir"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d fichier"
msgstr[1] "%d fichiers"

#~ msgid "Gone"
#~ msgstr "Parti"
#| msgid "Before"
msgid "Last"
msgstr "\303\251t\x65"
"""


def test_messages_are_read_as_gettext_writes_them(tmp_path: Path):
    (tmp_path / "fr.po").write_text(FRENCH)
    assert read_messages(str(tmp_path / "fr.po")) == {
        "Say hello": "Dire bonjour",
        'In "quotes",\nand \\ on\ttwo lines': "Entre « guillemets »,\net \\ sur\tdeux lignes",
        "After": "Après",
        "Open": "Ouvrir",
        "Last": "\u00c3\u00a9te",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("hello", 1),
        ('msgid "a"\nmsgstr "b\n', 2),
        ('msgid "a"\nmsgtsr "b"\n', 2),
        ('"loose"\n', 1),
        ('msgid "a" extra\n', 1),
    ],
)
def test_what_is_no_file_of_messages_is_told_with_its_line(tmp_path: Path, text, line):
    (tmp_path / "xx.po").write_text(text)
    with pytest.raises(BadTranslation) as caught:
        read_messages(str(tmp_path / "xx.po"))
    assert caught.value.place == Location(str(tmp_path / "xx.po"), line)


def test_a_file_in_another_encoding_is_told(tmp_path: Path):
    (tmp_path / "xx.po").write_bytes(b'msgid "a"\nmsgstr "\xe9"\n')
    with pytest.raises(BadTranslation, match="not in UTF-8"):
        read_messages(str(tmp_path / "xx.po"))


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(texts, texts, min_size=1))
def test_what_is_written_is_read_back(tmp_path_factory, known):
    file = tmp_path_factory.mktemp("po") / "xx.po"
    messages = [Message(text, (Location("a.py", 1),)) for text in known]
    file.write_text("\n".join(template([], more=messages, known=known)), newline="\n")
    assert read_messages(str(file)) == known


def test_a_template_names_each_text_once_with_all_its_places():
    messages = [Message("x", (Location("/top/a.py", 1),), "why"), Message("x", (Location("/top/b.py", 2),))]
    lines = list(template([], more=messages, top="/top"))
    assert lines[-4:] == ["#: a.py:1", "#: b.py:2", 'msgid "x"', 'msgstr ""']


def test_gettext_itself_accepts_a_template(tmp_path: Path):
    if shutil.which("msgfmt") is None:
        pytest.skip("no msgfmt (Debian: gettext)")
    file = tmp_path / "xx.po"
    message = Message('two\nlines with "quotes"', (Location("a.py", 1),), "comment")
    file.write_text("\n".join(template([], more=[message], language="xx")) + "\n")
    subprocess.run(["msgfmt", "--check-format", "-o", "/dev/null", str(file)], check=True)


def test_marks_are_found_and_change_nothing():
    source = 'x = mark("one")\ny = translation.mark("two" " parts")\nz = mark(x)\nother("three")\n'
    assert [(each.text, each.places[0].line) for each in marked("f.py", source)] == [
        ("one", 1),
        ("two parts", 2),
    ]
    assert mark("one") == "one"


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        (["fr_FR.UTF-8"], "fr"),
        (["pt_BR.UTF-8"], "pt_BR"),
        (["pt_PT"], None),
        (["de_DE", "fr"], "fr"),
        (["en_US.UTF-8", "fr"], None),
        (["C", "fr"], None),
        (["ca@valencia", "fr_CA@x"], "fr"),
        ([], None),
    ],
)
def test_the_first_language_that_there_is_is_chosen(wishes, expected):
    assert chosen_language(wishes, ["fr", "pt_BR"]) == expected
