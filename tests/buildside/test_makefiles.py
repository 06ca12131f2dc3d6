import os

import pytest

from larix.buildside.failure import BuildSideError
from larix.buildside.file_errors import MissingFile
from larix.buildside.makefiles import patch_makefile_shell, patch_usr_bin_file


@pytest.fixture
def programs(tmp_path, monkeypatch):
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("bash", "sh", "file"):
        (directory / name).write_text("#!\n")
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))
    return directory


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("SHELL = /bin/sh\n", "SHELL = @/sh\n"),
        ("SHELL=/usr/local/bin/bash -e\n", "SHELL=@/bash -e\n"),
        ("export SHELL := /bin/bash\n", "export SHELL := @/bash\n"),
        ("SHELL ?= /bin/sh\n", "SHELL ?= @/sh\n"),
        ("SHELL = @SHELL@\n", None),
        ("MY_SHELL = /bin/sh\n", None),
        ("\techo SHELL = /bin/sh\n", None),
        ("SHELL = sh\n", None),
    ],
)
def test_shell_of_a_makefile_is_that_of_the_path(tmp_path, programs, line, expected):
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"all:\n{line}\xe9".encode("latin-1").decode("latin-1"))
    os.utime(makefile, (5, 5))
    assert patch_makefile_shell(makefile) == (expected is not None)
    assert (expected or line).replace("@/", f"{programs}/") in makefile.read_text()
    assert makefile.stat().st_mtime == 5


def test_shell_that_the_path_lacks_is_told(tmp_path, programs):
    makefile = tmp_path / "Makefile"
    makefile.write_text("SHELL = /bin/ksh\n")
    with pytest.raises(BuildSideError, match=r"Makefile: SHELL is `ksh`, which is not in PATH"):
        patch_makefile_shell(makefile)


def test_scripts_call_file_where_it_is(tmp_path, programs):
    for name, text in (("configure", "x=`/usr/bin/file -b y`\n"), ("other", "/usr/bin/filename\n")):
        (tmp_path / name).write_text(text)
    assert patch_usr_bin_file([tmp_path / "configure", tmp_path / "other"]) == 1
    assert (tmp_path / "configure").read_text() == f"x=`{programs}/file -b y`\n"
    assert (tmp_path / "other").read_text() == "/usr/bin/filename\n"
    (tmp_path / "configure").write_text("/usr/bin/file\n")
    assert patch_usr_bin_file([tmp_path / "configure"], "/given/file") == 1
    assert (tmp_path / "configure").read_text() == "/given/file\n"


def test_without_the_program_scripts_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "configure").write_text("/usr/bin/file\n")
    assert patch_usr_bin_file([tmp_path / "configure"]) == 0
    assert (tmp_path / "configure").read_text() == "/usr/bin/file\n"


def test_one_file_alone_is_not_a_list_of_letters(tmp_path, programs):
    (tmp_path / "configure").write_text("/usr/bin/file\n")
    assert patch_usr_bin_file(str(tmp_path / "configure")) == 1


def test_makefile_that_is_not_there_is_told(tmp_path):
    with pytest.raises(MissingFile, match=r"patch_makefile_shell: `.*/Makefile`: No such file or directory"):
        patch_makefile_shell(tmp_path / "Makefile")
