from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.formats.export import (
    EXPORT_END,
    ITEM_START,
    BadExport,
    ExportDecoder,
    ExportEvent,
    ExportItem,
    NarChunk,
    item_end,
)
from larix.formats.nar import File, Symlink, encode_tree
from larix.formats.storepath import StoreDir, StorePath
from larix.formats.wire import encode_string, encode_strings, encode_u64
from vectors import load

NIX = StoreDir("/nix/store")
GNU = StoreDir("/gnu/store")
A = StorePath("/nix/store/0mdqa9w1p6cmli6976v4wi0sw9r4p5pr-a")
B = StorePath("/nix/store/1mdqa9w1p6cmli6976v4wi0sw9r4p5pr-b")
C = StorePath("/nix/store/2mdqa9w1p6cmli6976v4wi0sw9r4p5pr-b.drv")

STREAMS = [
    *[(NIX, b64decode(vector["bytes_b64"]), vector["paths"]) for vector in load("nix", "export")],
    *[(GNU, b64decode(vector["stream_base64"]), vector["items"]) for vector in load("guix", "export")],
    (NIX, EXPORT_END, []),
]


def decode(store_dir: StoreDir, stream: bytes, step: int) -> list[ExportEvent]:
    decoder = ExportDecoder(store_dir)
    events = [event for at in range(0, len(stream), step) for event in decoder.feed(stream[at : at + step])]
    decoder.close()
    assert decoder.done
    return events


def encode(events: list[ExportEvent]) -> bytes:
    stream = b""
    archive = b""
    for event in events:
        if isinstance(event, NarChunk):
            archive += event.data
        else:
            stream += ITEM_START + archive + item_end(*event)
            archive = b""
    return stream + EXPORT_END


@pytest.mark.parametrize(("store_dir", "stream", "paths"), STREAMS)
@pytest.mark.parametrize("step", [1, 7, 64, 1 << 20])
def test_real_streams_are_read_in_any_slicing_and_written_back(
    store_dir: StoreDir, stream: bytes, paths: list[str], step: int
) -> None:
    events = decode(store_dir, stream, step)
    exported = [event.path for event in events if isinstance(event, ExportItem)]
    assert exported[len(exported) - len(paths) :] == paths  # a closure has what they refer to before them
    assert encode(events) == stream


@pytest.mark.parametrize("vector", load("nix", "export"))
def test_references_and_derivers_are_those_nix_wrote(vector: dict[str, Any]) -> None:
    items = [e for e in decode(NIX, b64decode(vector["bytes_b64"]), 100) if isinstance(e, ExportItem)]
    for item, references, deriver in zip(items, vector["references"], vector["deriver"], strict=True):
        assert set(item.references) == set(references)
        assert item.deriver == (None if deriver == "unknown-deriver" else deriver)
        assert item.signature is None


def test_guix_streams_carry_signatures() -> None:
    for vector in load("guix", "export"):
        items = [e for e in decode(GNU, b64decode(vector["stream_base64"]), 100) if isinstance(e, ExportItem)]
        assert all(item.signature is not None and item.signature.startswith(b"(signature") for item in items)


@pytest.mark.parametrize(("store_dir", "stream", "paths"), STREAMS)
def test_a_stream_cut_short_anywhere_is_refused_on_closing(
    store_dir: StoreDir, stream: bytes, paths: list[str]
) -> None:
    for end in range(len(stream)):
        decoder = ExportDecoder(store_dir)
        decoder.feed(stream[:end])
        with pytest.raises(BadExport) as caught:
            decoder.close()
        assert caught.value.offset == end
        assert not decoder.done


def test_nothing_may_follow_the_stream() -> None:
    with pytest.raises(BadExport, match="at byte 8: expected the end"):
        ExportDecoder(NIX).feed(EXPORT_END + b"x")
    decoder = ExportDecoder(NIX)
    decoder.feed(EXPORT_END)
    with pytest.raises(BadExport, match="at byte 8"):
        decoder.feed(b"x")
    with pytest.raises(BadExport, match="at byte 8"):
        decoder.close()


def item(archive: bytes, *parts: bytes) -> bytes:
    return ITEM_START + archive + b"".join(parts)


LINK = encode_tree(Symlink(b"x"))
MARK = encode_u64(0x4558494E)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (encode_u64(2), "a number of at most 1"),
        (encode_u64(1 << 32), "a number of at most 1"),
        (item(b"x" * 200), "b'\\r\\x00"),
        (item(LINK, encode_u64(0x4558494F)), "0x4558494e"),
        (item(LINK, MARK, encode_string(b"/gnu/store/" + A[11:].encode())), "a path in `/nix/store`"),
        (item(LINK, MARK, encode_string(A.encode() + b"\xc3\xa9")), "ASCII text"),
        (item(LINK, MARK, encode_u64(1 << 60)), "a string of at most 4096 bytes"),
        (item(LINK, MARK, encode_string(A.encode()), encode_u64(1 << 60)), "a number of at most 65536"),
        (
            item(LINK, MARK, encode_string(A.encode()), encode_strings([B.encode(), A.encode()])),
            "sorts after",
        ),
        (
            item(LINK, MARK, encode_string(A.encode()), encode_strings([B.encode(), B.encode()])),
            "sorts after",
        ),
        (item(LINK, MARK, encode_string(A.encode()), encode_strings([]), encode_string(b"x")), "a path in"),
        (item(LINK, item_end(A, [])[:-8], encode_u64(3)), "at most 1"),
        (
            item(LINK, item_end(A, [])[:-8], encode_u64(1), encode_u64(1 << 40)),
            "a string of at most 16384 bytes",
        ),
    ],
)
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_hostile_streams_are_refused_at_the_place(stream: bytes, expected: str, step: int) -> None:
    with pytest.raises(BadExport) as caught:
        decode(NIX, stream, step)
    assert expected in caught.value.expected
    assert caught.value.offset is not None
    assert caught.value.offset < len(stream)


def test_a_decoder_that_refused_takes_nothing_more() -> None:
    decoder = ExportDecoder(NIX)
    with pytest.raises(BadExport) as caught:
        decoder.feed(encode_u64(2))
    for call in (decoder.close, lambda: decoder.feed(b"")):
        with pytest.raises(BadExport) as again:
            call()
        assert again.value is caught.value


ITEMS = st.lists(
    st.builds(
        lambda contents, references, deriver, signature: (
            encode_tree(File(contents)),
            ExportItem(A, tuple(sorted(references)), deriver, signature),
        ),
        st.binary(max_size=300),
        st.sets(st.sampled_from([A, B, C])),
        st.sampled_from([None, C]),
        st.none() | st.binary(max_size=20),
    ),
    max_size=4,
)


@given(ITEMS, st.integers(min_value=1, max_value=500))
def test_every_stream_comes_back(items: list[tuple[bytes, ExportItem]], step: int) -> None:
    stream = b"".join(ITEM_START + archive + item_end(*item) for archive, item in items) + EXPORT_END
    events = decode(NIX, stream, step)
    assert [event for event in events if isinstance(event, ExportItem)] == [item for _, item in items]
    assert encode(events) == stream


@given(ITEMS, st.data())
def test_a_changed_byte_gives_another_stream_or_an_error(
    items: list[tuple[bytes, ExportItem]], data: st.DataObject
) -> None:
    stream = bytearray(
        b"".join(ITEM_START + archive + item_end(*item) for archive, item in items) + EXPORT_END
    )
    stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    try:
        events = decode(NIX, bytes(stream), 100)
    except BadExport:
        return
    assert encode(events) == stream
