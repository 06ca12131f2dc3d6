"""Completion: what larix answers, and real shells that show it to whoever presses a key."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
from pathlib import Path

import pytest

from larix.cli import registry
from larix.cli.completing import answer, words_of_line

SCRIPTS = Path(registry.__file__).parent / "completions"


def offered(*words, **how):
    return [each.word for each in answer(["larix", *words], **how).candidates]


def test_commands_are_offered_with_what_they_are_for():
    found = answer(["larix", "in"]).candidates
    assert found == (("install", "install packages"),)
    assert set(registry.command_names()) <= set(offered(""))
    assert offered("--v") == ["--version"]
    assert set(offered("", explained=False)) == set(offered(""))


@pytest.mark.parametrize("name", registry.command_names())
def test_every_option_of_the_help_text_is_offered(name, larix):
    """What help shows and what a key shows are one table."""
    shown = set(
        re.findall(r"^ .{4} (--[a-z-]+)|^      (--[a-z-]+)", larix.succeed(name, "--help"), re.MULTILINE)
    )
    shown = {first or second for first, second in shown}
    assert shown == {word.rstrip("=") for word in offered(name, "--")}


def test_options_with_arguments_end_in_an_equals_sign():
    assert offered("build", "--fi") == ["--file="]
    assert offered("build", "--chec") == ["--check"]
    assert "-n" in offered("build", "-")


def test_hidden_options_are_offered_when_nothing_else_fits():
    assert "--with-input=" not in offered("build", "--")
    assert offered("build", "--with-in") == ["--with-input="]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("hash", "--format=ni"), ["--format=nix-base32"]),
        (("hash", "-f", "ni"), ["nix-base32"]),
        (("hash", "--serializer", "n"), ["none", "nar"]),
        (("build", "--sources="), ["--sources=package", "--sources=all", "--sources=transitive"]),
        (("lint", "-c", "name,syn"), ["name,synopsis"]),
        (("import", "py"), ["pypi"]),
        (("help", "inst"), ["install"]),
        (("build-systems", "gn"), ["gnu"]),
        (("graph", "-t", "reverse-b"), ["reverse-bag"]),
        (("completion", "f"), ["fish"]),
        (("container", ""), ["exec"]),
        (("pack", "-f", "docker"), ["docker"]),
        (("style", "-S", "format,arg"), ["format,arguments"]),
        (("build", "-v", ""), ["0", "1", "2", "3"]),
        (("hash", "--nosuch=x"), []),
    ],
)
def test_values(words, found):
    assert offered(*words) == found


@pytest.mark.parametrize(
    ("words", "kind", "prefix"),
    [
        (("hash", "x"), "files", ""),
        (("build", "--file=x"), "files", "--file="),
        (("build", "-f", ""), "files", ""),
        (("build", "-L", ""), "folders", ""),
        (("build", "./x"), "files", ""),
        (("gc", "--delete", "/"), "files", ""),
        (("shell", "--", "ls", ""), "files", ""),
        (("run", "hello", "--"), "files", ""),
        (("nosuch", ""), "files", ""),
        (("gc", "--free-space", ""), "words", ""),
    ],
)
def test_names_of_files_are_the_shells_own(words, kind, prefix):
    found = answer(["larix", *words])
    assert (found.kind, found.prefix, found.candidates) == (kind, prefix, ())


def test_packages_versions_and_outputs(reader):
    def ask(*words):
        return reader.succeed("completion", "--answer=fish", "--", "larix", *words).splitlines()

    assert ask("install", "alp") == ["words", "alpha"]
    assert ask("package", "-r", "x", "-i", "bet") == ["words", "beta"]
    assert ask("show", "alpha@") == ["words", "alpha@1.0\tSay alpha", "alpha@0.9\tSay alpha"]
    assert ask("build", "gamma:") == ["words", "gamma:out"]
    assert ask("build", "--with-input=al") == ["words", "--with-input=alpha="]
    assert ask("build", "--with-input=alpha=be") == ["words", "--with-input=alpha=beta"]
    assert ask("build", "--with-patch=alpha=") == ["files"]
    assert ask("show", "inner") == ["words"], "hidden packages are not offered"
    other = reader.folder / "other"
    other.mkdir()
    text = (reader.folder / "packages" / "small.py").read_text()
    (other / "more.py").write_text(text.replace('"alpha"', '"alphabet"'))
    assert set(ask("build", "-L", str(other), "alp")) == {"words", "alphabet", "alpha"}


def test_installed_packages_and_generations(larix, shelf):
    profile = str(larix.folder / "p")
    shelf.add(profile, "one", "two")
    shelf.add(profile, "one", "three")

    def ask(*words):
        text = larix.succeed("completion", "--answer=fish", "--", "larix", *words)
        return [line.partition("\t")[0] for line in text.splitlines()]

    assert ask("package", "-p", profile, "-r", "") == ["words", "one", "three"]
    assert ask("remove", f"--profile={profile}", "t") == ["words", "three"]
    assert ask("upgrade", f"-p{profile}", "o") == ["words", "one"]
    assert ask("package", "-p", profile, "-S", "") == ["words", "2", "1"]
    assert ask("package", "-p", profile, "--delete-generations=") == [
        "words",
        "--delete-generations=2",
        "--delete-generations=1",
    ]
    larix.succeed("package", "-p", profile, "--tag=1=works")
    assert ask("package", "-p", profile, "-S", "w") == ["words", "works"]
    assert ask("remove", "-p", "/nonexistent/p", "") == ["words"], "what is wrong gives no words and no error"


def test_extensions_are_offered_and_not_run(larix, tmp_path):
    folder = tmp_path / "extensions"
    folder.mkdir()
    (folder / "act.py").write_text(
        "SYNOPSIS = 'act'\ndef main(arguments):\n    print('acted')\n    return 0\n"
    )
    (folder / "tell.py").write_text(
        "from larix.cli.options import Grammar, Option\n"
        "GRAMMAR = Grammar('tell', 'tell FILE', 'Tell.', (('', (Option('loud', help='louder'),)),))\n"
        "def main(arguments):\n    return 0\n"
    )
    where = {"LARIX_EXTENSIONS_PATH": str(folder)}

    def ask(*words):
        return larix("completion", "--answer=fish", "--", "larix", *words, **where).stdout.splitlines()

    assert ask("ac") == ["words", "act\tact"]
    assert ask("act", "--") == ["files"]
    assert ask("tell", "--l") == ["words", "--loud\tlouder"]


def test_mistakes(larix):
    for words, told in [
        ([], "missing argument: no shell given"),
        (["fihs"], "fihs: unknown shell"),
        (["bash", "zsh"], "zsh: extraneous argument"),
    ]:
        done = larix("completion", *words)
        assert done.returncode == 1
        assert f"larix completion: error: {told}" in done.stderr
    assert "Did you mean `fish'?" in larix("completion", "fihs").stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("larix build ", ["larix", "build", ""]),
        ("larix  in", ["larix", "in"]),
        ("larix -f 'a b", ["larix", "-f", "a b"]),
        ('larix "a\\"b" c\\ d', ["larix", 'a"b', "c d"]),
        ("larix '' x", ["larix", "", "x"]),
        ("", [""]),
    ],
)
def test_a_line_is_cut_into_words_as_a_shell_does(line, words):
    assert words_of_line(line) == words


# Real shells: they run `larix` of a folder on PATH.


def programs(larix) -> str:
    """A PATH with a `larix` that answers shells, and tells all else that it is asked to do."""
    folder = larix.folder / "bin"
    folder.mkdir(exist_ok=True)
    file = folder / "larix"
    answer = f'exec {" ".join(larix.command())} "$@"'
    file.write_text(f'#!/bin/sh\nif [ "$1" = completion ]; then {answer}; fi\necho "run: $*"\n')
    file.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def in_bash(larix, line, **variables):
    """What bash would offer for the line, by the function that the script registers."""
    text = f"""
        source <(larix completion bash)
        COMP_LINE={line!r} COMP_POINT=${{#COMP_LINE}}
        compopt() {{ IFS=' ' eval 'echo "compopt $*"'; }}
        cur=${{COMP_LINE##*[ =:]}}
        _larix larix "$cur" ""
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = larix.environment | {"PATH": programs(larix)} | variables
    done = subprocess.run(
        ["bash", "--norc", "-c", text],
        env=environment,
        cwd=larix.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@needs_bash
def test_bash_gets_words_from_where_it_breaks_them(reader):
    assert in_bash(reader, "larix packa") == ["package"]
    assert in_bash(reader, "larix build --fil") == ["compopt -o nospace", "--file="]
    assert in_bash(reader, "larix hash --format=nix") == ["nix-base32"]
    assert in_bash(reader, "larix build --with-input=alpha=be") == ["beta"]
    assert in_bash(reader, "larix show alpha@0") == ["@0.9"]
    assert in_bash(reader, "larix hash x") == ["compopt -o default -o bashdefault -o filenames", ""]
    (reader.folder / "some-folder").mkdir()
    assert in_bash(reader, "larix build -L some") == ["compopt -o filenames", "some-folder"]
    assert in_bash(reader, "larix install nosuchpackage") == [""]


class Terminal:
    """A shell on a terminal of its own, to which keys are sent."""

    def __init__(self, command, environment, folder) -> None:
        self._primary, secondary = pty.openpty()
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command],
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            env=environment,
            cwd=folder,
            close_fds=True,
        )
        os.close(secondary)

    def send(self, keys: str) -> None:
        os.write(self._primary, keys.encode())

    def wait_for(self, pattern: str) -> str:
        """What is shown up to the pattern; the test's own patience is its only limit."""
        shown = ""
        while not re.search(pattern, shown):
            ready, _, _ = select.select([self._primary], [], [], 60)
            assert ready, f"waited in vain for {pattern!r}; shown is {shown!r}"
            shown += os.read(self._primary, 4096).decode("utf-8", "replace")
        return shown

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._primary)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "PS1='ready> '; source <(larix completion bash)"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "PS1='ready> '; autoload -Uz compinit; compinit -u -D; source =(larix completion zsh)",
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "function fish_prompt; echo 'ready> '; end; larix completion fish | source",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_a_key_in_a_real_shell_completes_words(shell, reader):
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    (reader.folder / "file-to-hash").write_text("x")
    command, setting = SHELLS[shell]
    environment = reader.environment | {"PATH": programs(reader), "TERM": "xterm"}
    terminal = Terminal(command, environment, reader.folder)
    try:
        terminal.send(f"{setting}; echo se''t\n")
        terminal.wait_for(r"set\r?\n")
        for typed, run in [
            ("packa\t", "package"),
            ("show gam\t", "show gamma"),
            ("show alpha@0\t", "show alpha@0.9"),
            ("build --with-input=alpha=alpha@0\t", "build --with-input=alpha=alpha@0.9"),
            ("hash --format=nix\t file-to-h\t", "hash --format=nix-base32 file-to-hash"),
            ("build --fi\tfile-to-h\t", "build --file=file-to-hash"),
        ]:
            terminal.send(f"larix {typed}\n")
            terminal.wait_for(f"run: {re.escape(run)}\r?\n")
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("shell", "command"),
    [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])],
)
def test_the_shell_itself_can_read_its_script(shell, command, larix):
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    file = larix.folder / "script"
    file.write_text(larix.succeed("completion", shell))
    done = subprocess.run([*command, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
