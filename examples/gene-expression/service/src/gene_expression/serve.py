"""The whole service as one program: Redis, a worker and Gunicorn, started, watched and ended together.

All that is written stands in one directory. The processes get an environment of their own with nothing of the
operator's in it, and programs by their file names.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import redis

from gene_expression.dataset import read_dataset
from gene_expression.errors import BadData, ServiceError
from gene_expression.programs import GEMMA, REDIS_SERVER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["CannotServe", "serve"]

PAUSE = 0.05  # seconds between two looks at what was started
LONGEST_SOCKET = 100  # the system's limit for the name of a socket is 107 bytes


class CannotServe(ServiceError):
    """A process did not start, or ended though nobody told it to."""


class Process(NamedTuple):
    name: str
    running: subprocess.Popen[bytes]


def serve(directory: Path, data: Path, *, host: str, port: int, workers: int) -> None:
    """Until a signal to end comes, or one of the processes ends. Port 0 is any free one; it is printed."""
    read_dataset(data)  # whatever is wrong with it shall be told here
    directory = directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    database = directory / "redis.sock"
    if len(os.fsencode(database)) > LONGEST_SOCKET:
        raise BadData(f"the name of {directory} is too long for a socket in it")
    ended = _signals()
    listener = socket.create_server((host, port), family=_family(host), backlog=256)
    environment = _environment(directory, data, database)
    started: list[Process] = []
    try:
        started.append(_start("redis-server", _redis_command(directory, database), environment))
        _wait_for_redis(started[0], database, ended)
        worker = [sys.executable, "-m", "gene_expression.cli", "work"]
        started.append(_start("worker", worker, environment))
        started.append(_start("gunicorn", _gunicorn_command(listener, workers), environment, listener))
        shown = f"[{host}]" if ":" in host else host
        print(f"serving on http://{shown}:{listener.getsockname()[1]}/", flush=True)
        _watch(started, ended)
    finally:
        listener.close()
        _end(started)


def _signals() -> list[int]:
    """Grows when the service shall end."""
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _frame: ended.append(got))
    return ended


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _environment(directory: Path, data: Path, database: Path) -> dict[str, str]:
    temporary = directory / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        "PATH": os.path.dirname(sys.executable),
        **_kept(),
        "GENE_EXPRESSION_DATA": str(data.absolute()),
        "GENE_EXPRESSION_REDIS": str(database),
        "HOME": str(directory),
        # The one locale that needs no file of the machine's.
        "LC_ALL": "C",
        "PYTHONUTF8": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TMPDIR": str(temporary),
    }


def _kept() -> dict[str, str]:
    """What of the operator's environment counts: more in a source tree, where programs are looked for."""
    names = ["LARIX_PYTHONPATH"]
    if not (os.path.isabs(REDIS_SERVER) and os.path.isabs(GEMMA)):
        names += ["PATH", "PYTHONPATH"]
    return {name: os.environ[name] for name in names if name in os.environ}


def _redis_command(directory: Path, database: Path) -> list[str]:
    """Reached by its socket alone; what it holds is in its directory when it ends, and every minute."""
    settings = {
        "--port": "0",
        "--unixsocket": str(database),
        "--unixsocketperm": "700",
        "--dir": str(directory),
        "--dbfilename": "answers.rdb",
        "--save": "60 1",
        "--daemonize": "no",
    }
    return [REDIS_SERVER, *[word for pair in settings.items() for word in pair]]


def _gunicorn_command(listener: socket.socket, workers: int) -> list[str]:
    application = "gene_expression.web:application()"
    settings = ["--bind", f"fd://{listener.fileno()}", "--workers", str(workers), "--threads", "4"]
    # Heartbeats of its workers are files; in memory they wait for no disk.
    place = ["--worker-tmp-dir", "/dev/shm"] if os.path.isdir("/dev/shm") else []  # noqa: S108
    return [sys.executable, "-m", "gunicorn", *settings, *place, "--access-logfile", "-", application]


def _start(
    name: str, command: Sequence[str], environment: dict[str, str], listener: socket.socket | None = None
) -> Process:
    """In a session of its own, so that the terminal's signals reach this program alone."""
    try:
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env=environment,
            pass_fds=[listener.fileno()] if listener is not None else [],
            start_new_session=True,
        )
    except OSError as error:
        raise CannotServe(f"cannot start `{command[0]}`: {error.strerror}") from error
    return Process(name, running)


def _wait_for_redis(process: Process, database: Path, ended: list[int]) -> None:
    client = redis.Redis(unix_socket_path=str(database))
    while process.running.poll() is None and not ended:
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(PAUSE)
        else:
            client.close()
            return
    if not ended:
        raise CannotServe(f"redis-server ended with status {process.running.returncode}")


def _watch(started: list[Process], ended: list[int]) -> None:
    while not ended:
        for process in started:
            if process.running.poll() is not None and not ended:
                raise CannotServe(f"{process.name} ended with status {process.running.returncode}")
        time.sleep(PAUSE)


def _end(started: list[Process]) -> None:
    """The last first: no process loses one that it needs. Each has as long as it takes to finish its work."""
    for process in reversed(started):
        if process.running.poll() is None:
            process.running.terminate()
            process.running.wait()
