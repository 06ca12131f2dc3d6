"""The daemon's log: who built what and how it ended, who collected, all with the time."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest

from daemon.conftest import shell_build
from daemons import Daemon, running_daemon
from larix.errors import LarixError
from larix.protocol import BuildLog, BuildOptions, BuildTarget, Event

pytestmark = pytest.mark.slow

TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} larix daemon: "
SESSION = TIME + r"session \d+ of \S+ \(uid \d+\): "


def work(daemon: Daemon) -> tuple[str, str]:
    """A build that goes well, one that does not, and a collection."""
    with daemon.store() as store:
        good = shell_build(store.store_dir, "good", "echo > $out")
        bad = shell_build(store.store_dir, "bad", "exit 3")
        store.instantiate([good, bad])
        store.realise([BuildTarget(good.path)], BuildOptions())
        with pytest.raises(LarixError):
            store.realise([BuildTarget(bad.path)], BuildOptions())
    with daemon.store() as store:
        store.collect(1)
        store.collect(2)
    return good.path, bad.path


def test_work_is_told_with_its_user_and_its_time() -> None:
    with running_daemon() as daemon:
        good, bad = work(daemon)
        lines = daemon.log().splitlines()
        for wanted in (
            rf"building {good}",
            rf"built {good} after \d+\.\d s",
            rf"building {bad}",
            rf"failed {bad} after \d+\.\d s: .*exit code 3.*",
            r"collected \d+ items, \d+ bytes freed",
        ):
            assert sum(bool(re.fullmatch(SESSION + wanted, line)) for line in lines) == 1, (wanted, lines)
        assert [line for line in lines if not re.match(TIME, line)] == []


def test_collections_of_its_own_are_told_with_the_time() -> None:
    with running_daemon(settings='min-free = "1000TiB"\n') as daemon:
        with daemon.store() as store:
            store.add_text("a", b"b")
        lines = [line for line in daemon.log().splitlines() if "collecting garbage" in line]
        assert lines
        assert all(re.match(SESSION, line) for line in lines)


def test_what_is_given_up_is_told() -> None:
    with running_daemon() as daemon:
        with daemon.store() as store:
            lowered = shell_build(store.store_dir, "endless", "echo started; kill -STOP $$")
            store.instantiate([lowered])
            child = os.fork()
            if not child:
                os._exit(_leave(daemon, lowered.path))
            assert os.waitpid(child, 0)[1] == 0
        while "gave up" not in daemon.log():
            assert daemon.process.poll() is None
        assert re.search(SESSION + rf"gave up {lowered.path} after \d+\.\d s", daemon.log())


def _leave(daemon: Daemon, drv: str) -> int:
    def leave(event: Event) -> None:
        if isinstance(event, BuildLog):
            os._exit(0)

    realise: Callable[..., object] = daemon.store().realise
    realise([BuildTarget(drv)], BuildOptions(), leave)  # type: ignore[arg-type]
    return 1


def test_nothing_is_told_to_who_wants_quiet() -> None:
    with running_daemon("--quiet", settings='min-free = "1000TiB"\n') as daemon:
        work(daemon)
        assert daemon.log() == ""
