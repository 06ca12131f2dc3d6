from __future__ import annotations

import pytest

from larix.errors import LarixError
from larix.formats.hashes import hash_bytes
from larix.formats.storepath import StorePath
from larix.protocol import BuildOptions, BuildTarget, PathInfo, PathNotValid, StoreError, ignore_events
from larix.protocol.events import BuildLog, BuildPhase

DRV = StorePath("/larix/store/0mdqa9w1p6cmli6976v4wi0sw9r4p5pr-x.drv")


def test_a_target_is_written_as_the_protocol_writes_it() -> None:
    assert str(BuildTarget(DRV)) == f"{DRV}!*"
    assert str(BuildTarget(DRV, ("out", "dev"))) == f"{DRV}!out,dev"


def test_records_are_values() -> None:
    info = PathInfo(DRV, hash_bytes(b""), 0)
    assert info == PathInfo(DRV, hash_bytes(b""), 0)
    assert len({info, info._replace(ultimate=True)}) == 2
    assert BuildOptions()._replace(keep_going=True).keep_going
    with pytest.raises(AttributeError):
        info.nar_size = 1  # type: ignore[misc]


def test_builds_are_isolated_unless_asked_otherwise() -> None:
    options = BuildOptions()
    assert options.sandbox
    assert (options.timeout, options.max_silent_time, options.cores) == (0, 0, 0)


def test_an_invalid_path_is_an_error_a_user_can_read() -> None:
    error = PathNotValid(DRV)
    assert isinstance(error, StoreError)
    assert isinstance(error, LarixError)
    assert str(error) == f"path `{DRV}` is not valid in this store"
    assert error.path == DRV


def test_nobody_need_watch() -> None:
    for event in (BuildLog(DRV, b"line"), BuildPhase(DRV, "check", 1.5)):
        ignore_events(event)
