import subprocess
import sys

import pytest

from larix.buildside.compiler_wrapper import wrap_compilers
from larix.buildside.failure import BuildSideError


@pytest.fixture
def tools(tmp_path):
    """A compiler that prints its arguments, and a file that is none."""
    folder = tmp_path / "tools" / "bin"
    folder.mkdir(parents=True)
    compiler = folder / "gcc"
    compiler.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\n")
    compiler.chmod(0o755)
    (folder / "g++").write_text("not executable")
    (folder / "ld").symlink_to(compiler)
    return tmp_path / "tools"


def test_flags_come_last_and_words_stay_whole(tools, tmp_path):
    assert wrap_compilers(tmp_path / "out", [tmp_path, tools], ["-march=x y"], "/bin/sh") == ["gcc"]
    done = subprocess.run(
        [tmp_path / "out" / "bin" / "gcc", "-O2", "a b", ""], capture_output=True, check=True, text=True
    )
    assert done.stdout == "['-O2', 'a b', '', '-march=x y']\n"
    assert [each.name for each in (tmp_path / "out" / "bin").iterdir()] == ["gcc"]


def test_the_first_of_several_is_wrapped(tools, tmp_path):
    other = tmp_path / "other" / "bin"
    other.mkdir(parents=True)
    (other / "gcc").symlink_to("/bin/true")
    wrap_compilers(tmp_path / "out", [tmp_path / "other", tools], [], "/bin/sh")
    assert f"exec {other}/gcc" in (tmp_path / "out" / "bin" / "gcc").read_text()


def test_a_toolchain_without_compilers_is_told(tmp_path):
    with pytest.raises(BuildSideError, match="has no compiler"):
        wrap_compilers(tmp_path / "out", [tmp_path], [], "/bin/sh")
