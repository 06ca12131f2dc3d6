"""Real programs: a Redis of each test's own, reached by a socket, and GEMMA."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from gene_expression.board import Board
from gene_expression.dataset import Dataset, read_dataset
from gene_expression.programs import REDIS_SERVER
from gene_expression.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def data_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    simulate(directory)
    return directory


@pytest.fixture(scope="session")
def dataset(data_directory: Path) -> Dataset:
    return read_dataset(data_directory)


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    # The name of a socket must be short, and those of pytest's directories are not.
    with tempfile.TemporaryDirectory(prefix="redis-") as directory:
        socket = f"{directory}/s"
        command = [REDIS_SERVER, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", directory]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            for line in server.stdout:
                if "ready to accept connections" in line.lower():
                    break
            connection = redis.Redis(unix_socket_path=socket)
            yield connection
            connection.close()
            server.terminate()
            server.stdout.read()


@pytest.fixture
def board(client: redis.Redis) -> Board:
    return Board(client)
