"""The time that builds take is the session's, as `time larix build` and accounting understand it."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from builder.conftest import Workshop


def seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.slow
def test_time_of_a_build_counts_as_time_of_the_session(workshop: Workshop) -> None:
    """Nobody else waits for the builder: were it left to the kernel, its time would be nobody's."""
    busy = workshop.script("busy", "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; times > $out")
    before = seconds_of_children()
    workshop.build(busy)
    own = Path(busy.output_path()).read_text().split()[0]  # minutes and seconds, such as 0m0.250s
    minutes, _, seconds = own.rstrip("s").partition("m")
    taken = int(minutes) * 60 + float(seconds)
    assert taken > 0
    assert seconds_of_children() - before > taken * 0.9
