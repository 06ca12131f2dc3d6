from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.formats.hashes import Hash, hash_bytes
from larix.formats.selfhash import SelfReferenceHasher
from larix.formats.storepath import BadStorePath

PART = "0mdqa9w1p6cmli6976v4wi0sw9r4p5pr"
OTHER = "1mdqa9w1p6cmli6976v4wi0sw9r4p5pr"


def blind_hash(content: bytes, step: int = 1 << 20, part: str = PART) -> Hash:
    hasher = SelfReferenceHasher(part)
    for at in range(0, len(content), step):
        hasher.update(content[at : at + step])
    return hasher.finish()


CONTENTS = st.lists(
    st.sampled_from([PART.encode(), OTHER.encode(), PART[:20].encode(), bytes(32), b"x"])
).map(b"".join)


@given(CONTENTS, st.integers(min_value=1, max_value=70))
def test_the_slicing_makes_no_difference(content: bytes, step: int) -> None:
    assert blind_hash(content, step) == blind_hash(content)


@given(CONTENTS)
def test_content_without_itself_has_its_plain_hash(content: bytes) -> None:
    if PART.encode() not in content:
        assert blind_hash(content) == hash_bytes(content)


@given(CONTENTS)
def test_moving_to_the_new_name_keeps_the_hash(content: bytes) -> None:
    moved = content.replace(OTHER.encode(), b"").replace(PART.encode(), OTHER.encode())
    assert blind_hash(moved, part=OTHER) == blind_hash(content.replace(OTHER.encode(), b""))


def test_a_twin_with_zeros_in_place_of_itself_hashes_differently() -> None:
    content = b"before " + PART.encode() + b" after"
    assert blind_hash(content) != blind_hash(content.replace(PART.encode(), bytes(32)))
    both = PART.encode() * 2
    assert (
        len({blind_hash(both), blind_hash(PART.encode() + bytes(32)), blind_hash(bytes(32) + PART.encode())})
        == 3
    )


def test_places_are_told() -> None:
    hasher = SelfReferenceHasher(PART)
    for byte in b"12345" + PART.encode() * 2 + b"x" + PART.encode():
        hasher.update(bytes([byte]))
    assert hasher.offsets == [5, 37, 70]


def test_something_else_than_a_hash_part_is_refused() -> None:
    with pytest.raises(BadStorePath):
        SelfReferenceHasher("short")
