"""What larix says, in the user's language: chosen by the environment, read from a cache that may be lost."""

from __future__ import annotations

import gettext
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from larix.cli import languages

FRENCH = {"LANG": "fr_FR.UTF-8", "PYTHONUTF8": "1"}
NOT_FOUND = "larix: biuld\u00a0: commande introuvable\n"


def cached(larix) -> list[Path]:
    return sorted((larix.folder / "cache" / "larix").glob("words-fr-*.mo"))


def test_errors_hints_and_help_are_in_french(larix):
    done = larix("biuld", **FRENCH)
    assert done.stderr.splitlines() == [
        NOT_FOUND.strip(),
        "astuce\u00a0: Vouliez-vous dire «\u00a0build\u00a0»\u202f?",
        "Tapez «\u00a0larix --help\u00a0» pour en savoir plus.",
    ]
    assert "--file=FICHIER" in larix("build", "--help", **FRENCH).stdout
    assert "erreur\u00a0: --nosuch\u00a0: option non reconnue" in larix("gc", "--nosuch", **FRENCH).stderr
    assert "logiciel libre" in larix("--version", **FRENCH).stdout


def test_records_and_options_keep_their_names(reader):
    english, french = (reader("show", "alpha", **more).stdout.splitlines() for more in ({}, FRENCH))
    assert [line.partition(":")[0] for line in english] == [line.partition(":")[0] for line in french]
    assert "homepage: inconnu" in french
    assert reader("show", "--json", "alpha", **FRENCH).stdout == reader("show", "--json", "alpha").stdout


def test_plans_know_the_plural(larix, shelf):
    shelf.add(str(larix.folder / "p"), "alpha", "beta")
    one, two = (
        larix("remove", "-n", "-p", "./p", *names, **FRENCH).stderr
        for names in (["alpha"], ["alpha", "beta"])
    )
    assert "Le paquet suivant serait supprimé\u00a0:" in one
    assert "Les paquets suivants seraient supprimés\u00a0:" in two


@pytest.mark.parametrize(
    ("variables", "is_french"),
    [
        ({"LANG": "C.UTF-8", "LANGUAGE": "fr"}, False),
        ({"LANG": "en_GB.UTF-8"}, False),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "fr"}, True),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de:fr:en"}, True),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "en:fr"}, False),
        ({"LC_ALL": "fr_CA.UTF-8", "LANG": "C"}, True),
        ({"LC_MESSAGES": "fr_FR.UTF-8", "LC_ALL": "POSIX"}, False),
    ],
)
def test_variables_count_as_they_do_for_gettext(larix, variables, is_french):
    assert ("introuvable" in larix("biuld", **variables).stderr) == is_french


def test_english_loads_nothing_of_translations(larix):
    code = (
        "import sys\nfrom larix.cli.main import main\nmain(['hash', '--help'])\n"
        "print(sorted({'gettext', 'larix.cli.languages', 'larix.packages.translation'} & set(sys.modules)))"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=larix.environment | more,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        for more in ({}, {"LANG": "en_US.UTF-8"}, FRENCH)
    ]
    first = "['gettext', 'larix.cli.languages', 'larix.packages.translation']"
    assert found == ["[]", "[]", first], "the last one is the first time, without a cache"


def test_the_compiled_form_is_kept_and_made_anew_when_it_does_not_fit(larix):
    assert larix("biuld", **FRENCH).stderr.startswith(NOT_FOUND)
    (file,) = cached(larix)
    data = file.read_bytes()
    stamp = file.stat().st_mtime_ns
    for damage in (b"", b"no file of messages", data[:1000], data[:40] + b"\xff" * 1000):
        file.write_bytes(damage)
        os.utime(file, ns=(stamp, stamp))
        assert larix("biuld", **FRENCH).stderr.startswith(NOT_FOUND)
        assert cached(larix) == [file]
        assert file.read_bytes() == data
    os.utime(file, ns=(stamp - 1, stamp - 1))
    file.write_bytes(b"")
    assert larix("biuld", **FRENCH).stderr.startswith(NOT_FOUND)
    assert file.read_bytes() == data


def test_without_a_place_for_the_cache_it_is_french_all_the_same(larix):
    (larix.folder / "cache").write_text("in the way")
    assert larix("biuld", **FRENCH).stderr.startswith(NOT_FOUND)


def test_letters_that_an_encoding_lacks_have_stand_ins(larix):
    more = {"LANG": "fr_FR", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        larix.command("hash", "-f", "hexx", "x"),
        env=larix.environment | more,
        cwd=larix.folder,
        capture_output=True,
        check=False,
    )
    assert done.stderr.decode("ascii").splitlines()[-1] == 'astuce : Vouliez-vous dire " hex " ?'


def test_compiled_is_what_pythons_gettext_reads(tmp_path):
    file = tmp_path / "xx.po"
    file.write_text(
        'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "é"\nmsgstr "e"\n\nmsgid "a"\nmsgstr "é\\nb"\n\nmsgid "none"\nmsgstr ""\n\n'
        'msgid "{number} x"\nmsgid_plural "{number} xs"\nmsgstr[0] "{number} y"\nmsgstr[1] "{number} ys"\n',
        encoding="utf-8",
    )
    found = gettext.GNUTranslations(io.BytesIO(languages.compiled(str(file))))
    assert [found.gettext(text) for text in ("é", "a", "none")] == ["e", "é\nb", "none"]
    assert [found.ngettext("{number} x", "{number} xs", n) for n in (0, 1, 2)] == [
        "{number} y",
        "{number} y",
        "{number} ys",
    ]


def test_what_fails_inside_of_a_download_is_told_in_french_too(builder):
    """It runs in a process of its own, which has no settings of the user's."""
    file = builder.folder / "origin.py"
    file.write_text(
        "from larix.packages import Origin\n"
        "package = Origin(uri='file:///nonexistent/x-1.tar.gz', sha256='0' * 52)\n"
    )
    done = builder("build", "-f", "origin.py", **FRENCH)
    assert "impossible de télécharger «\u00a0x-1.tar.gz\u00a0»" in done.stderr
    assert "cannot download" in builder("build", "-f", "origin.py").stderr


@pytest.mark.parametrize(
    "words",
    [
        ("build", "-d", "alpha"),
        ("pack", "-d", "-f", "deb", "alpha"),
        ("pack", "-d", "-f", "rpm", "alpha"),
        ("pack", "-d", "-f", "docker", "alpha"),
    ],
)
def test_results_are_the_same_in_every_language(builder, words):
    """A translated word in a derivation would give each language hashes of its own."""
    english, french = builder(*words), builder(*words, **FRENCH)
    assert english.stdout.startswith(builder.environment["LARIX_STORE_DIR"]), english.stderr
    assert english.stdout == french.stdout


def test_warnings_follow_the_language_though_the_index_keeps_them(reader):
    (reader.folder / "packages" / "broken_one.py").write_text("raise ValueError('no')\n")
    for variables, said in (
        (FRENCH, "impossible de charger"),
        ({}, "failed to load"),
        (FRENCH, "impossible de charger"),
    ):
        assert said in reader("search", "alpha", **variables).stderr
