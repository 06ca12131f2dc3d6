"""Computes what visitors wait for, one job after the other, away from the processes that answer them."""

from __future__ import annotations

import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gene_expression.board import Answer
from gene_expression.errors import ServiceError
from gene_expression.mapping import map_trait, relatedness

if TYPE_CHECKING:
    from gene_expression.board import Board, Job
    from gene_expression.dataset import Dataset

__all__ = ["run", "work"]


def run(board: Board, dataset: Dataset) -> None:
    """Until a signal to end comes; the job that is under way is finished first."""
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: ended.append(got))
    board.take_back()
    while not ended:
        work(board, dataset, seconds=1)


def work(board: Board, dataset: Dataset, *, seconds: int) -> bool:
    """Do one job, if one comes in this time; tell whether."""
    job = board.take(seconds=seconds)
    if job is None:
        return False
    board.finish(job, _answer(board, dataset, job))
    return True


def _answer(board: Board, dataset: Dataset, job: Job) -> Answer:
    try:
        if job.digest != dataset.digest:
            return Answer("failed", "the data have changed; ask again")
        related = board.kept(f"relatedness:{dataset.digest}")
        if related is None:
            related = relatedness(dataset)
            board.keep(f"relatedness:{dataset.digest}", related)
        found = map_trait(dataset, dataset.aligned(job.values), related=related)
    except ServiceError as error:
        return Answer("failed", str(error))
    rows: list[dict[str, Any]] = [{**asdict(each), "score": each.score} for each in found]
    return Answer("done", rows)
