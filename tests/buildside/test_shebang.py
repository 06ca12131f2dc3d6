import os
import stat
from pathlib import Path

import pytest

from larix.buildside.file_errors import MissingFile
from larix.buildside.shebang import patch_shebang, patch_shebangs


@pytest.fixture
def path(tmp_path: Path):
    directory = tmp_path / "bash" / "bin"
    directory.mkdir(parents=True)
    for name in ("sh", "python3", "perl5.36"):
        (directory / name).write_text("")
        (directory / name).chmod(0o755)
    (directory / "data").write_text("")
    return directory


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("#!/bin/sh\necho\n", "#!{}/sh\necho\n"),
        ("#! /bin/sh -e\necho\n", "#!{}/sh -e\necho\n"),
        ("#!/usr/bin/env python3\n", "#!{}/python3\n"),
        ("#!/usr/bin/env -S python3 -I\n", "#!{}/python3 -I\n"),
        ("#!/usr/local/bin/perl5.36 -w", "#!{}/perl5.36 -w"),
        ("#!/bin/sh", "#!{}/sh"),
    ],
)
def test_interpreter_becomes_the_one_on_the_path(tmp_path: Path, path: Path, before, after):
    script = tmp_path / "script"
    script.write_text(before)
    assert patch_shebang(script, [path])
    assert script.read_text() == after.format(path)
    assert not patch_shebang(script, [path])


@pytest.mark.parametrize(
    "text", ["#!/bin/ruby\n", "#!/usr/bin/env data\n", "#!sh\n", "# !/bin/sh\n", "", "#!", "#! \n", "plain\n"]
)
def test_other_files_stay_as_they_are(tmp_path: Path, path: Path, text):
    script = tmp_path / "script"
    script.write_text(text)
    assert not patch_shebang(script, [path])
    assert script.read_text() == text


def test_unknown_interpreter_is_told_in_the_log(tmp_path: Path, path: Path, capsys):
    script = tmp_path / "script"
    script.write_text("#!/bin/ruby\n")
    patch_shebang(script, [path])
    assert "`ruby` is not among the inputs" in capsys.readouterr().out


def test_time_and_mode_are_kept_and_the_rest_of_the_file_too(tmp_path: Path, path: Path):
    script = tmp_path / "configure"
    body = b"\0\xff\r\n" * 3000
    script.write_bytes(b"#!/bin/sh\n" + body)
    script.chmod(0o555)
    os.utime(script, ns=(5, 12345678901))
    assert patch_shebang(script, [path])
    status = script.stat()
    assert (status.st_mtime_ns, stat.S_IMODE(status.st_mode)) == (12345678901, 0o555)
    assert script.read_bytes() == b"#!%s/sh\n" % os.fsencode(path) + body


def test_links_and_directories_are_left_alone(tmp_path: Path, path: Path):
    (tmp_path / "real").write_text("#!/bin/sh\n")
    (tmp_path / "link").symlink_to("real")
    assert not patch_shebang(tmp_path / "link", [path])
    assert not patch_shebang(tmp_path, [path])


def test_script_that_already_names_a_store_program_is_done(tmp_path: Path, path: Path, monkeypatch):
    other = tmp_path / "other" / "bin"
    other.mkdir(parents=True)
    (other / "sh").write_text("")
    (other / "sh").chmod(0o755)
    script = tmp_path / "script"
    script.write_text(f"#!{path}/sh\n")
    monkeypatch.setenv("LARIX_STORE", str(tmp_path))
    assert not patch_shebang(script, [other])
    monkeypatch.setenv("LARIX_STORE", "/larix/store")
    assert patch_shebang(script, [other])


def test_all_of_several_scripts_are_patched_and_counted(tmp_path: Path, path: Path):
    for name, text in (("a", "#!/bin/sh\n"), ("b", "#!/usr/bin/env python3\n"), ("c", "text\n")):
        (tmp_path / name).write_text(text)
    assert patch_shebangs([tmp_path / name for name in "abc"], iter([path])) == 2
    assert (tmp_path / "a").read_text() == f"#!{path}/sh\n"
    assert (tmp_path / "b").read_text() == f"#!{path}/python3\n"
    assert patch_shebangs([tmp_path / name for name in "abc"], [path]) == 0


def test_one_script_and_one_directory_alone_are_not_lists_of_letters(tmp_path: Path, path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("py").write_text("#!/usr/bin/env python3\n")
    assert patch_shebangs("py", str(path)) == 1
    with pytest.raises(MissingFile, match=r"patch_shebang: `none`, in .*: No such file or directory"):
        patch_shebangs("none")
