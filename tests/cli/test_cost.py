"""What a plan costs: the estimate by itself, and after real builds."""

from __future__ import annotations

import json
import re

import pytest

from larix.cli.cost import estimate
from larix.formats.storepath import StorePath


def drv(name: str) -> StorePath:
    return StorePath(f"/larix/store/{'0' * 32}-{name}.drv")


A, B, C, D = (drv(f"{name}-1") for name in "abcd")
TIMES = {A: 10.0, B: 20.0, C: 5.0, D: None}


def test_the_clock_shows_the_longest_chain_or_the_sum_by_jobs() -> None:
    def seconds(builds, inputs, jobs):
        return estimate(builds, inputs, TIMES, jobs, size_of=lambda _: 2).seconds

    chain = {B: [A], C: [D, drv("elsewhere")]}
    assert seconds([A, B, D, C], chain, 4) == 30
    assert seconds([A, B, D, C], chain, 1) == 35
    assert seconds([B, D, C], {D: [B], C: [D]}, 9) == 25, "what has no past still lies between others"
    cost = estimate([A, D], {}, TIMES, 1, size_of=lambda _: 2)
    assert cost.data() == {"builds": 2, "unknown": 1, "seconds": 10.0, "bytes": 4}


@pytest.mark.slow
def test_a_plan_tells_what_it_costs_once_the_like_was_built(builder):
    assert "earlier builds" not in builder("build", "-n", "alpha").stderr
    assert json.loads(builder.succeed("build", "-n", "--json", "alpha"))["cost"] is None
    builder.succeed("build", "-q", "alpha")
    newer = ["-e", "alpha.inherit(version='2')"]
    told = builder("build", "-n", *newer).stderr
    assert re.search(
        r"^Going by earlier builds, this takes about 1 s and \d+(\.\d)? K?i?B$", told, re.MULTILINE
    )
    told = builder("build", "-n", *newer, "beta").stderr
    assert "this takes at least 1 s and " in told
    assert "; 1 of 2 are new here\n" in told
    cost = json.loads(builder.succeed("build", "-n", "--json", *newer, "beta"))["cost"]
    assert (cost["builds"], cost["unknown"]) == (2, 1)
    assert cost["bytes"] > 0
    assert json.loads(builder.succeed("install", "-p", "p", "-n", "--json", "beta"))["cost"] is None
    told = builder("install", "-p", "p", "-n", "gamma").stderr
    assert "earlier builds" not in told


@pytest.mark.slow
def test_a_failed_build_is_no_past(builder):
    assert builder("build", "-q", "broken").returncode == 100
    assert "earlier builds" not in builder("build", "-n", "broken").stderr
