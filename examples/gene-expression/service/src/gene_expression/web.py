"""The pages and the interface for programs, as a WSGI application.

`GENE_EXPRESSION_DATA` names the directory of the data set, `GENE_EXPRESSION_REDIS` the socket of Redis.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis
from flask import Flask, jsonify, redirect, render_template, request, url_for

from gene_expression.board import Board, Job
from gene_expression.dataset import Dataset, Trait, parse_trait, read_dataset
from gene_expression.errors import BadData, NotFound, ServiceError, TooFew
from gene_expression.plots import genome_plot, strain_plot
from gene_expression.statistics import correlate, summarise

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

__all__ = ["application", "create_application"]

LONGEST_FORM = 1_000_000
METHODS = ("pearson", "spearman")
MOST_CORRELATIONS = 500


def application() -> Flask:
    """What Gunicorn asks for."""
    client = redis.Redis(unix_socket_path=os.environ["GENE_EXPRESSION_REDIS"])
    return create_application(read_dataset(Path(os.environ["GENE_EXPRESSION_DATA"])), Board(client))


def create_application(dataset: Dataset, board: Board) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_FORM
    _add_pages(app, dataset, board)
    _add_interface(app, dataset, board)

    @app.errorhandler(ServiceError)
    def explain(error: ServiceError) -> tuple[Any, int]:
        if request.path.startswith("/api/"):
            return jsonify(error=str(error)), error.status
        return render_template("error.html", message=str(error)), error.status

    @app.errorhandler(redis.ConnectionError)
    def unavailable(_error: redis.ConnectionError) -> tuple[Any, int]:
        return jsonify(error="the store of traits and answers does not answer"), 503

    return app


def _add_pages(app: Flask, dataset: Dataset, board: Board) -> None:
    @app.get("/")
    def index() -> str:
        query = request.args.get("q", "")
        return render_template("index.html", dataset=dataset, probes=_search(dataset, query), query=query)

    @app.get("/traits/<name>")
    def trait(name: str) -> str:
        wanted = _trait(dataset, board, name)
        method = _method()
        answer = board.answer(_job(dataset, wanted).key)
        found = correlate(wanted.values, dataset.expression, method=method)
        rows = [
            (each, dataset.probes[each.index]) for each in found if dataset.probes[each.index].name != name
        ]
        done = answer is not None and answer.state == "done"
        return render_template(
            "trait.html",
            trait=wanted,
            summary=summarise(wanted.values),
            bars=strain_plot(dataset.strains, [float(each) for each in wanted.values]),
            correlations=rows[:15],
            methods=METHODS,
            method=method,
            answer=answer,
            plot=genome_plot(answer.content) if answer is not None and done else None,
            best=_best(answer.content, 10) if answer is not None and done else [],
        )

    @app.post("/traits")
    def upload() -> Response:
        values = parse_trait(request.form.get("values", ""))
        title = request.form.get("title", "").strip()[:80] or "a trait of a visitor"
        return redirect(url_for("trait", name=_upload(dataset, board, title, values)), 303)

    @app.post("/traits/<name>/mapping")
    def map_it(name: str) -> Response:
        board.ask(_job(dataset, _trait(dataset, board, name)))
        return redirect(url_for("trait", name=name), 303)


def _add_interface(app: Flask, dataset: Dataset, board: Board) -> None:
    @app.get("/health")
    def health() -> Any:
        return jsonify(store=board.is_alive(), probes=len(dataset.probes), strains=len(dataset.strains))

    @app.get("/api/traits")
    def traits() -> Any:
        return jsonify([asdict(probe) for probe in _search(dataset, request.args.get("q", ""))])

    @app.post("/api/traits")
    def add_trait() -> tuple[Any, int]:
        given: Any = request.get_json(silent=True)
        if not isinstance(given, dict) or not isinstance(given.get("values"), dict):
            raise BadData("expected an object with `values`, an object of numbers by strain")
        values: dict[str, float] = {}
        for strain, value in given["values"].items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise BadData(f"strain `{strain}`: expected a number")
            values[strain] = float(value)
        name = _upload(dataset, board, str(given.get("title", ""))[:80], values)
        return jsonify(name=name), 201

    @app.get("/api/traits/<name>")
    def one_trait(name: str) -> Any:
        wanted = _trait(dataset, board, name)
        return jsonify(
            name=wanted.name,
            title=wanted.title,
            values=_known(dataset, wanted),
            summary=asdict(summarise(wanted.values)),
        )

    @app.get("/api/traits/<name>/correlations")
    def correlations(name: str) -> Any:
        wanted = _trait(dataset, board, name)
        found = correlate(wanted.values, dataset.expression, method=_method())
        rows = [
            {"probe": dataset.probes[each.index].name, "r": each.r, "n": each.n, "p": each.p}
            for each in found
            if dataset.probes[each.index].name != name
        ]
        return jsonify(rows[: _limit()])

    @app.route("/api/traits/<name>/mapping", methods=["GET", "POST"])
    def mapping(name: str) -> tuple[Any, int]:
        job = _job(dataset, _trait(dataset, board, name))
        answer = board.ask(job) if request.method == "POST" else board.answer(job.key)
        if answer is None:
            raise NotFound("nobody asked for this yet: POST does")
        if answer.state == "failed":
            return jsonify(state=answer.state, error=answer.content), 422
        if answer.state != "done":
            return jsonify(state=answer.state), 202
        return jsonify(state="done", markers=answer.content), 200


def _search(dataset: Dataset, query: str) -> list[Any]:
    """Probes whose name or symbol has the query in it, or `chr:N` for those of a chromosome."""
    wanted = query.strip().lower()
    if wanted.startswith("chr:"):
        return [probe for probe in dataset.probes if probe.chromosome.lower() == wanted[4:].strip()]
    return [
        probe for probe in dataset.probes if wanted in probe.name.lower() or wanted in probe.symbol.lower()
    ]


def _trait(dataset: Dataset, board: Board, name: str) -> Trait:
    found = dataset.trait(name)
    if found is not None:
        return found
    uploaded = board.uploaded(name)
    if uploaded is None:
        raise NotFound(f"there is no trait `{name}`")
    title, values = uploaded
    return Trait(name, title, dataset.aligned(values))


def _upload(dataset: Dataset, board: Board, title: str, values: dict[str, float]) -> str:
    known = {strain: value for strain, value in values.items() if not math.isnan(value)}
    if len(known) < 2:
        raise TooFew("expected values of two strains or more")
    dataset.aligned(known)
    return board.add_trait(title or "a trait of a visitor", known)


def _job(dataset: Dataset, trait: Trait) -> Job:
    return Job(trait.name, dataset.digest, _known(dataset, trait))


def _known(dataset: Dataset, trait: Trait) -> dict[str, float]:
    pairs = zip(dataset.strains, trait.values, strict=True)
    return {strain: float(value) for strain, value in pairs if not math.isnan(value)}


def _best(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["p"])[:count]


def _method() -> str:
    method = request.args.get("method", METHODS[0])
    if method not in METHODS:
        raise BadData(f"there is no method `{method}`: {' and '.join(METHODS)} are known")
    return method


def _limit() -> int:
    text = request.args.get("limit", "20")
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) <= MOST_CORRELATIONS:
        raise BadData(f"expected a limit from 1 to {MOST_CORRELATIONS}, found `{text}`")
    return int(text)
