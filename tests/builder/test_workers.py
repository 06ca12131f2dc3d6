"""Threads for what waits for the disk."""

from __future__ import annotations

import select
import threading

from larix.builder.workers import Workers


def finish_all(workers: Workers[int], count: int) -> dict[int, BaseException | None]:
    found: dict[int, BaseException | None] = {}
    while len(found) < count:
        select.select([workers.descriptor], [], [])
        found.update(workers.finished())
    return found


def test_each_item_is_done_once_and_told_with_what_it_raised() -> None:
    done: list[int] = []

    def action(number: int) -> None:
        done.append(number)
        if number % 3 == 0:
            raise ValueError(number)

    workers = Workers(action)
    for number in range(20):
        workers.submit(number)
    found = finish_all(workers, 20)
    assert sorted(done) == sorted(found) == list(range(20))
    assert [number for number, error in sorted(found.items()) if error is not None] == [
        0,
        3,
        6,
        9,
        12,
        15,
        18,
    ]
    assert workers.pending == 0
    assert workers.close() == []


def test_closing_waits_for_what_was_handed_in() -> None:
    gate = threading.Event()
    workers = Workers(lambda _: gate.wait())
    for number in range(6):
        workers.submit(number)
    gate.set()
    assert sorted(number for number, _ in workers.close()) == list(range(6))
    assert workers.close() == []


def test_owner_is_not_held_up() -> None:
    gate = threading.Event()
    workers = Workers(lambda _: gate.wait())
    workers.submit(1)
    assert workers.finished() == []
    assert workers.pending == 1
    gate.set()
    workers.close()
