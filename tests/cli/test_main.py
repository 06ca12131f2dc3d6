from __future__ import annotations

import os
import subprocess
import sys

import pytest

import larix as package
from larix.cli import diagnostics, registry
from larix.errors import LarixError, Location


def test_version_imports_nothing_but_itself(larix):
    """What `--version` may cost is Python's own start and no more."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from larix.cli.main import main\n"
        "main(['--version'])\n"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=larix.environment, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0] == f"larix {package.__version__}"
    assert lines[-1] == "['__future__', 'larix', 'larix.cli', 'larix.cli.main', 'larix.words']"


@pytest.mark.parametrize("words", [["-V"], ["--version"], ["help", "--version"], ["hash", "-V"]])
def test_every_command_tells_its_version(larix, words):
    done = larix(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert package.__version__ in done.stdout


def test_alone_it_prints_usage_and_a_hint(larix):
    done = larix()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Usage: larix ")
    assert "\nhint: " in done.stderr


@pytest.mark.parametrize("name", registry.command_names())
def test_every_command_has_help_that_ends_with_where_to_report_bugs(larix, name):
    done = larix(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: larix {name}")
    assert done.stdout.splitlines()[-1].startswith("Report bugs")
    assert larix("help", name).stdout == done.stdout


def test_help_lists_every_command_with_its_synopsis(larix):
    done = larix("--help")
    assert done.returncode == 0
    for name in registry.command_names():
        assert f"\n    {name} " in done.stdout
    assert larix("-h").stdout == larix("help").stdout == done.stdout


def test_unknown_command(larix):
    done = larix("hepl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "larix: hepl: command not found",
        "hint: Did you mean `help'?",
        "Try `larix --help' for more information.",
    ]
    assert larix("qqqqqq").stderr.splitlines()[0] == "larix: qqqqqq: command not found"


def test_unknown_option(larix):
    done = larix("hash", "--formt=hex", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "larix hash: error: --formt: unrecognized option\nhint: Did you mean `--format'?\n"
    )
    assert larix("--versoin").returncode == 1


def test_extensions_are_commands(larix, tmp_path):
    folder = tmp_path / "extensions"
    folder.mkdir()
    (folder / "say_it.py").write_text(
        "SYNOPSIS = 'say something'\ndef main(arguments):\n    print(arguments)\n    return 3\n"
    )
    (folder / "broken.py").write_text("x = 1/0\n")
    variables = {"LARIX_EXTENSIONS_PATH": f"/nonexistent:{folder}"}
    done = larix("say-it", "a", **variables)
    assert (done.returncode, done.stdout, done.stderr) == (3, "['a']\n", "")
    done = larix("broken", **variables)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "ZeroDivisionError" in done.stderr
    done = larix("--help", **variables)
    assert (done.returncode, "  say-it        say something\n" in done.stdout) == (0, True)
    assert done.stderr.startswith(f"larix: warning: the extension `{folder}/broken.py' failed to load: ")


def test_closed_output_ends_quietly(larix):
    """`larix --help | head -0`: the reader is gone before we write."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "larix.cli.main", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        env=larix.environment,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("word", ["--help", "--version"])
def test_full_disk_is_told_in_one_line(larix, word):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "larix.cli.main", word],
            stdout=full,
            stderr=subprocess.PIPE,
            env=larix.environment,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "larix: error: No space left on device\n")


def run_extension(larix, tmp_path, body, *words, **variables):
    folder = tmp_path / "extensions"
    folder.mkdir(exist_ok=True)
    (folder / "act.py").write_text(f"def main(arguments):\n    {body}\n")
    return larix("act", *words, LARIX_EXTENSIONS_PATH=str(folder), **variables)


def test_a_bug_is_one_line_and_its_traceback_only_on_request(larix, tmp_path):
    done = run_extension(larix, tmp_path, "raise KeyError('a\\nb')")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("larix act: error: KeyError: ")
    assert "bug of larix" in done.stderr
    for words, variables in ((["--debug"], {}), ([], {"LARIX_DEBUG": "1"})):
        done = run_extension(larix, tmp_path, "raise KeyError('x')", *words, **variables)
        assert "Traceback (most recent call last)" in done.stderr


def test_refusals_of_the_machine_are_no_bugs(larix, tmp_path):
    done = run_extension(larix, tmp_path, "open('/nonexistent/file')")
    assert (done.returncode, done.stderr) == (
        1,
        "larix act: error: '/nonexistent/file': No such file or directory\n",
    )


def test_interruption_gives_130(larix, tmp_path):
    done = run_extension(larix, tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    assert (done.returncode, done.stderr) == (130, "")


class Particular(LarixError):
    exit_code = 101


def test_an_error_with_a_place_starts_with_it(capsys):
    error = Particular("no such thing", place=Location("a.py", 3, 7), hint="try this\nor that")
    assert diagnostics.conclude(error) == 101
    assert capsys.readouterr().err == "a.py:3:7: error: no such thing\nhint: try this\nhint: or that\n"


def test_undecodable_text_is_shown_escaped(capfd):
    diagnostics.say("caf\udce9 \ud800")
    assert capfd.readouterr().err == "caf\\udce9 \\ud800\n"


@pytest.mark.parametrize(
    ("word", "choices", "found"),
    [
        ("pakcage", ["package", "pull"], "package"),
        ("biuld", ["build", "bundle"], "build"),
        ("install", ["install"], "install"),
        ("xyz", ["package"], None),
        ("ab", ["xy"], None),
        ("", ["a"], None),
    ],
)
def test_suggestions_are_less_than_three_edits_away(word, choices, found):
    assert diagnostics.closest(word, choices) == found


def test_a_place_leads_to_its_file_on_a_terminal_that_can_show_it(capsys, monkeypatch):
    error = Particular("no", place=Location("/a/b.py", 3, 7))
    for wanted, shown in (
        (True, f"\x1b]8;;file://{os.uname().nodename}/a/b.py\x1b\\/a/b.py:3:7\x1b]8;;\x1b\\: "),
        (False, "/a/b.py:3:7: "),
    ):
        monkeypatch.setattr(diagnostics, "colour_wanted", lambda wanted=wanted: wanted)
        diagnostics.conclude(error)
        diagnostics.warning("w", error.place)
        assert [line.startswith(shown) for line in capsys.readouterr().err.splitlines()] == [True, True]
