"""Builds must not differ by how larix was started: from a terminal, by `nohup`, in the background."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.conftest import Workshop


def test_signals_ignored_or_blocked_outside_are_as_new_in_a_build(workshop: Workshop) -> None:
    """A background job of a shell ignores interrupts; test suites that send themselves one then fail."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        text = workshop.output("grep -E '^Sig(Ign|Blk):' /proc/self/status")
    finally:
        signal.signal(signal.SIGINT, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    assert text.split() == ["SigBlk:", "0" * 16, "SigIgn:", "0" * 16]
