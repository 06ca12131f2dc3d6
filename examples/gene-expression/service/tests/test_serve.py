"""The whole service: started as an operator does, asked over HTTP, and ended."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


class Service:
    def __init__(self, running: subprocess.Popen[str], address: str) -> None:
        self.running = running
        self.address = urlsplit(address)

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if answer.headers[
            "Content-Type"
        ] == "application/json" else text

    def end(self) -> int:
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait()


def start(directory: Path, data: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gene_expression.cli", "serve", "--directory", str(directory)]
    command += ["--data", str(data), "--port", "0", "--workers", "1", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="service-") as name:
        yield Path(name)


@pytest.fixture
def service(directory: Path, data_directory: Path) -> Iterator[Service]:
    with start(directory, data_directory) as running:
        assert running.stdout is not None
        address = next((line.split()[-1] for line in running.stdout if line.startswith("serving on")), None)
        assert address is not None
        yield Service(running, address)
        if running.poll() is None:
            running.terminate()
            running.stdout.read()


def test_it_answers_maps_and_ends(service: Service, directory: Path) -> None:
    assert service.ask("GET", "/health") == (200, {"probes": 150, "store": True, "strains": 64})
    assert service.ask("GET", "/")[0] == 200
    status, answer = service.ask("POST", "/api/traits/P0003/mapping")
    while status == 202:  # the worker is another process
        status, answer = service.ask("GET", "/api/traits/P0003/mapping")
    assert status == 200
    assert max(row["score"] for row in answer["markers"]) > 3
    assert service.end() == 0
    assert (directory / "answers.rdb").exists()
    assert not (directory / "redis.sock").exists()


def test_answers_outlive_the_service(service: Service, directory: Path, data_directory: Path) -> None:
    status, _ = service.ask("POST", "/api/traits/P0001/mapping")
    while status == 202:
        status, _ = service.ask("GET", "/api/traits/P0001/mapping")
    assert service.end() == 0
    with start(directory, data_directory) as running:
        assert running.stdout is not None
        address = next(line.split()[-1] for line in running.stdout if line.startswith("serving on"))
        again = Service(running, address)
        assert again.ask("GET", "/api/traits/P0001/mapping")[0] == 200
        assert again.end() == 0


def test_it_ends_when_a_part_of_it_dies(service: Service, directory: Path) -> None:
    (server,) = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _is_redis(entry, directory)
    ]
    os.kill(server, signal.SIGKILL)
    assert service.running.wait() == 1


def _is_redis(entry: Path, directory: Path) -> bool:
    """By the directory that it works in."""
    try:
        return b"redis-server" in (entry / "cmdline").read_bytes() and (entry / "cwd").readlink() == directory
    except OSError:
        return False


def test_wrong_data_are_told_in_one_line(directory: Path) -> None:
    (directory / "expression.tsv").write_text("nonsense\n")
    (directory / "genotypes.tsv").write_text("nonsense\n")
    command = [sys.executable, "-m", "gene_expression.cli", "serve", "--port", "0"]
    command += ["--directory", str(directory), "--data", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("gene-expression: ")
    assert done.stderr.count("\n") == 1
