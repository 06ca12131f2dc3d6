"""What failed is remembered where the operator wants it, told to clients, and forgotten on demand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.conftest import shell_build
from daemons import Daemon, running_daemon
from larix.client.connection import Connection
from larix.client.transport import connect
from larix.derivation import Lowered
from larix.errors import LarixError
from larix.protocol import BuildOptions, BuildStarted, BuildTarget, Event
from larix.protocol.dialect import GUIX_VERSION

pytestmark = pytest.mark.slow


def tries(daemon: Daemon, lowered: Lowered) -> tuple[int, LarixError | None]:
    """How often something was built, and what was said in the end."""
    events: list[Event] = []
    with daemon.store() as store:
        store.instantiate([lowered])
        try:
            store.realise([BuildTarget(lowered.path)], BuildOptions(), events.append)
        except LarixError as error:
            return sum(isinstance(event, BuildStarted) for event in events), error
    return sum(isinstance(event, BuildStarted) for event in events), None


def broken(daemon: Daemon, script: str = "echo about to fail; exit 3") -> Lowered:
    return shell_build(daemon.layout.store_dir, "broken", script)


def test_what_failed_is_not_tried_again_until_it_is_cleared(larix_in) -> None:
    with running_daemon("--cache-failures") as daemon:
        lowered = broken(daemon)
        assert tries(daemon, lowered)[0] == 1
        count, error = tries(daemon, lowered)
        assert count == 0
        assert error is not None
        assert (error.exit_code, "is not tried again" in str(error)) == (100, True)
        larix = larix_in(daemon.folder, Path(daemon.layout.store_dir), Path(daemon.layout.state_dir))
        larix.environment["LARIX_DAEMON_SOCKET"] = daemon.socket
        assert larix.succeed("gc", "--list-failures").split() == [lowered.output_path()]
        with Connection(
            connect(daemon.guix_socket), daemon.layout.store_dir, version=GUIX_VERSION
        ) as connection:
            assert connection.call("query_failed_paths") == (lowered.output_path(),)
        larix.succeed("gc", "--clear-failures", lowered.output_path())
        assert larix.succeed("gc", "--list-failures") == ""
        assert tries(daemon, lowered)[0] == 1
        assert "is known to have failed" not in larix("gc", "--clear-failures").stderr
        assert tries(daemon, lowered)[0] == 1
    again = f"larix gc --clear-failures {lowered.output_path()}"
    assert error.hint is not None
    assert again in error.hint


def test_nothing_is_remembered_by_default() -> None:
    with running_daemon() as daemon:
        lowered = broken(daemon)
        assert [tries(daemon, lowered)[0] for _ in range(2)] == [1, 1]
        with daemon.store() as store:
            assert store.failed_paths() == ()
            store.clear_failed_paths([lowered.output_path()])


@pytest.mark.parametrize("script", ["kill -9 $$", "while :; do :; done"])
def test_what_might_succeed_the_next_time_is_tried_again(script: str) -> None:
    with running_daemon("--timeout=1", settings="cache-failures = true") as daemon:
        lowered = broken(daemon, script)
        assert [tries(daemon, lowered)[0] for _ in range(2)] == [1, 1]


def test_what_needs_a_failure_is_not_built(builder) -> None:
    """Without a daemon, too; and a path of which nothing is known is told."""
    configuration = builder.folder / "etc"
    os.makedirs(configuration, exist_ok=True)
    (configuration / "daemon.toml").write_text("cache-failures = true\n")
    builder.environment["LARIX_CONFIGURATION_DIRECTORY"] = str(configuration)
    first = builder("build", "broken")
    assert (first.returncode, "about to fail" in first.stderr) == (100, True)
    second = builder("build", "broken")
    assert (second.returncode, "about to fail" in second.stderr) == (100, False)
    [output] = builder.succeed("gc", "--list-failures").split()
    alpha = builder.succeed("build", "alpha").strip()
    assert "is known to have failed" in builder("gc", "--clear-failures", alpha).stderr
    assert builder.succeed("gc", "--list-failures").split() == [output]
