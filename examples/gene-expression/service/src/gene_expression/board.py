"""What visitors bring and ask, and what was answered, in Redis: many web processes and workers share it.

A question has a name made from all that its answer depends on. So the same question is the same job, asked by
whomever and whenever, and an answer once found is never computed again. A worker moves a job to a list of its
own before it begins; what it leaves there when it dies is asked anew when one starts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import redis

__all__ = ["Answer", "Board", "Job"]

QUEUE, WORKING = "queue", "working"
KEPT = 30 * 24 * 3600  # seconds that uploaded traits and answers outlive their last use
FAILURE_KEPT = 60


@dataclass(frozen=True)
class Job:
    """To map a trait; `values` has the strains that have one."""

    name: str
    digest: str
    values: Mapping[str, float]

    @property
    def key(self) -> str:
        text = json.dumps([self.digest, sorted(self.values.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Answer:
    """`state` is `waiting`, `running`, `done` or `failed`; then `content` is the result, or the reason."""

    state: str
    content: Any = None


class Board:
    def __init__(self, client: redis.Redis) -> None:
        # Its methods are declared for clients of asyncio too, whose answers must be waited for.
        self._client: Any = client

    def is_alive(self) -> bool:
        return bool(self._client.ping())

    def add_trait(self, title: str, values: Mapping[str, float]) -> str:
        """The name under which an uploaded trait can be seen; the same for the same contents."""
        text = json.dumps([title, sorted(values.items())])
        name = "u" + hashlib.sha256(text.encode()).hexdigest()[:16]
        self._client.set(f"trait:{name}", text, ex=KEPT)
        return name

    def uploaded(self, name: str) -> tuple[str, dict[str, float]] | None:
        text = self._client.getex(f"trait:{name}", ex=KEPT)
        if text is None:
            return None
        title, pairs = json.loads(text)
        return title, dict(pairs)

    def ask(self, job: Job) -> Answer:
        """The answer if it is known; else the job waits, once however often it is asked for."""
        known = self.answer(job.key)
        if known is not None:
            return known
        if self._client.set(f"state:{job.key}", "waiting", nx=True):
            text = json.dumps([job.name, job.digest, sorted(job.values.items())])
            self._client.lpush(QUEUE, text)
        return self.answer(job.key) or Answer("waiting")

    def answer(self, key: str) -> Answer | None:
        state = self._client.get(f"state:{key}")
        if state is None:
            return None
        text = self._client.getex(f"answer:{key}", ex=KEPT) if state == b"done" else None
        if state == b"done" and text is None:
            self._client.delete(f"state:{key}")  # it has been too long; ask again
            return None
        if state.startswith(b"failed "):
            return Answer("failed", state.removeprefix(b"failed ").decode())
        return Answer(state.decode(), json.loads(text) if text is not None else None)

    def take(self, *, seconds: int) -> Job | None:
        """The job that waits longest; None if none comes in this time."""
        text = self._client.blmove(QUEUE, WORKING, seconds, src="RIGHT", dest="LEFT")
        if text is None:
            return None
        name, digest, pairs = json.loads(text)
        job = Job(name, digest, dict(pairs))
        self._client.set(f"state:{job.key}", "running")
        return job

    def finish(self, job: Job, answer: Answer) -> None:
        """Failures are kept for a minute, then they may be tried again."""
        with self._client.pipeline(transaction=True) as steps:
            if answer.state == "done":
                steps.set(f"answer:{job.key}", json.dumps(answer.content), ex=KEPT)
                steps.set(f"state:{job.key}", "done")
            else:
                steps.set(f"state:{job.key}", f"failed {answer.content}", ex=FAILURE_KEPT)
            steps.lrem(WORKING, 1, json.dumps([job.name, job.digest, sorted(job.values.items())]))
            steps.execute()

    def take_back(self) -> int:
        """Let wait again what a worker that died was at; to be called when none runs."""
        count = 0
        while self._client.lmove(WORKING, QUEUE, src="LEFT", dest="RIGHT") is not None:
            count += 1
        return count

    def kept(self, name: str) -> str | None:
        """A text that was kept with `keep`."""
        text = self._client.get(f"kept:{name}")
        return text.decode() if text is not None else None

    def keep(self, name: str, text: str) -> None:
        self._client.set(f"kept:{name}", text)
