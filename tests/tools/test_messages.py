"""All that larix says goes through its translations, and these are whole."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from larix.packages.translation import Translated, read_catalogue

CHECKOUT = Path(__file__).parents[2]
FILES = sorted((CHECKOUT / "src" / "larix" / "translations").glob("*.po"))


def load_messages():
    spec = importlib.util.spec_from_file_location("larix_messages", CHECKOUT / "tools" / "messages.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


MESSAGES = load_messages()


def test_there_is_french():
    assert "fr.po" in [file.name for file in FILES]


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_text_is_translated_with_its_gaps(file):
    texts = MESSAGES.gathered(MESSAGES.sources())
    known = {each.text: each for each in read_catalogue(str(file))}
    assert len(texts) > 1000
    assert MESSAGES.lacking(texts, known) == [], "run tools/messages.py, then fill in what it adds"
    gone = known.keys() - {each.text for each in texts} - {""}
    assert not gone, "run tools/messages.py"


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="needs msgfmt")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_gettexts_own_tool_finds_nothing_wrong(file):
    done = subprocess.run(
        ["msgfmt", "-c", "-o", "/dev/null", file], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_nothing_is_said_without_a_mark():
    found = MESSAGES.unmarked(MESSAGES.sources())
    assert found == [], "what people read goes through tr() or plural() of larix.words"


def written(tmp_path, text):
    file = tmp_path / "module.py"
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    return [str(file)]


def test_what_is_gathered(tmp_path):
    files = written(
        tmp_path,
        """
        SYNOPSIS = "do things"
        GRAMMAR = Grammar("do", "do [OPTION]", "Do things.", (("Ways:", (WAY,)),))
        WAY = Option("way", "w", "WAY", "how")
        WORD = mark("word")
        def say(n, name):
            tr("hello " "{name}", name=name); plural("{number} a", "{number} as", n); tr(WORD)
            str("no text")
        """,
    )
    assert {(each.text, each.plural) for each in MESSAGES.gathered(files)} == {
        ("do things", ""),
        ("do [OPTION]", ""),
        ("Do things.", ""),
        ("Ways:", ""),
        ("WAY", ""),
        ("how", ""),
        ("word", ""),
        ("hello {name}", ""),
        ("{number} a", "{number} as"),
    }


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ('raise Bad("no such thing")', True),
        ('raise Bad(f"{name}: no such thing")', True),
        ('return Bad(tr("fine"), hint="not fine")', True),
        ('diagnostics.warning("watch out" if name else tr("fine"))', True),
        ('raise Bad(tr("no such thing"))', False),
        ('raise Bad(f"{name}: {name}")', False),
        ('raise Bad("`code here`", expected="--some-option")', False),
        ('raise TypeError("a bug of ours")', False),
        ('print("a result")', False),
    ],
)
def test_what_is_said_without_a_mark_is_found(tmp_path, line, is_found):
    text = f"class Bad(Worse): ...\nclass Worse(LarixError): ...\ndef act(name):\n    {line}\n"
    assert bool(MESSAGES.unmarked(written(tmp_path, text))) == is_found


def test_translations_with_other_gaps_are_wrong():
    texts = [MESSAGES.Text("{a} x", "", ("f",)), MESSAGES.Text("{number} y", "{number} ys", ("f",))]

    def wrong(first, *second):
        known = [Translated("{a} x", "", (first,)), Translated("{number} y", "{number} ys", second)]
        return len(MESSAGES.lacking(texts, {each.text: each for each in known}))

    assert wrong("x de {a}", "un y", "{number} ys") == 0
    assert wrong("x", "{number} y", "{number} ys") == 1
    assert wrong("{a} {b}", "{number} y", "{number} ys") == 1
    assert wrong("{a}", "{number} y", "des ys") == 1
    assert len(MESSAGES.lacking(texts, {})) == 2


def test_french_gets_the_spaces_and_apostrophes_of_print():
    typed = "l'un « de » deux : {a} ; c'est tout ? 5 % de `x'y` et NOM:SORTIE"
    assert MESSAGES.typeset(typed, "fr") == (
        "l\u2019un «\u00a0de\u00a0» deux\u00a0: {a}\u202f; c\u2019est tout\u202f? "
        "5\u00a0% de `x\u2019y` et NOM:SORTIE"
    )
    assert MESSAGES.typeset(typed, "de") == typed


def test_merging_keeps_what_is_known_and_drops_what_is_gone(tmp_path):
    texts = [MESSAGES.Text("a\nb", "", ("f", "g")), MESSAGES.Text("{number} y", "{number} ys", ("f",))]
    known = {"a\nb": Translated("a\nb", "", ("à\nb",)), "gone": Translated("gone", "", ("parti",))}
    file = tmp_path / "xx.po"
    header = "Plural-Forms: nplurals=3; plural=0;\n"
    file.write_text("\n".join(MESSAGES.merged(texts, known, header)) + "\n", encoding="utf-8")
    assert read_catalogue(str(file)) == [Translated("", "", (header,)), known["a\nb"]]
    assert file.read_text(encoding="utf-8").count("msgstr[") == 3
