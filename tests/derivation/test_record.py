from __future__ import annotations

from typing import Any

import pytest

from larix.derivation import BadDerivation, Derivation, Output
from larix.formats.hashes import hash_bytes
from larix.formats.storepath import BadStorePath, StorePath

HASH = "0mdqa9w1p6cmli6976v4wi0sw9r4p5pr"
OUT = f"/s/{HASH}-x"


def record(**fields: Any) -> Derivation:
    return Derivation(
        **{
            "name": "x",
            "system": "sys",
            "builder": b"/b",
            "args": [],
            "env": {},
            "outputs": {"out": Output(OUT)},
            "input_drvs": {},
            "input_srcs": [],
            **fields,
        }
    )


def test_a_record_cannot_be_changed() -> None:
    drv = record()
    with pytest.raises(AttributeError):
        drv.name = "y"
    with pytest.raises(AttributeError):
        del drv.env
    with pytest.raises(AttributeError):
        drv.other = 1  # type: ignore[attr-defined]


def test_mappings_are_kept_in_the_order_they_are_written() -> None:
    drv = record(
        env={b"b": b"", b"a": b""},
        outputs={"out": Output(OUT), "dev": Output(OUT + "-dev")},
        input_srcs=[StorePath(f"/s/{HASH}-b"), StorePath(f"/s/{HASH}-a"), StorePath(f"/s/{HASH}-a")],
        input_drvs={
            StorePath(f"/s/{HASH}-b.drv"): ["out", "dev", "out"],
            StorePath(f"/s/{HASH}-a.drv"): ["out"],
        },
    )
    assert list(drv.env) == [b"a", b"b"]
    assert list(drv.outputs) == ["dev", "out"]
    assert drv.input_srcs == (f"/s/{HASH}-a", f"/s/{HASH}-b")
    assert list(drv.input_drvs.items()) == [
        (f"/s/{HASH}-a.drv", ("out",)),
        (f"/s/{HASH}-b.drv", ("dev", "out")),
    ]


def test_records_are_equal_when_their_contents_are() -> None:
    assert record() == record()
    assert hash(record()) == hash(record())
    assert record() != record(env={b"a": b""})
    assert record() != "record"


@pytest.mark.parametrize(
    ("output", "is_fixed", "is_recursive"),
    [
        (Output(OUT), False, False),
        (Output(OUT, "sha256", hash_bytes(b"").base16()), True, False),
        (Output(OUT, "r:sha1", hash_bytes(b"", "sha1").base16()), True, True),
        (Output("", "r:sha256"), False, True),
        (Output(""), False, False),
    ],
)
def test_the_kinds_of_output(output: Output, is_fixed: bool, is_recursive: bool) -> None:
    drv = record(outputs={"out": output})
    assert drv.is_fixed == output.is_fixed == is_fixed
    assert output.is_recursive == is_recursive
    if is_fixed:
        assert output.fixed_hash() == hash_bytes(b"", output.hash_algo.removeprefix("r:"))


@pytest.mark.parametrize(
    "fields", [{"outputs": {}}, {"builder": b""}, {"args": [b"\0"]}, {"env": {b"a\0": b""}}]
)
def test_an_invalid_record_cannot_be_made(fields: dict[str, Any]) -> None:
    with pytest.raises(BadDerivation):
        record(**fields)


def test_a_record_without_paths_stands_in_no_store() -> None:
    assert record(outputs={"out": Output("", "r:sha256")}).store_dir is None
    assert record().store_dir == "/s"


@pytest.mark.parametrize("path", ["x", f"/{HASH}-x", f"s/{HASH}-x", f"/s/../{HASH}-x", f"//{HASH}-x", "/"])
def test_paths_that_stand_in_no_store_are_refused(path: str) -> None:
    """Without other paths to compare with, an output's own directory must do as a store."""
    with pytest.raises(BadStorePath):
        record(outputs={"out": Output(path)})
