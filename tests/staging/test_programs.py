import os
import subprocess
import sys

import pytest

from larix.buildside.files import which
from larix.staging import LoweringError, StagingError, file_union, mixed_text, plain_text, program_file
from larix.staging.places import translate


def build(item, tmp_path):
    """Run the builder of a derivation on the host, where only Python's own modules are needed."""
    lowered = item.origin
    [program] = [each for each in lowered.sources if each.name.endswith("-builder")]
    file = tmp_path / f"{lowered.name}-builder"
    file.write_bytes(program.content.contents)
    output = tmp_path / f"{lowered.name}-out"
    flags = [each.decode() for each in lowered.derivation.args[:-1]]
    subprocess.run([sys.executable, *flags, file], env={"out": str(output)}, check=True)
    return output


def test_a_program_runs_its_function_and_ends_with_what_it_returns(lowering, made, tmp_path):
    greeting, shell = "héllo", made("bash")

    def main(*, status: int) -> int:
        print(greeting, shell)
        return status

    program = program_file("greet", main, arguments={"status": 3})
    item = lowering.lower(program)
    file = build(item, tmp_path)
    python = lowering.lower(lowering.python.package).path
    lines = file.read_text().split("\n")
    assert lines[0] == f"#!{python}/bin/python3 -ISB"
    assert os.access(file, os.X_OK)
    assert {each.name for each, _ in item.origin.inputs} == {"python", "bash"}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-ISB", file], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (3, f"{greeting} {shell.output_path()}\n")


def test_a_program_brings_its_modules(lowering):
    def main() -> None:
        print(which("sh"))

    item = lowering.lower(program_file("find-shell", main))
    assert "module-import-compiled" in {each.name for each, _ in item.origin.inputs}


def test_an_error_in_a_program_is_told_in_its_function(lowering, tmp_path):
    def main() -> None:
        raise ValueError("no")

    item = lowering.lower(program_file("fail", main))
    file = build(item, tmp_path)
    done = subprocess.run([sys.executable, file], capture_output=True, check=False)
    text = done.stderr.replace(os.fsencode(file), item.path.encode())
    line = main.__code__.co_firstlineno + 1
    assert f'File "{__file__}", line {line}, in main'.encode() in translate(text)


def test_a_program_is_not_given_what_builds_are(lowering):
    def main(output) -> None:
        print(output)

    with pytest.raises(StagingError, match="nothing is given for parameter `output`"):
        lowering.lower(program_file("x", main))


def test_a_program_whose_first_line_linux_would_cut_is_refused(lowering):
    lowering.python = lowering.python._replace(file="bin/" + "p" * 250)
    with pytest.raises(LoweringError, match="first line"):
        lowering.lower(program_file("x", say))


def say() -> None:
    print("x")


def test_a_text_of_pieces(lowering, made, tmp_path):
    shell = made("bash")
    motd = plain_text("motd", "x")
    item = lowering.lower(mixed_text("profile", "SHELL=", shell, "\n", motd / "é", "'\\\n"))
    assert build(item, tmp_path).read_text() == (
        f"SHELL={shell.output_path()}\n{lowering.lower(motd).path}/é'\\\n"
    )
    assert "bash" in {each.name for each, _ in item.origin.inputs}
    with pytest.raises(StagingError, match="neither text nor"):
        mixed_text("x", 3)


def test_a_union_of_files(lowering, made, tmp_path):
    shell = made("bash")
    item = lowering.lower(file_union("etc", {"bin/sh": shell, "motd": plain_text("motd", "x")}))
    output = build(item, tmp_path)
    assert os.readlink(output / "bin" / "sh") == shell.output_path()
    assert os.readlink(output / "motd").endswith("-motd")
    for name in ("", "/x", "a/../../b"):
        with pytest.raises(StagingError, match="no relative file name"):
            file_union("etc", {name: shell})
