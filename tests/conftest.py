"""What holds for every test.

Hypothesis takes the same examples on every run, and no clock; `--hypothesis-profile deep` looks further.

An interrupt counts, and so does a hang-up: a shell starts its background jobs with the one ignored, `nohup`
what it runs with the other. Every process started by a test would inherit that, and those that are to be
ended by a signal would never end.

Programs speak English, whatever the language of who runs the tests.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sessions import cloned

settings.register_profile(
    "default", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "deep", deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("default")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

os.environ.pop("LANGUAGE", None)
os.environ["LC_ALL"] = "C.UTF-8"


@pytest.fixture(scope="session")
def clone() -> Iterator[Path]:
    """A clean clone, shared by all documents that are followed: the seed in its store is made once."""
    yield from cloned()
