"""Listing, searching and showing packages, which needs no store."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest


def test_the_catalogue_lists_searches_and_shows(reader):
    lines = reader.succeed("package", "-A", "^alpha$").splitlines()
    cells = [[cell.strip() for cell in line.split("\t")] for line in lines]
    assert [row[:3] for row in cells] == [["alpha", "1.0", "out"], ["alpha", "0.9", "out"]]
    assert all(row[3].startswith("packages/small.py:") for row in cells)
    shown = reader.succeed("show", "delta")
    assert shown.startswith("name: delta\nversion: 1.0\noutputs:\n+ out: everything\nsystems: ")
    assert "\ndependencies: alpha@1.0\n" in shown
    assert shown == reader.succeed("package", "--show=delta")
    found = reader.succeed("search", "SAY", "gam")
    assert found.startswith("name: gamma\n")
    assert "\nrelevance: " in found
    assert found.count("name: ") == 1
    assert reader.succeed("search", "no such thing anywhere") == ""
    done = reader("show", "alfa")
    assert done.returncode == 1
    assert done.stderr.endswith("larix show: error: alfa: package not found\nhint: Did you mean `alpha'?\n")


def test_a_broken_package_file_is_a_warning_and_the_rest_is_usable(reader):
    folder = reader.folder / "packages"
    (folder / "torn.py").write_text("def (\n")
    (folder / "lost.py").write_text("import nowhere_to_be_found\n")
    done = reader("package", "-A", "^beta$")
    assert done.returncode == 0
    assert done.stdout.startswith("beta")
    assert f"{folder}/torn.py:1:5: warning: failed to load `torn`: syntax error" in done.stderr
    assert f"{folder}/lost.py:1: warning: failed to load `lost`" in done.stderr
    assert "Traceback" not in done.stderr


def test_queries_leave_no_store_behind(reader):
    reader.succeed("package", "-A")
    reader.succeed("search", "alpha")
    reader.succeed("show", "alpha")
    assert not os.path.exists(reader.layout.store_dir)
    assert not os.path.exists(reader.layout.state_dir)


def test_queries_as_json(reader):
    (package,) = json.loads(reader.succeed("show", "--json", "delta"))["packages"]
    assert (package["name"], package["version"]) == ("delta", "1.0")
    assert package["dependencies"] == ["alpha@1.0"]
    found = json.loads(reader.succeed("search", "--json", "gamma"))
    assert found["version"] == 1
    assert found["packages"][0]["relevance"] > 0
    listed = json.loads(reader.succeed("package", "-A", "^alpha$", "--json"))
    assert [each["version"] for each in listed["packages"]] == ["1.0", "0.9"]
    several = reader.succeed("package", "-A", "^beta$", "^gamma$").splitlines()
    assert [line.split("\t")[0].strip() for line in several] == ["beta", "gamma"]


def test_show_takes_a_version_prefix(reader):
    assert reader.succeed("show", "alpha@0").count("name: ") == 1
    assert reader.succeed("show", "alpha").count("name: ") == 2


def test_a_name_counts_more_than_a_description(reader):
    found = reader.succeed("search", "speak|gamma")
    assert found.startswith("name: gamma\n")
    assert found.count("name: ") > 3


def test_records_go_through_the_pager_on_a_terminal_only(reader):
    variables = {"LARIX_PAGER": "sed s/^/paged:/", "TERM": "dumb"}
    assert "paged:" not in reader.succeed("show", "gamma", **variables)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        reader.command("show", "gamma"), env=reader.environment | variables, stdout=slave, cwd=reader.folder
    )
    os.close(slave)
    text = b""
    while b"description: It speaks." not in text:
        text += os.read(master, 4096)
    assert process.wait() == 0
    os.close(master)
    assert text.startswith(b"paged:name: gamma")


def test_nothing_to_search_or_show_is_told(reader):
    done = reader("search")
    assert done.stderr == "larix search: error: missing arguments: no regular expressions to search for\n"
    done = reader("show")
    assert done.stderr == "larix show: error: missing arguments: no package to show\n"
    assert done.returncode == 1


def test_a_folder_that_is_not_there_is_told(reader):
    done = reader("package", "-A", "-L", "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nowhere` is no directory" in done.stderr


def test_hidden_and_superseded_packages_are_shown_only_when_asked_for_by_name(reader):
    listed = reader.succeed("package", "-A")
    assert "ancient" not in listed
    assert "inner" not in listed
    assert reader.succeed("search", "ancient|inner") == ""
    assert "superseded-by: gamma@1.0\n" in reader.succeed("show", "ancient")
    (package,) = json.loads(reader.succeed("show", "--json", "ancient"))["packages"]
    assert package["superseded-by"] == "gamma@1.0"
    assert reader.succeed("show", "inner").startswith("name: inner")


def test_a_name_whose_module_is_broken_says_so(reader):
    (reader.folder / "packages" / "my_tool.py").write_text("import nowhere\n")
    done = reader("show", "my-tool")
    assert done.returncode == 1
    assert "my-tool: package not found\nhint: the module `my_tool` is broken, as told above" in done.stderr


def test_folders_of_the_command_line_come_before_those_of_the_environment(reader):
    text = (reader.folder / "packages" / "small.py").read_text()
    for folder in ("first", "second"):
        (reader.folder / folder).mkdir()
        (reader.folder / folder / f"in_{folder}.py").write_text(
            f"{text}\nalpha = simple('alpha', '1.0', synopsis='{folder}')\n"
        )
    done = reader(
        "show", "-L", "second", "-L", "first", "alpha@1.0", LARIX_PACKAGE_PATH=f"{reader.folder}/packages"
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("synopsis")]
    assert lines == ["synopsis: second", "synopsis: first", "synopsis: Say alpha"]
    done = reader("build", "-d", "-L", "second", "-L", "first", "alpha@1")
    assert "ambiguous package specification `alpha@1`" in done.stderr
    assert "choosing alpha@1.0 from" in done.stderr
    assert "second/in_second.py" in done.stderr


def line_of_gamma(reader):
    """Where all small packages are made."""
    lines = (reader.folder / "packages" / "small.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if "return Package(" in line)


def test_a_variant_is_listed_with_the_place_of_what_it_is_a_variant_of(reader):
    (reader.folder / "more").mkdir()
    (reader.folder / "more" / "variants.py").write_text(
        "from small import gamma\nnewer = gamma.inherit(location=gamma.location, version='3')\n"
    )
    lines = reader.succeed("package", "-A", "^gamma$", "-L", "more").splitlines()
    assert [line.split("\t")[1].strip() for line in lines] == ["3", "1.0"]
    place = f"packages/small.py:{line_of_gamma(reader)}:"
    assert all(line.split("\t")[3].startswith(place) for line in lines)


def test_a_folder_of_the_environment_that_is_not_there_is_a_warning(reader):
    done = reader("package", "-A", "^alpha$", LARIX_PACKAGE_PATH=f"nowhere:{reader.folder}/packages")
    assert (done.returncode, done.stdout.count("alpha")) == (0, 2)
    assert "larix package: warning: LARIX_PACKAGE_PATH: `nowhere' is no directory\n" in done.stderr


def test_records_are_filled_to_the_width_and_no_word_is_cut(reader):
    (reader.folder / "packages" / "long.py").write_text(
        "from small import simple\n"
        "long = simple('long', '1', description='one\\u00a0word ' * 30 + 'https://example.org/' + 'x' * 90)\n"
    )
    for columns in ("40", "100"):
        lines = reader.succeed("show", "long", COLUMNS=columns).splitlines()
        filled = lines[lines.index(next(each for each in lines if each.startswith("description: "))) : -1]
        assert all(each.startswith("+ ") for each in filled[1:])
        assert max(len(each) for each in filled[:-1]) in range(int(columns) - 8, int(columns) + 1)
        assert "\n+ word" not in "\n".join(filled)
        assert filled[-1].endswith("x" * 90)


def test_links_and_bold_names_on_a_terminal_without_a_pager(reader):
    variables = {"LARIX_PAGER": "", "TERM": "xterm"}
    assert "\x1b" not in reader.succeed("show", "gamma", **variables)
    master, slave = pty.openpty()
    for words in (["show", "gamma"], ["package", "-A", "gamma"]):
        subprocess.run(
            reader.command(*words),
            env=reader.environment | variables,
            stdout=slave,
            cwd=reader.folder,
            check=True,
        )
    os.close(slave)
    text = b""
    while text.count(b"\x1b]8;;\x1b\\") < 2:
        text += os.read(master, 4096)
    os.close(master)
    assert b"name: \x1b[1mgamma\x1b[0m\r\n" in text
    assert f"{reader.folder}/packages/small.py\x1b\\packages/small.py:".encode() in text


def test_a_reader_that_has_seen_enough_ends_the_search_quietly(reader):
    master, slave = pty.openpty()
    done = subprocess.run(
        reader.command("search", ""),
        env=reader.environment | {"LARIX_PAGER": "head -n1", "TERM": "dumb"},
        stdout=slave,
        stderr=subprocess.PIPE,
        cwd=reader.folder,
        check=False,
    )
    os.close(slave)
    os.close(master)
    assert done.returncode == 0
    assert b"error" not in done.stderr


def test_texts_are_shown_and_searched_in_the_language_of_the_user(reader):
    (reader.folder / "packages" / "po").mkdir()
    (reader.folder / "packages" / "po" / "fr.po").write_text(
        'msgid "Say gamma"\nmsgstr "Saluer gamma"\n\nmsgid "It speaks."\nmsgstr "Il parle."\n'
    )
    french = {"LC_ALL": "fr_FR.UTF-8"}
    assert "synopsis: Saluer gamma\ndescription: Il parle.\n" in reader.succeed("show", "gamma", **french)
    assert reader.succeed("search", "saluer", **french).count("name: ") == 1
    assert reader.succeed("search", "saluer") == ""
    assert "synopsis: Say gamma\n" in reader.succeed("show", "gamma", LC_ALL="C", LANGUAGE="fr")
    found = json.loads(reader.succeed("show", "gamma", "--json", LANG="de_DE.UTF-8", LANGUAGE="de:fr"))
    assert found["packages"][0]["synopsis"] == "Saluer gamma"


def test_translations_that_cannot_be_read_are_a_warning(reader):
    (reader.folder / "packages" / "fr.po").write_text('msgid "Say gamma\n')
    done = reader("show", "gamma", LC_ALL="fr_FR.UTF-8")
    assert done.returncode == 0
    assert (
        f"{reader.folder}/packages/fr.po:1: avertissement\u00a0: ce n\u2019est pas une ligne" in done.stderr
    )


def test_messages_for_translators_are_those_of_the_folders(reader):
    (reader.folder / "packages" / "more.py").write_text(
        "from larix.packages.translation import mark\nTEXT = mark('Marked')\n"
    )
    (reader.folder / "fr.po").write_text('msgid "Marked"\nmsgstr "Marqué"\n')
    text = reader.succeed("messages", "packages", "--merge=fr.po")
    place = f"small.py:{line_of_gamma(reader)}"
    assert f'#. synopsis of gamma\n#: {place}\nmsgid "Say gamma"\nmsgstr ""\n' in text
    assert '#: more.py:2\nmsgid "Marked"\nmsgstr "Marqué"\n' in text
    assert "Compress files" not in text, "packages of the distribution are none of these folders"
    assert "nowhere' is no folder" in reader("messages", "nowhere").stderr


MODULES = """
import sys
from larix.cli.main import main
main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words", [["package", "-A"], ["search", "gamma"], ["show", "gamma"], ["show", "gamma", "--json"]]
)
def test_queries_load_no_package_and_nothing_that_makes_one(reader, words):
    reader.environment["PYTHONPATH"] = reader.environment["PYTHONPATH"].partition(":")[0]
    reader.succeed("show", "gamma")
    done = subprocess.run(
        [sys.executable, "-S", "-c", MODULES, *words],
        env=reader.environment,
        cwd=reader.folder,
        capture_output=True,
        check=True,
        text=True,
    )
    loaded = set(done.stderr.split())
    assert "larix.packages.catalogue" in loaded
    assert (
        not {"small", "larix.packages.record", "larix.staging", "larix.store", "hashlib", "pathlib"} & loaded
    )
