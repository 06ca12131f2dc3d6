"""Build users: a build that could not be started gives its user back, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.conftest import Workshop
from larix.builder.graph import load_graph
from larix.builder.interface import Job
from larix.builder.local import LocalBuilder
from larix.protocol import BuildOptions, BuildTarget, ignore_events


def job(workshop: Workshop) -> Job:
    lowered = workshop.script("thing", ": > $out")
    workshop.store.instantiate([lowered])
    node = load_graph(workshop.store, [BuildTarget(lowered.path)]).nodes[lowered.path]
    return Job(lowered.path, node.derivation, (), {})


def test_a_build_that_cannot_be_started_gives_its_user_back_once(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has build users")
    layout = workshop.store.layout
    builder = LocalBuilder(
        store_dir=layout.store_dir,
        state_dir=layout.state_dir,
        log_dir=layout.log_dir,
        options=BuildOptions(),
        sink=ignore_events,
    )

    def gone(*_: object) -> None:
        raise ConnectionError("the client has gone")

    monkeypatch.setattr(builder, "launch", gone)
    with pytest.raises(ConnectionError):
        builder.start(job(workshop), 0.0)
    assert builder._users is not None
    first, second = builder._users.acquire(), builder._users.acquire()
    assert first is not None
    assert second is not None
    assert first.uid != second.uid
    for user in (first, second):
        builder.give_back(user)
    builder.close()
    assert not os.listdir(Path(layout.state_dir) / "builds")
