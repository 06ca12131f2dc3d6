"""Manual pages, made from the option tables that `--help` prints, for `man` of any system.

One page tells a command, `larix(1)` the whole. They are written in the language of the user, so that a
distribution can have them in each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import larix
from larix.cli import registry
from larix.cli.options import BUG_REPORTS, STANDARD, spelled
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from larix.cli.options import Grammar, Option

__all__ = ["EXIT_CODES", "VARIABLES", "pages", "shown_groups"]

_COLON = ": \u00a0\u202f"  # and the spaces before it that some languages have

# What a process ends with, beside what the program that it became says.
EXIT_CODES = (
    ("0", mark("done")),
    ("1", mark("any error that is none of the following")),
    ("2", mark("what was replayed or compared differs")),
    ("100", mark("a build failed")),
    ("101", mark("a build took longer than allowed")),
    ("102", mark("what was downloaded or built has another hash than promised")),
    ("104", mark("two builds of the same differ")),
    ("126", mark("the program cannot be run")),
    ("127", mark("there is no such program to run")),
    ("128+N", mark("the signal N ended the program")),
    ("130", mark("interrupted by the user")),
)

# What is read from the environment, by all commands or by those of which it says so.
VARIABLES = (
    ("LARIX_PROFILE", mark("the profile that `etc/profile` is read for, under the name that stays")),
    ("LARIX_ENVIRONMENT", mark("set in the shells of `larix shell`: their profile")),
    ("LARIX_PACKAGE_PATH", mark("folders of packages, separated by colons, searched after those of -L")),
    ("LARIX_BUILD_OPTIONS", mark("options of commands that build, as on a command line")),
    ("LARIX_DAEMON_SOCKET", mark("the daemon to use: a file name or an address; empty: none")),
    ("LARIX_STORE_DIR", mark("the store, instead of /larix/store; items keep its name")),
    ("LARIX_STATE_DIRECTORY", mark("its database, roots and profiles, instead of /larix/var")),
    ("LARIX_LOG_DIRECTORY", mark("logs of builds, instead of `log` in the state directory")),
    ("LARIX_CONFIGURATION_DIRECTORY", mark("settings and keys, instead of /etc/larix")),
    ("LARIX_EXTENSIONS_PATH", mark("folders of modules that add commands")),
    ("LARIX_EXECUTION_ENGINE", mark("how programs of relocatable packs run: see `larix pack`")),
    ("LARIX_DEBIAN_MIRROR", mark("a mirror of Debian, where sources are found that are gone elsewhere")),
    ("LARIX_PYPI_INDEX", mark("indexes of Python packages, instead of those that pip is set to")),
    ("LARIX_GITHUB_TOKEN", mark("for `larix refresh` and `import`, so that GitHub answers more often")),
    ("LARIX_NO_UPDATE_CHECK", mark("not empty: do not offer newer versions after an installation")),
    ("LARIX_TOOLCHAIN", mark("a module that gives another toolchain")),
    ("LARIX_PAGER, PAGER", mark("what long output is shown with on a terminal")),
    ("VISUAL, EDITOR", mark("what `larix edit` opens")),
    ("LARIX_DEBUG", mark("not empty: show a traceback when larix itself fails")),
    ("NO_COLOR", mark("not empty: no colours")),
    ("LANGUAGE, LC_ALL, LC_MESSAGES, LANG", mark("the language of messages")),
    ("http_proxy, https_proxy, no_proxy", mark("how downloads reach the network")),
    ("SSL_CERT_FILE, SSL_CERT_DIR", mark("the certificates that are trusted")),
)


def pages() -> Iterator[tuple[str, str]]:
    """Names of files and their contents: `larix.1`, and a page for each command that tells its options."""
    described = [
        (name, synopsis, grammar)
        for name, synopsis in registry.synopses()
        if (grammar := registry.grammar_of(name)) is not None
    ]
    yield "larix.1", _overview([(name, synopsis) for name, synopsis, _ in described])
    for name, synopsis, grammar in described:
        yield f"larix-{name}.1", _page(name, synopsis, grammar)


def _page(name: str, synopsis: str, grammar: Grammar) -> str:
    lines = [*_head(f"larix-{name}", tr(synopsis)), _section(tr("Synopsis")), *_usage(tr(grammar.usage))]
    lines += [_section(tr("Description")), *_paragraphs(tr(grammar.summary))]
    if grammar.build_options_from_environment:
        text = tr("The words of the variable LARIX_BUILD_OPTIONS are read as options, too.")
        lines += [".PP", _text(text)]
    lines.append(_section(tr("Options")))
    for heading, options in shown_groups(grammar):
        if heading:
            lines.append(f".SS {_quoted(heading)}")
        lines += _options(options)
    lines += [*_options(STANDARD), *_foot([("larix", "1")])]
    return "\n".join(lines) + "\n"


def shown_groups(grammar: Grammar) -> Iterator[tuple[str, list[Option]]]:
    """Headings and options as far as readers are told of them, with all transformations."""
    for heading, options in grammar.groups:
        with_hidden = any(option.name == "help-transform" for option in options)
        shown = [option for option in options if with_hidden or not option.hidden]
        if shown:
            yield tr(heading).rstrip(_COLON) if heading else "", shown


def _overview(described: list[tuple[str, str]]) -> str:
    lines = [*_head("larix", tr("build packages, and manage what is installed"))]
    lines += [_section(tr("Synopsis")), *_usage(tr("COMMAND ARGS...")), _section(tr("Description"))]
    text = tr(
        "larix builds packages in isolation from their upstream source, keeps each under a name that holds "
        "the hash of all that made it, and puts them together in profiles that can be rolled back."
    )
    lines += [_text(text), _section(tr("Commands"))]
    for category, commands in registry.by_category().items():
        rows = [row for row in commands if row in described]
        if rows:
            lines.append(f".SS {_quoted(tr(registry.CATEGORIES[category]))}")
        for name, synopsis in rows:
            lines += [".TP", f".BR larix\\-{_text(name)} (1)", _text(tr(synopsis))]
    lines += [_section(tr("Options")), *_options(STANDARD[1:]), _section(tr("Exit status"))]
    for code, meaning in EXIT_CODES:
        lines += [".TP", f".B {code}", _text(tr(meaning))]
    text = tr("Under --keep-going, the codes of all builds that failed are or-ed.")
    lines += [".PP", _text(text), _section(tr("Environment"))]
    for names, meaning in VARIABLES:
        lines += [".TP", f".B {_text(names)}", _text(tr(meaning))]
    lines += [*_foot([(f"larix-{name}", "1") for name, _ in described])]
    return "\n".join(lines) + "\n"


def _head(name: str, synopsis: str) -> list[str]:
    version, manual = _quoted(f"larix {larix.__version__}"), _quoted(tr("larix manual"))
    return [
        "'\\\" -*- coding: UTF-8 -*-",
        f'.TH {_quoted(name.upper())} 1 "" {version} {manual}',
        # Nothing is hyphenated or spread: words are options and names.
        ".nh",
        ".ad l",
        _section(tr("Name")),
        f"{_text(name)} \\- {_text(synopsis)}",
    ]


def _foot(others: list[tuple[str, str]]) -> list[str]:
    return [
        _section(tr("Bugs")),
        _text(tr(BUG_REPORTS)),
        _section(tr("See also")),
        *[
            f".BR {_text(name)} ({section}){',' if index < len(others) - 1 else ''}"
            for index, (name, section) in enumerate(others)
        ],
    ]


def _section(title: str) -> str:
    return f".SH {_quoted(title.upper())}"


def _usage(usage: str) -> list[str]:
    """The line after `larix`: what is written as it stands in bold."""
    words = [
        f"\\fI{_text(word)}\\fP" if word != word.lower() else f"\\fB{_text(word)}\\fP"
        for word in usage.split()
    ]
    return [" ".join(["\\fBlarix\\fP", *words])]


def _paragraphs(text: str) -> list[str]:
    return [_text(line) for line in text.splitlines()]


def _options(options: Iterable[Option]) -> Iterator[str]:
    for option in options:
        yield ".TP"
        names = [f"\\fB\\-{letter}\\fP" for letter in option.short]
        long, argument = spelled(option)
        names.append(f"\\fB{_text(long)}\\fP{_text(argument)}")
        yield ", ".join(names)
        words = tr(option.help)
        yield _text(words[:1].upper() + words[1:]) + "."


def _text(text: str) -> str:
    """A line of text: nothing in it is a request or an escape."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _quoted(text: str) -> str:
    return '"' + _text(text).replace('"', '""') + '"'
