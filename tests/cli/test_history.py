"""How long builds took: a file that many processes add to, and that may be anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from larix.cli import history as module
from larix.cli.history import History, open_history


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cache" / "build-times"


def test_what_was_recorded_is_expected(file):
    history = History(str(file))
    assert history.expected("hello-2.10") is None
    for seconds in (10, 30, 20):
        history.record("hello-2.10", seconds)
    for again in (history, History(str(file))):
        assert again.expected("hello-2.10") == 20
        assert again.expected("hello-2.12") == 20, "another version is a guess"
        assert again.expected("hello-world-1") is None
    assert file.read_text() == "hello-2.10 10.0\nhello-2.10 30.0\nhello-2.10 20.0\n"


def test_the_latest_times_count(file):
    history = History(str(file))
    for seconds in (1, 1, 1, 100, 100):
        history.record("a-1", seconds)
    assert History(str(file)).expected("a-1") == 100


@pytest.mark.parametrize(
    "damage", [b"", b"\x00" * 100, b"a-1 x\na-1\n a-1 3\n", b"a-1 99999999999\n", b"\xff\xfe a-1 3.0"]
)
def test_a_damaged_file_is_no_error(file, damage):
    file.parent.mkdir()
    file.write_bytes(damage + b"\nb-1 5.0\nc-1 4")
    history = History(str(file))
    assert history.expected("a-1") is None
    assert history.expected("b-1") == 5
    assert history.expected("c-1") is None, "a line that was not written to its end"


def test_names_that_are_none_and_files_that_cannot_be_written_cost_nothing(file):
    file.parent.write_text("in the way")
    history = History(str(file))
    history.record("a-1", 3)
    assert history.expected("a-1") == 3
    history.record("no name\n", 3)
    history.record("é", 3)


def test_a_long_file_is_written_anew(file, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST", 1000)
    history = History(str(file))
    for number in range(100):
        history.record("a-1", number)
        history.record("b-1", 7)
    assert file.stat().st_size > 1000
    history = History(str(file))
    assert file.read_text() == "a-1 97.0\na-1 98.0\na-1 99.0\nb-1 7.0\nb-1 7.0\nb-1 7.0\n"
    assert history.expected("a-1") == 98


@pytest.mark.slow
def test_several_processes_can_add_at_a_time(file):
    source = str(Path(module.__file__).parents[2])
    code = (
        f"import sys; sys.path.insert(0, {source!r}); from larix.cli.history import History\n"
        f"h = History({str(file)!r})\nfor n in range(200): h.record('a-' + sys.argv[1], n)"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(number)]) for number in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    lines = file.read_text().splitlines()
    assert len(lines) == 800
    assert {line.split()[0] for line in lines} == {"a-0", "a-1", "a-2", "a-3"}


def test_it_is_kept_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    open_history().record("a-1", 2)
    assert (tmp_path / "larix" / "build-times").read_text() == "a-1 2.0\n"
