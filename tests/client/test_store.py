"""`larix.client`: the store of a daemon is a store like any other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from daemons import Daemon, running_daemon
from larix.client.store import DaemonStore
from larix.testing.store_conformance import StoreConformance

pytestmark = pytest.mark.slow


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon() as started:
        yield started


class TestDaemonStore(StoreConformance):
    """With what larix adds to the protocol."""

    @pytest.fixture
    def store(self, daemon: Daemon) -> Iterator[DaemonStore]:
        with daemon.store() as opened:
            yield opened


class TestOlderDaemonStore(StoreConformance):
    """As Nix 2.8 speaks: a derivation at a time."""

    @pytest.fixture
    def store(self, daemon: Daemon) -> Iterator[DaemonStore]:
        with daemon.store(0x122) as opened:
            yield opened


class TestOldDaemonStore(StoreConformance):
    """Before frames."""

    @pytest.fixture
    def store(self, daemon: Daemon) -> Iterator[DaemonStore]:
        with daemon.store(0x115) as opened:
            yield opened
