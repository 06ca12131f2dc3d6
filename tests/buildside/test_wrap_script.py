"""Scripts with an environment put into them: still the scripts that they were."""

import os
import shutil
import subprocess
import sys

import pytest

from larix.buildside.wrap_script import WrapError, script_language, wrap_script

VARIABLE = "GREET_PATH"


def run(file, **environment):
    given = {**os.environ, **environment}
    done = subprocess.run([file, "word"], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def script(directory, text):
    file = directory / "script"
    file.write_text(text)
    file.chmod(0o755)
    return file


@pytest.fixture
def site(tmp_path):
    """A site directory with a module, and a .pth file that names another directory."""
    directory = tmp_path / "lib" / "python3" / "site-packages"
    directory.mkdir(parents=True)
    (directory / "greet_of_test.py").write_text("GREETING = 'hello'\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "wave_of_test.py").write_text("WAVE = 'bye'\n")
    (directory / "more.pth").write_text(f"{tmp_path / 'elsewhere'}\n")
    return directory


def test_python_script_finds_modules_and_what_path_files_name(tmp_path, site):
    file = script(
        tmp_path,
        f"#!{sys.executable}\nimport sys\nfrom greet_of_test import GREETING\nfrom wave_of_test import WAVE\n"
        "print(GREETING, WAVE, sys.argv[1:], [n for n in globals() if 'larix' in n])\n",
    )
    wrap_script(file, {}, site_directories=[str(site)])
    assert run(file) == "hello bye ['word'] []\n"
    assert file.stat().st_mode & 0o777 == 0o755


def test_site_directories_come_after_the_standard_library_and_before_others(tmp_path, site):
    (site / "json.py").write_text("raise SystemExit('it hides the standard library')\n")
    (site / "pytest.py").write_text("HERE = True\n")
    file = script(tmp_path, f"#!{sys.executable}\nimport json, pytest\nprint(pytest.HERE)\n")
    wrap_script(file, {}, site_directories=[str(site)])
    assert run(file) == "True\n"


def test_variables_are_set_before_what_is_there_for_children_too(tmp_path):
    file = script(tmp_path, f"#!{sys.executable}\nimport os; os.system('echo $GREET_PATH')\n")
    wrap_script(file, {VARIABLE: ["/first", "/second"]})
    assert run(file) == "/first:/second\n"
    assert run(file, **{VARIABLE: "/old:/first"}) == "/first:/second:/old\n"


@pytest.mark.parametrize(
    "text",
    [
        "print(GREETING)",
        "# -*- coding: latin-1 -*-\nprint(GREETING)",
        '"""Documentation."""\nfrom __future__ import annotations\nprint(GREETING)',
        "# comment\n\nfrom __future__ import (\n    annotations,\n)\nimport os\nprint(GREETING)",
    ],
)
def test_prologue_stands_where_python_allows_it(tmp_path, site, text):
    given = text.replace("print(GREETING)", "from greet_of_test import GREETING\nprint(GREETING)")
    file = script(tmp_path, f"#!{sys.executable}\n{given}\n")
    wrap_script(file, {}, site_directories=[str(site)])
    assert run(file) == "hello\n"


def test_wrapping_twice_adds(tmp_path):
    file = script(tmp_path, f"#!{sys.executable}\nimport os\nprint(os.environ['{VARIABLE}'])\n")
    wrap_script(file, {VARIABLE: ["/first"]})
    wrap_script(file, {VARIABLE: ["/second"]})
    assert set(run(file).strip().split(":")) == {"/first", "/second"}


@pytest.mark.skipif(not shutil.which("perl"), reason="needs perl")
def test_perl_script_finds_modules(tmp_path):
    (tmp_path / "it's").mkdir()
    (tmp_path / "it's" / "Greet.pm").write_text("package Greet; sub greeting { 'hello' } 1;\n")
    file = script(
        tmp_path, f"#!{shutil.which('perl')} -w\nuse Greet;\nprint Greet::greeting(), qq{{ @ARGV\\n}};\n"
    )
    wrap_script(file, {"PERL5LIB": [str(tmp_path / "it's")]})
    assert run(file) == "hello word\n"


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("#!/store/bin/python3.13", "python"),
        ("#! /usr/bin/env python3", "python"),
        ("#!/usr/bin/env -S python3 -u", "python"),
        ("#!/usr/bin/perl -w", "perl"),
        ("#!/bin/sh", "shell"),
        ("#!/usr/bin/env bash", "shell"),
        ("#!/bin/dash -e", "shell"),
        ("#!/bin/csh", None),
        ("#!/bin/shell", None),
        ("#!/opt/python/bin/ruby", None),
        ("#!/bin/pythonic", None),
        ("print()", None),
    ],
)
def test_language_is_told_by_the_first_line(tmp_path, line, language):
    assert script_language(script(tmp_path, f"{line}\n")) == language


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("#!/bin/ruby\n", "language"),
        ('#!/bin/sh\n# \\\nexec tclsh "$0" ${1+"$@"}\n', "layout"),
        ("#!/bin/python3\nprint 'old'\n", "syntax"),
        ("#!/bin/python3\nfrom __future__ import annotations; x = 1\n", "layout"),
    ],
)
def test_script_that_cannot_be_wrapped_is_told_and_left(tmp_path, text, kind):
    file = script(tmp_path, text)
    with pytest.raises(WrapError, match=r"cannot wrap `.*/script`: ") as caught:
        wrap_script(file, {VARIABLE: ["/x"]}, site_directories=["/y"])
    assert (caught.value.kind, caught.value.program) == (kind, str(file))
    assert file.read_text() == text


def test_links_are_no_scripts(tmp_path):
    file = script(tmp_path, "#!/bin/python3\n")
    (tmp_path / "link").symlink_to(file)
    assert script_language(tmp_path / "link") is None


@pytest.mark.parametrize("shell", ["sh -eu", "bash", "dash"])
def test_shell_script_sets_variables_for_itself_and_children(tmp_path, shell):
    program = shutil.which(shell.partition(" ")[0])
    if program is None:
        pytest.skip(f"no {shell} here")
    line = shell.replace(shell.partition(" ")[0], program)
    file = script(tmp_path, f'#!{line}\nsh -c \'echo "$GREET_PATH"\'; exec echo "$(basename "$0") $1"\n')
    wrap_script(file, {VARIABLE: ["/it's", "/a b"]})
    assert run(file) == "/it's:/a b\nscript word\n"
    assert run(file, **{VARIABLE: "/old  *"}) == "/it's:/a b:/old  *\nscript word\n"
    wrap_script(file, {VARIABLE: ["/second"]})
    assert set(run(file).splitlines()[0].split(":")) == {"/it's", "/a b", "/second"}


@pytest.mark.parametrize("program", [sys.executable, "sh", "perl"])
def test_one_entry_alone_is_no_list_of_letters_and_none_sets_nothing(tmp_path, program):
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} here")
    text = {
        "sh": "echo ${GREET_PATH-unset} ${GREET_WORD-unset}",
        "perl": "print join(q{ }, map { $ENV{$_} // q{unset} } qw(GREET_PATH GREET_WORD)), qq{\\n};",
    }.get(program, "from os import environ as e; print(e.get('GREET_PATH'), e.get('GREET_WORD', 'unset'))")
    file = script(tmp_path, f"#!{found}\n{text}\n")
    wrap_script(file, {VARIABLE: "/abc", "GREET_WORD": []})
    assert run(file) == "/abc unset\n"
