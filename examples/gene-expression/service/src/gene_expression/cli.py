"""The program `gene-expression`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import redis

from gene_expression import __version__
from gene_expression.board import Board
from gene_expression.dataset import read_dataset
from gene_expression.errors import ServiceError
from gene_expression.serve import serve
from gene_expression.simulate import simulate
from gene_expression.worker import run

__all__ = ["main"]


def installed_data() -> Path:
    """The simulated data that come with the program."""
    return Path(__file__).parents[4] / "share" / "gene-expression"


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.command == "serve":
            data = options.data or installed_data()
            serve(options.directory, data, host=options.host, port=options.port, workers=options.workers)
        elif options.command == "simulate":
            simulate(options.directory, seed=options.seed)
        else:
            client = redis.Redis(unix_socket_path=os.environ["GENE_EXPRESSION_REDIS"])
            run(Board(client), read_dataset(Path(os.environ["GENE_EXPRESSION_DATA"])))
    except (ServiceError, OSError) as error:
        print(f"gene-expression: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gene-expression", description="Expression of genes in strains.")
    parser.add_argument("--version", action="version", version=f"gene-expression {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve", help="run the service until it is told to end")
    server.add_argument("--directory", type=Path, required=True, help="where it keeps what it writes")
    server.add_argument("--data", type=Path, help="a data set; the simulated one by default")
    server.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    server.add_argument("--port", type=int, default=8000, help="0 for any free one")
    server.add_argument("--workers", type=int, default=2, help="processes that answer requests")
    maker = commands.add_parser("simulate", help="write a data set made up by chance")
    maker.add_argument("directory", type=Path)
    maker.add_argument("--seed", type=int, default=1)
    commands.add_parser("work", help="compute what visitors asked for; `serve` starts this")
    return parser


if __name__ == "__main__":
    sys.exit(main())
