"""A daemon for each test, beset by others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from daemons import running_daemon
from security.den import Den, needs_root


@pytest.fixture
def den() -> Iterator[Den]:
    needs_root()
    with running_daemon() as daemon:
        yield Den(daemon)
