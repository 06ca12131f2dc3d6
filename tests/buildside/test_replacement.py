import io
import os

import pytest

from larix.buildside.failure import BuildSideError
from larix.buildside.replacement import (
    atomic_replacement,
    copy_stream,
    set_file_time,
    switch_symlink,
    temporary_output_file,
)


def test_link_is_made_and_switched(tmp_path):
    link = tmp_path / "link"
    for target in ("first", "second"):
        switch_symlink(link, target)
        assert os.readlink(link) == target
    assert os.listdir(tmp_path) == ["link"]


def test_link_to_a_directory_is_switched_and_not_entered(tmp_path):
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("directory")
    switch_symlink(tmp_path / "link", "elsewhere")
    assert os.readlink(tmp_path / "link") == "elsewhere"
    assert os.listdir(tmp_path / "directory") == []


def test_leftover_of_a_killed_switch_is_no_hindrance(tmp_path):
    (tmp_path / "link.larix-new").symlink_to("half")
    switch_symlink(tmp_path / "link", "whole")
    assert os.listdir(tmp_path) == ["link"]


def test_what_is_no_link_is_not_replaced_by_one(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(BuildSideError, match="file` is there and no symbolic link"):
        switch_symlink(tmp_path / "file", "elsewhere")
    assert (tmp_path / "file").read_text() == "kept"


def test_file_is_replaced_by_what_was_written_with_its_mode(tmp_path):
    file = tmp_path / "file"
    file.write_text("hello\n")
    file.chmod(0o754)
    with atomic_replacement(file) as (old, new):
        new.write(old.read().upper())
        assert file.read_text() == "hello\n"
    assert file.read_text() == "HELLO\n"
    assert file.stat().st_mode & 0o777 == 0o754
    assert os.listdir(tmp_path) == ["file"]


def test_file_stays_when_the_block_raises(tmp_path):
    file = tmp_path / "file"
    file.write_text("hello\n")

    def write_half() -> None:
        with atomic_replacement(file) as (_, new):
            new.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert file.read_text() == "hello\n"
    assert os.listdir(tmp_path) == ["file"]


def test_temporary_file_is_gone_at_the_end_unless_it_was_moved(tmp_path):
    with temporary_output_file(tmp_path) as (name, stream), temporary_output_file(tmp_path) as (other, _):
        assert name != other
        stream.write(b"kept")
        stream.flush()
        os.rename(name, tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_times_are_those_of_another_file_or_status(tmp_path):
    for name in ("old", "new", "newer"):
        (tmp_path / name).write_text("")
    os.utime(tmp_path / "old", ns=(1_500, 2_500))
    set_file_time(tmp_path / "new", tmp_path / "old")
    set_file_time(tmp_path / "newer", (tmp_path / "old").stat())
    assert {(tmp_path / name).stat().st_mtime_ns for name in ("old", "new", "newer")} == {2_500}


def test_times_of_a_link_are_its_own(tmp_path):
    (tmp_path / "file").write_text("")
    before = (tmp_path / "file").stat().st_mtime_ns
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "old").write_text("")
    os.utime(tmp_path / "old", (7, 7))
    set_file_time(tmp_path / "link", tmp_path / "old")
    assert (tmp_path / "link").lstat().st_mtime == 7
    assert (tmp_path / "file").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("length", "expected"), [(None, b"0123456789"), (4, b"0123"), (99, b"0123456789"), (0, b"")]
)
def test_stream_is_copied_whole_or_in_part(length, expected):
    sink = io.BytesIO()
    assert copy_stream(io.BytesIO(b"0123456789"), sink, length=length, buffer=3) == len(expected)
    assert sink.getvalue() == expected
