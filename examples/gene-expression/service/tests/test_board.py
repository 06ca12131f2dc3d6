from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gene_expression.board import Answer, Board, Job
from gene_expression.worker import work

if TYPE_CHECKING:
    import redis

    from gene_expression.dataset import Dataset

JOB = Job("P1", "digest", {"A": 1.0, "B": 2.0})


def test_a_question_asked_twice_is_one_job(board: Board, client: redis.Redis) -> None:
    assert board.ask(JOB).state == "waiting"
    assert board.ask(Job("another name", "digest", {"B": 2.0, "A": 1.0})).state == "waiting"
    assert client.llen("queue") == 1


def test_a_job_is_taken_and_answered_once(board: Board, client: redis.Redis) -> None:
    board.ask(JOB)
    assert board.take(seconds=1) == JOB
    assert board.answer(JOB.key) == Answer("running")
    board.finish(JOB, Answer("done", [1, 2]))
    assert board.ask(JOB) == Answer("done", [1, 2])
    assert client.llen("working") == client.llen("queue") == 0


def test_what_a_dead_worker_was_at_waits_again(board: Board) -> None:
    board.ask(JOB)
    assert board.take(seconds=1) == JOB
    assert board.take_back() == 1
    assert board.take(seconds=1) == JOB


def test_a_failure_is_told_and_forgotten_after_a_while(board: Board, client: redis.Redis) -> None:
    board.ask(JOB)
    taken = board.take(seconds=1)
    assert taken is not None
    board.finish(taken, Answer("failed", "no reason"))
    assert board.answer(JOB.key) == Answer("failed", "no reason")
    assert 0 < client.ttl(f"state:{JOB.key}") <= 60


def test_an_answer_that_redis_dropped_is_asked_for_anew(board: Board, client: redis.Redis) -> None:
    board.ask(JOB)
    assert board.take(seconds=1) == JOB
    board.finish(JOB, Answer("done", []))
    client.delete(f"answer:{JOB.key}")
    assert board.ask(JOB).state == "waiting"


def test_uploaded_traits_come_back(board: Board) -> None:
    name = board.add_trait("weight", {"B": 2.0, "A": 1.0})
    assert board.add_trait("weight", {"A": 1.0, "B": 2.0}) == name
    assert board.uploaded(name) == ("weight", {"A": 1.0, "B": 2.0})
    assert board.uploaded("unone") is None


def test_a_worker_answers_by_gemma_and_keeps_the_relatedness(board: Board, dataset: Dataset) -> None:
    pairs = zip(dataset.strains, dataset.expression[3].tolist(), strict=True)
    job = Job("P0004", dataset.digest, {strain: value for strain, value in pairs if not math.isnan(value)})
    board.ask(job)
    assert work(board, dataset, seconds=1)
    answer = board.answer(job.key)
    assert answer is not None
    assert answer.state == "done"
    assert {"marker", "chromosome", "megabases", "effect", "p", "score"} <= set(answer.content[0])
    assert board.kept(f"relatedness:{dataset.digest}")


def test_a_worker_refuses_other_data_and_survives_it(board: Board, dataset: Dataset) -> None:
    board.ask(JOB)
    assert work(board, dataset, seconds=1)
    answer = board.answer(JOB.key)
    assert answer == Answer("failed", "the data have changed; ask again")
