"""Builds must not differ by how larix was started: from a terminal, by `nohup`, in the background."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.conftest import Workshop

OF_THE_LIBC = 0b11 << 31  # signals 32 and 33, of which no program may say anything


def test_signals_ignored_or_blocked_outside_are_as_new_in_a_build(workshop: Workshop) -> None:
    """A background job of a shell ignores interrupts; test suites that send themselves one then fail."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        text = workshop.output("grep -E '^Sig(Ign|Blk):' /proc/self/status")
    finally:
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    _, blocked_inside, _, ignored_inside = text.split()
    assert int(blocked_inside, 16) == 0
    assert int(ignored_inside, 16) & ~OF_THE_LIBC == 0
