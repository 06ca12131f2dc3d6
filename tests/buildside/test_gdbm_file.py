from __future__ import annotations

import json
import subprocess
import sys

import pytest

from larix.buildside.gdbm_file import gdbm_file

READER = """
import dbm.gnu, json, sys
database = dbm.gnu.open(sys.argv[1], "r")
found, key = {}, database.firstkey()
while key is not None:
    found[key.hex()] = database[key].hex()
    key = database.nextkey(key)
json.dump(found, sys.stdout)
"""


def read_by_gdbm(file):
    """All entries, as the library itself reads them."""
    for python in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run([python, "-c", READER, file], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return {
                bytes.fromhex(key): bytes.fromhex(value) for key, value in json.loads(done.stdout).items()
            }
        if "_gdbm" not in done.stderr:
            raise AssertionError(done.stderr)
    pytest.skip("no Python here has GNU dbm (Debian: python3-gdbm)")


@pytest.mark.parametrize("count", [0, 1, 166, 167, 3000])
def test_the_library_reads_what_is_written(tmp_path, count):
    entries = {f"key {number}\0".encode(): bytes([number % 256]) * (number % 50) for number in range(count)}
    entries[b"\xff\xfe"] = b"no text"
    (tmp_path / "file.db").write_bytes(gdbm_file(entries))
    assert read_by_gdbm(tmp_path / "file.db") == entries


def test_a_directory_of_more_than_one_block_is_written(tmp_path):
    """So many keys fill more buckets than the smallest directory has places."""
    entries = {f"{number}".encode(): b"" for number in range(120_000)}
    data = gdbm_file(entries)
    assert int.from_bytes(data[20:24], "little") > 9
    (tmp_path / "file.db").write_bytes(data)
    assert len(read_by_gdbm(tmp_path / "file.db")) == 120_000


def test_the_same_entries_give_the_same_bytes():
    entries = {f"{number}".encode(): b"x" for number in range(500)}
    assert gdbm_file(entries) == gdbm_file(dict(reversed(entries.items())))
