import os
import shutil
import subprocess

import pytest

from larix.buildside.wrap_program import (
    WrapError,
    exactly,
    is_wrapped_program,
    prefix,
    suffix,
    wrap_program,
)

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")


@pytest.fixture
def program(tmp_path):
    file = tmp_path / "bin" / "show it"
    file.parent.mkdir()
    file.write_text('#!/bin/sh\necho "$GREET_PATH|$GREET_WORD|$#|$1"\n')
    file.chmod(0o755)
    return file


def run(program, *arguments, **environment):
    given = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run([program, *arguments], env=given, capture_output=True, text=True, check=True).stdout


def test_entries_come_before_or_after_what_is_set(program):
    wrap_program(program, prefix("GREET_PATH", ["/a b", "/it's"]), exactly("GREET_WORD", ["hi; ls"]))
    assert run(program) == "/a b:/it's|hi; ls|0|\n"
    assert run(program, GREET_PATH="/old", GREET_WORD="x") == "/a b:/it's:/old|hi; ls|0|\n"


def test_suffix_and_other_separators(program):
    wrap_program(program, suffix("GREET_PATH", ["/a", "/b"], separator=";"))
    assert run(program) == "/a;/b||0|\n"
    assert run(program, GREET_PATH="/x y") == "/x y;/a;/b||0|\n"


def test_arguments_reach_the_program_as_they_are(program):
    wrap_program(program, exactly("GREET_WORD", ["w"]))
    assert run(program, "a 'b' $c", "") == "|w|2|a 'b' $c\n"


def test_program_sees_the_name_it_was_called_by(tmp_path):
    """A shell tells its own name; a script could not, as the kernel gives it the name of the file."""
    shell = tmp_path / "sh"
    shutil.copy(os.path.realpath(shutil.which("bash") or ""), shell)
    wrap_program(shell, exactly("GREET_WORD", ["w"]))
    assert run(shell, "-c", "echo $0 $GREET_WORD") == f"{shell} w\n"


def test_wrapping_twice_adds_to_the_wrapper(program):
    wrap_program(program, prefix("GREET_PATH", ["/first"]))
    wrap_program(program, prefix("GREET_PATH", ["/second"]))
    assert run(program) == "/second:/first||0|\n"
    assert sorted(os.listdir(program.parent)) == [".show it-real", "show it"]


def test_real_program_is_known_as_such(program):
    assert not is_wrapped_program(program)
    real = wrap_program(program, exactly("GREET_WORD", ["w"]))
    assert is_wrapped_program(real)
    assert not is_wrapped_program(program)
    with pytest.raises(WrapError, match="is the real program behind a wrapper already"):
        wrap_program(real, exactly("GREET_WORD", ["w"]))


def test_shell_is_that_of_the_path_or_the_one_given(program, monkeypatch):
    wrap_program(program, exactly("GREET_WORD", ["w"]), shell="/given/bash")
    assert program.read_text().startswith("#!/given/bash\n")


@pytest.mark.parametrize(("kind", "mode"), [("missing", None), ("missing", 0o644)])
def test_what_is_no_program_is_told(tmp_path, kind, mode):
    file = tmp_path / "file"
    if mode is not None:
        file.write_text("")
        file.chmod(mode)
    with pytest.raises(WrapError, match=r"cannot wrap `.*/file`: it is no program") as caught:
        wrap_program(file, exactly("GREET_WORD", ["w"]))
    assert (caught.value.kind, caught.value.program) == (kind, str(file))


def test_missing_shell_and_settings_are_told(program, monkeypatch):
    with pytest.raises(WrapError, match="no settings are given"):
        wrap_program(program)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(WrapError, match="there is no bash in PATH"):
        wrap_program(program, exactly("GREET_WORD", ["w"]))
    assert os.listdir(program.parent) == ["show it"]


def test_one_entry_alone_is_not_a_list_of_letters(program):
    wrap_program(
        program, prefix("GREET_PATH", "/abc"), suffix("GREET_PATH", "/d"), exactly("GREET_WORD", "hi")
    )
    assert run(program) == "/abc:/d|hi|0|\n"


@pytest.mark.parametrize("entries", [[], [""], ""])
def test_what_has_no_entries_leaves_the_variable_alone(program, entries):
    """An empty entry of PATH is the current directory."""
    wrap_program(program, prefix("GREET_PATH", entries), suffix("GREET_PATH", entries))
    assert run(program) == "||0|\n"
    assert run(program, GREET_PATH="/old") == "/old||0|\n"
    assert prefix("PATH", ["", "/a"]) == prefix("PATH", ["/a"])
