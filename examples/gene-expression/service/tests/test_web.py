from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from gene_expression.web import create_application
from gene_expression.worker import work

if TYPE_CHECKING:
    import redis
    from flask.testing import FlaskClient

    from gene_expression.board import Board
    from gene_expression.dataset import Dataset


@pytest.fixture
def web(dataset: Dataset, board: Board) -> FlaskClient:
    return create_application(dataset, board).test_client()


def test_the_first_page_lists_probes_and_searches(web: FlaskClient) -> None:
    assert "P0001" in web.get("/").text
    found = web.get("/?q=sim77").text
    assert "P0077" in found
    assert "P0001" not in found
    assert {probe["chromosome"] for probe in web.get("/api/traits?q=chr:2").json} == {"2"}


def test_a_trait_has_its_summary_and_its_correlations(web: FlaskClient) -> None:
    answer = web.get("/api/traits/P0001").json
    assert answer["summary"]["n"] == len(answer["values"])
    rows = web.get("/api/traits/P0001/correlations?limit=5&method=spearman").json
    assert len(rows) == 5
    assert all(abs(first["r"]) >= abs(second["r"]) for first, second in pairwise(rows))
    assert "P0001" not in {row["probe"] for row in rows}
    page = web.get("/traits/P0001").text
    assert "<svg" in page
    assert "Map it" in page


def test_mapping_waits_for_a_worker_and_is_then_known(
    web: FlaskClient, board: Board, dataset: Dataset
) -> None:
    assert web.get("/api/traits/P0002/mapping").status_code == 404
    assert web.post("/api/traits/P0002/mapping").status_code == 202
    assert "waiting" in web.get("/traits/P0002").text
    assert work(board, dataset, seconds=1)
    answer = web.get("/api/traits/P0002/mapping")
    assert answer.status_code == 200
    assert len(answer.json["markers"]) > 200
    assert "circle" in web.get("/traits/P0002").text


def test_a_visitor_brings_a_trait(web: FlaskClient, dataset: Dataset) -> None:
    lines = "\n".join(f"{strain} {index % 7}" for index, strain in enumerate(dataset.strains))
    answer = web.post("/traits", data={"title": "<b>weight</b>", "values": lines})
    assert answer.status_code == 303
    page = web.get(answer.location)
    assert page.status_code == 200
    assert "&lt;b&gt;weight" in page.text
    named = web.post("/api/traits", json={"title": "w", "values": {"BXD1": 1, "BXD2": 2.5}})
    assert named.status_code == 201
    assert web.get(f"/api/traits/{named.json['name']}").json["values"] == {"BXD1": 1.0, "BXD2": 2.5}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/traits/P9999", 404),
        ("/api/traits/none", 404),
        ("/api/traits/P0001/correlations?method=guess", 400),
        ("/api/traits/P0001/correlations?limit=0", 400),
        ("/api/traits/P0001/correlations?limit=9999999999999999999999", 400),
    ],
)
def test_wrong_questions_are_answered_with_a_reason(web: FlaskClient, path: str, status: int) -> None:
    answer = web.get(path)
    assert answer.status_code == status
    assert "no trait" in answer.text or "expected" in answer.text or "no method" in answer.text


@pytest.mark.parametrize(
    "given", [None, [], {"values": {"BXD1": "x"}}, {"values": {"BXD1": True}}, {"values": {"Q": 1, "R": 2}}]
)
def test_wrong_uploads_are_refused(web: FlaskClient, given: object) -> None:
    assert web.post("/api/traits", json=given).status_code == 400


def test_a_trait_of_one_strain_is_too_small(web: FlaskClient) -> None:
    assert web.post("/traits", data={"values": "BXD1 1"}).status_code == 422


def test_a_dead_redis_is_told(web: FlaskClient, client: redis.Redis) -> None:
    assert web.get("/health").json["store"] is True
    client.shutdown(nosave=True)
    assert web.get("/health").status_code == 503
