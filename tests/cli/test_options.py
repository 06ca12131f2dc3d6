from __future__ import annotations

import pytest

from larix.cli import registry
from larix.cli.options import Answered, Grammar, Option, Token, UsageError, parse, whole_number

OPTIONS = (
    Option("install", "i", "PACKAGE", "install", optional=True, collects=True),
    Option("install-from-file", "f", "FILE", "install from a file"),
    Option("remove", "r", "PACKAGE", "remove", optional=True, collects=True),
    Option("switch-generation", "S", "N", "switch"),
    Option("list-available", "A", "REGEXP", "list", optional=True),
    Option("dry-run", "n", help="do nothing"),
    Option("cores", "c", "N", "cores"),
    Option("secret", hidden=True),
)
TRY = "Try `larix --help' for more information."
GRAMMAR = Grammar("test", "test [OPTION]...", "Test.", (("", OPTIONS),))


def tokens(*words, grammar=GRAMMAR):
    return [tuple(token) for token in parse(grammar, words).tokens]


def test_operands_belong_to_the_collecting_option_before_them():
    assert tokens("x", "-i", "a", "b", "-n", "c", "-r", "d") == [
        ("", "x"),
        ("install", None),
        ("install", "a"),
        ("install", "b"),
        ("dry-run", None),
        ("install", "c"),
        ("remove", None),
        ("remove", "d"),
    ]


@pytest.mark.parametrize(
    "words", [("-f", "x"), ("-fx",), ("--install-from-file=x",), ("--install-from-file", "x")]
)
def test_four_spellings_of_an_argument(words):
    assert tokens(*words) == [("install-from-file", "x")]


def test_an_argument_may_look_like_an_option():
    assert tokens("-S", "-1", "-S-2", "--switch-generation", "+1") == [
        ("switch-generation", "-1"),
        ("switch-generation", "-2"),
        ("switch-generation", "+1"),
    ]


def test_optional_arguments_are_only_ever_attached():
    assert tokens("-A", "x", "-A^gcc", "--list-available=", "--list-available", "y") == [
        ("list-available", None),
        ("", "x"),
        ("list-available", "^gcc"),
        ("list-available", ""),
        ("list-available", None),
        ("", "y"),
    ]


def test_short_flags_may_be_joined():
    assert tokens("-nc2") == [("dry-run", None), ("cores", "2")]


def test_long_options_may_be_cut_short_while_unique():
    assert tokens("--dry", "--install", "a") == [("dry-run", None), ("install", None), ("install", "a")]
    with pytest.raises(
        UsageError, match=r"--ins: ambiguous option; it could be `--install', `--install-from"
    ):
        tokens("--ins")


def test_dashes_end_the_options():
    assert tokens("-n", "--", "-n", "--", "x") == [("dry-run", None), ("", "-n"), ("", "--"), ("", "x")]


def test_what_follows_dashes_may_be_another_command_line():
    grammar = GRAMMAR._replace(command_after_dashes=True)
    line = parse(grammar, ["a", "--", "ls", "--", "-l", "--help"])
    assert line.operands == ["a"]
    assert line.program == ["ls", "--", "-l", "--help"]
    assert parse(grammar, ["a", "--"]).program == []
    assert parse(grammar, ["a"]).program is None


@pytest.mark.parametrize(
    ("words", "operands", "program"),
    [
        (["-n", "a", "-x", "--help"], ["a"], ["-x", "--help"]),
        (["a", "--", "-x"], ["a"], ["-x"]),
        (["--", "a", "--", "-x", "--"], ["a"], ["-x", "--"]),
        (["a", "b", "--", "c"], ["a"], ["b", "--", "c"]),
        (["-n"], [], None),
    ],
)
def test_what_follows_the_first_operand_may_be_another_command_line(words, operands, program):
    line = parse(GRAMMAR._replace(command_after_operand=True), words)
    assert (line.operands, line.program) == (operands, program)
    assert line.has("dry-run") == ("-n" in words)


def test_a_lone_dash_is_an_operand():
    assert tokens("-") == [("", "-")]


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ["--instal-from-file=x"],
            "--instal-from-file: unrecognized option",
            "Did you mean `--install-from-file'?",
        ),
        (["--zzz"], "--zzz: unrecognized option", TRY),
        (["--secrte"], "--secrte: unrecognized option", TRY),
        (["-Z"], "-Z: unrecognized option", TRY),
        (["-remove"], None, None),
        (["-dry-run"], "-d: unrecognized option", "Did you mean `--dry-run'?"),
        (["-f"], "-f: missing argument", None),
        (["--cores"], "--cores: missing argument", None),
        (["--dry-run=yes"], "--dry-run: takes no argument", None),
    ],
)
def test_what_does_not_fit_is_named(words, message, hint):
    if message is None:
        assert tokens(*words) == [("remove", "emove")]
        return
    with pytest.raises(UsageError) as caught:
        parse(GRAMMAR, words)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "", "٣", "9" * 30])
def test_numbers_are_checked(text):
    line = parse(GRAMMAR, [f"--cores={text}"])
    with pytest.raises(UsageError, match="not a number: 'cores' option argument: "):
        whole_number(line, "cores", 0)


def test_last_of_repeated_options_counts():
    line = parse(GRAMMAR, ["-c1", "-c", "2"])
    assert whole_number(line, "cores", 0) == 2
    assert whole_number(parse(GRAMMAR, []), "cores", 7) == 7


def test_help_lists_the_options_but_the_hidden_ones():
    with pytest.raises(Answered) as caught:
        parse(GRAMMAR, ["--help"])
    text = caught.value.text
    assert text.startswith("Usage: larix test [OPTION]...\nTest.\n")
    assert "  -i, --install [PACKAGE]..." in text
    assert "  -A, --list-available[=REGEXP]" in text
    assert "  -n, --dry-run          do nothing" in text
    assert "secret" not in text
    assert text.splitlines()[-1].startswith("Report bugs")


def test_default_options_come_from_the_environment_and_yield_to_the_command_line(monkeypatch):
    monkeypatch.setenv("LARIX_BUILD_OPTIONS", "--cores=3 -f 'a b'")
    assert parse(GRAMMAR, []).tokens == []
    grammar = GRAMMAR._replace(build_options_from_environment=True)
    line = parse(grammar, ["-c4"])
    assert line.tokens == [Token("cores", "3"), Token("install-from-file", "a b"), Token("cores", "4")]
    monkeypatch.setenv("LARIX_BUILD_OPTIONS", "'open")
    with pytest.raises(UsageError, match="LARIX_BUILD_OPTIONS"):
        parse(grammar, [])


def mistake(larix, *words):
    done = larix(*words)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr.splitlines()


@pytest.mark.parametrize("name", registry.command_names())
def test_every_command_helps_with_options_that_it_has_not(larix, name):
    assert mistake(larix, name, "--hepl") == [
        f"larix {name}: error: --hepl: unrecognized option",
        "hint: Did you mean `--help'?",
    ]
    for word, option in (("--qqqqqq", "--qqqqqq"), ("-\N{SECTION SIGN}", "-\N{SECTION SIGN}")):
        assert mistake(larix, name, word) == [
            f"larix {name}: error: {option}: unrecognized option",
            f"hint: Try `larix {name} --help' for more information.",
        ]


def test_hidden_options_are_suggested_when_nothing_else_is_near(larix):
    assert mistake(larix, "build", "--with-inptu=a=b")[1] == "hint: Did you mean `--with-input'?"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("hash", "-H", "sha265", "x"), "Did you mean `sha256'?"),
        (("hash", "-f", "hexx", "x"), "Did you mean `hex'?"),
        (("build", "--sources=al", "x"), "Did you mean `all'?"),
        (("gc", "--verify=content"), "Did you mean `contents'?"),
        (("gc", "--free-space=1Q"), "write a number and a unit, such as 500M or 1.5GiB"),
        (("lint", "-c", "nmae"), "Did you mean `name'?"),
        (("graph", "-t", "bga", "x"), "Did you mean `bag'?"),
        (("import", "pipy", "x"), "Did you mean `pypi'?"),
        (("build-systems", "gun"), "Did you mean `gnu'?"),
        (("help", "isntall"), "Did you mean `install'?"),
        (("pack", "-f", "tarbal", "x"), "Did you mean `tarball'?"),
        (("pack", "-C", "zst", "x"), "Did you mean `zstd'?"),
        (("size", "--sort=clsoure", "x"), "Did you mean `closure'?"),
    ],
)
def test_values_that_are_none_come_with_a_hint(larix, words, hint):
    assert mistake(larix, *words)[1] == f"hint: {hint}"


def test_removing_what_is_not_there_suggests_what_is(larix, shelf):
    shelf.add(str(larix.folder / "p"), "hello", "sed")
    assert mistake(larix, "package", "-p", "./p", "-r", "helo") == [
        "larix package: error: package 'helo' not found in profile",
        "hint: Did you mean `hello'?",
    ]
