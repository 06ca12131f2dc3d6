from __future__ import annotations

from base64 import b64decode
from hashlib import sha1, sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.formats import base32
from larix.formats.hashes import Hash, hash_bytes
from larix.formats.nar import (
    MAX_DEPTH,
    BadNar,
    Contents,
    Decoder,
    Directory,
    DirectoryStart,
    End,
    Entry,
    Event,
    File,
    Regular,
    Symlink,
    Tree,
    decode_tree,
    encode_tree,
    tree_pieces,
)
from larix.formats.storepath import StoreDir, make_fixed_path
from larix.formats.wire import encode_string, encode_u64
from vectors import load, nix_tree

VECTORS = load("nix", "archives")
EMPTY = Directory({})

NAMES = st.binary(min_size=1, max_size=6).filter(
    lambda name: name not in {b".", b".."} and not set(name) & {0, 0x2F}
)
TARGETS = st.binary(min_size=1, max_size=20).filter(lambda target: 0 not in target)
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.builds(File, st.binary(max_size=40), st.booleans()) | st.builds(Symlink, TARGETS),
    lambda trees: st.builds(Directory, st.dictionaries(NAMES, trees, max_size=4)),
    max_leaves=12,
)


def strings(*texts: bytes) -> bytes:
    return b"".join(map(encode_string, texts))


START = strings(b"nix-archive-1")


def file_node(contents: bytes = b"") -> bytes:
    return strings(b"(", b"type", b"regular", b"contents", contents, b")")


def entry(name: bytes, node: bytes) -> bytes:
    return strings(b"entry", b"(", b"name", name, b"node") + node + strings(b")")


def directory(*entries: bytes) -> bytes:
    return strings(b"(", b"type", b"directory") + b"".join(entries) + strings(b")")


def events_of(archive: bytes, step: int) -> list[Event]:
    """The events, with the pieces of each file's contents joined: how they are cut is up to the decoder."""
    decoder = Decoder()
    joined: list[Event] = []
    for at in range(0, len(archive), step):
        for event in decoder.feed(archive[at : at + step]):
            if isinstance(event, Contents) and isinstance(joined[-1], Contents):
                joined[-1] = Contents(memoryview(bytes(joined[-1].data) + bytes(event.data)))
            else:
                joined.append(event)
    decoder.close()
    return joined


def refusal(archive: bytes, step: int = 1 << 30) -> BadNar:
    with pytest.raises(BadNar) as caught:
        events_of(archive, step)
    return caught.value


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
class TestNixVectors:
    def test_the_archive_is_that_of_nix(self, vector: dict[str, Any]) -> None:
        archive = encode_tree(nix_tree(vector["tree"]))
        assert len(archive) == vector["nar_size"]
        assert sha256(archive).hexdigest() == vector["nar_sha256_hex"]
        assert base32.encode(sha256(archive).digest()) == vector["nar_sha256_nix32"]
        assert sha1(archive).hexdigest() == vector["nar_sha1_hex"]
        if "nar_b64" in vector:
            assert archive == b64decode(vector["nar_b64"])

    def test_the_tree_comes_back(self, vector: dict[str, Any]) -> None:
        tree = nix_tree(vector["tree"])
        assert decode_tree(encode_tree(tree)) == tree

    def test_the_path_is_that_of_nix(self, vector: dict[str, Any]) -> None:
        tree = nix_tree(vector["tree"])
        nix = StoreDir("/nix/store")
        hash_ = hash_bytes(encode_tree(tree))
        assert make_fixed_path(nix, vector["name"], hash_, recursive=True) == vector["store_path_add"]
        if isinstance(tree, File):
            flat = Hash("sha256", bytes.fromhex(vector["flat_sha256_hex"]))
            assert flat == hash_bytes(tree.contents)
            assert (
                make_fixed_path(nix, vector["name"], flat, recursive=False)
                == vector["store_path_flat_sha256"]
            )

    def test_events_do_not_depend_on_the_slicing(self, vector: dict[str, Any]) -> None:
        archive = encode_tree(nix_tree(vector["tree"]))
        whole = events_of(archive, len(archive))
        for step in (1, 3, 8, 4096):
            if len(archive) // step < 30_000:
                assert events_of(archive, step) == whole


SMALL = [vector for vector in VECTORS if vector["nar_size"] < 4000]


@pytest.mark.parametrize("vector", SMALL, ids=lambda vector: vector["name"])
def test_an_archive_cut_short_anywhere_is_refused_on_closing(vector: dict[str, Any]) -> None:
    archive = encode_tree(nix_tree(vector["tree"]))
    for end in range(len(archive)):
        decoder = Decoder()
        decoder.feed(archive[:end])
        assert not decoder.done
        with pytest.raises(BadNar) as caught:
            decoder.close()
        assert caught.value.offset == end
        assert caught.value.found == "the end"


@pytest.mark.parametrize("vector", SMALL, ids=lambda vector: vector["name"])
def test_what_follows_an_archive_is_kept_apart(vector: dict[str, Any]) -> None:
    archive = encode_tree(nix_tree(vector["tree"]))
    decoder = Decoder()
    assert decoder.feed(archive + b"more") == Decoder().feed(archive)
    assert decoder.done
    assert decoder.offset == len(archive)
    assert decoder.unused == b"more"
    with pytest.raises(BadNar, match="nothing after the archive"):
        decoder.close()
    with pytest.raises(BadNar, match="nothing after the archive"):
        decoder.feed(b"x")
    with pytest.raises(BadNar, match="nothing after the archive"):
        decode_tree(archive + b"\0")


def test_events_tell_the_tree_in_order() -> None:
    tree = Directory(
        {b"f": File(b"abc", executable=True), b"d": Directory({b"l": Symlink(b"t")}), b"e": File(b"")}
    )
    assert events_of(encode_tree(tree), 1 << 20) == [
        DirectoryStart(),
        Entry(b"d"),
        DirectoryStart(),
        Entry(b"l"),
        Symlink(b"t"),
        End(),
        Entry(b"e"),
        Regular(executable=False, size=0),
        End(),
        Entry(b"f"),
        Regular(executable=True, size=3),
        Contents(memoryview(b"abc")),
        End(),
        End(),
    ]


def test_contents_are_handed_on_before_their_end_is_there() -> None:
    decoder = Decoder()
    head = START + strings(b"(", b"type", b"regular", b"contents") + encode_u64(1 << 40)
    assert decoder.feed(head) == [Regular(executable=False, size=1 << 40)]
    for _ in range(3):
        assert decoder.feed(b"x" * 1000) == [Contents(memoryview(b"x" * 1000))]
    assert decoder.offset == len(head) + 3000


def test_chunks_may_be_any_kind_of_bytes() -> None:
    archive = encode_tree(File(b"abc"))
    assert (
        Decoder().feed(bytearray(archive)) == Decoder().feed(memoryview(archive)) == Decoder().feed(archive)
    )


BAD_NAMES = [b"", b".", b"..", b"a/b", b"/", b"a\0", b"\0", b"n" * 256]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_would_leave_the_directory_are_refused(name: bytes) -> None:
    error = refusal(START + directory(entry(name, file_node())))
    assert "name" in error.expected
    with pytest.raises(BadNar):
        encode_tree(Directory({name: File(b"")}))


@pytest.mark.parametrize(
    ("first", "second"),
    [(b"b", b"a"), (b"a", b"a"), (b"ab", b"a"), (b"\xff", b"a"), (b"a.", b"a-"), (b"a", b"Z")],
)
def test_entries_out_of_order_are_refused(first: bytes, second: bytes) -> None:
    """A name that comes twice may first be a link and then a directory behind it."""
    error = refusal(START + directory(entry(first, file_node()), entry(second, file_node())))
    assert "sorts after" in error.expected


def test_names_that_differ_in_case_or_normal_form_are_different_names() -> None:
    tree = Directory({name.encode(): File(name.encode()) for name in ("README", "readme", "é", "e\u0301")})
    assert decode_tree(encode_tree(tree)) == tree


@pytest.mark.parametrize("target", [b"", b"a\0b", b"t" * 4096])
def test_link_targets_that_no_link_has_are_refused(target: bytes) -> None:
    error = refusal(START + strings(b"(", b"type", b"symlink", b"target", target, b")"))
    assert "link target" in error.expected
    with pytest.raises(BadNar, match="link target"):
        encode_tree(Symlink(target))


def test_the_longest_names_and_targets_are_accepted() -> None:
    tree = Directory({b"n" * 255: Symlink(b"t" * 4095), b"\xff\xfe": Symlink(b"/../..//")})
    assert decode_tree(encode_tree(tree)) == tree


def deep(levels: int) -> bytes:
    """A chain of `levels` directories, written without help of the encoder, which has a limit too."""
    open_ = strings(b"(", b"type", b"directory")
    inner = strings(b"entry", b"(", b"name", b"d", b"node") + open_
    return START + open_ + inner * (levels - 1) + strings(b")") + strings(b")", b")") * (levels - 1)


def test_trees_are_accepted_down_to_the_limit_and_no_deeper() -> None:
    tree = decode_tree(deep(MAX_DEPTH))
    assert encode_tree(tree) == deep(MAX_DEPTH)
    assert "at most 64 levels" in refusal(deep(MAX_DEPTH + 1)).expected
    with pytest.raises(BadNar, match="at most 64 levels"):
        encode_tree(Directory({b"d": tree}))


@pytest.mark.parametrize("levels", [1000, 100_000])
def test_very_deep_trees_cost_nothing(levels: int) -> None:
    assert "at most 64 levels" in refusal(deep(levels)).expected


@pytest.mark.parametrize(
    ("archive", "offset", "expected"),
    [
        (strings(b"nix-archive-2") + file_node() * 2, 16, "ive-1"),
        (START + strings(b"[", b"type", b"regular", b"contents", b"", b")"), 32, "b'(\\x00"),
        (START + strings(b"(", b"type", b"fifo", b"contents", b"", b")") + bytes(8), 56, "\\t\\x00"),
        (START + strings(b"(", b"type", b"regulal", b"contents", b"", b")"), 64, "regular"),
        (
            START + strings(b"(", b"type", b"regular", b"executable", b"x", b"contents", b"", b")"),
            96,
            "\\x00",
        ),
        (START + strings(b"(", b"type", b"regular", b"contents", b"abc", b"]"), 112, "b')\\x00"),
        (START + directory(strings(b"entri", b"(") + bytes(40)), 88, "entry"),
        (START + directory(strings(b"entry", b"(", b"nome", b"a", b"node") + file_node()), 120, "name"),
        (START + directory(strings(b"entry", b"(", b"name", b"a", b"nude") + file_node()), 152, "node"),
        (START + directory(entry(b"a", file_node())[:-16] + strings(b"]")), 256, "b')\\x00"),
    ],
)
@pytest.mark.parametrize("step", [1, 1 << 30])
def test_other_words_are_refused_where_they_stand(
    archive: bytes, offset: int, expected: str, step: int
) -> None:
    error = refusal(archive, step)
    assert error.offset == offset
    assert expected in error.expected


@pytest.mark.parametrize(
    "archive",
    [
        START
        + strings(b"(", b"type", b"regular", b"contents")
        + b"\1"
        + bytes(7)
        + b"a"
        + bytes(6)
        + b"x"
        + strings(b")"),
        START
        + directory(
            strings(b"entry", b"(", b"name")
            + b"\1"
            + bytes(7)
            + b"a"
            + b"x" * 7
            + strings(b"node")
            + file_node()
        ),
        START
        + strings(b"(", b"type", b"symlink", b"target")
        + b"\1"
        + bytes(7)
        + b"a"
        + b"\0x" * 3
        + b"\0"
        + strings(b")"),
    ],
)
def test_padding_that_is_not_zero_is_refused(archive: bytes) -> None:
    """It would be lost on restoring, and the archive would hash to something else than its tree."""
    refusal(archive)


@pytest.mark.parametrize("length", [256, 1 << 32, (1 << 63) + 1, (1 << 64) - 1])
def test_lengths_are_refused_before_that_much_is_awaited(length: int) -> None:
    name = START + strings(b"(", b"type", b"directory", b"entry", b"(", b"name") + encode_u64(length)
    assert "at most 255" in refusal(name).expected
    target = START + strings(b"(", b"type", b"symlink", b"target") + encode_u64(max(length, 4096))
    assert "at most 4095" in refusal(target).expected


def test_a_size_of_two_to_the_63_is_refused() -> None:
    head = START + strings(b"(", b"type", b"regular", b"contents")
    assert "2^63" in refusal(head + encode_u64(1 << 63)).expected


def test_a_decoder_that_refused_takes_nothing_more() -> None:
    decoder = Decoder()
    with pytest.raises(BadNar) as caught:
        decoder.feed(b"x" * 100)
    for _ in range(2):
        with pytest.raises(BadNar) as again:
            decoder.feed(encode_tree(EMPTY))
        assert again.value is caught.value
    with pytest.raises(BadNar):
        decoder.close()


@given(TREES)
def test_every_tree_comes_back(tree: Tree) -> None:
    archive = encode_tree(tree)
    assert decode_tree(archive) == tree
    assert b"".join(tree_pieces(tree)) == archive


@given(TREES, st.lists(st.integers(min_value=0, max_value=2000), max_size=6))
def test_any_slicing_gives_the_same_events(tree: Tree, cuts: list[int]) -> None:
    archive = encode_tree(tree)
    decoder = Decoder()
    pieces = [archive[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), len(archive)], strict=True)]
    contents = [bytes(e.data) for piece in pieces for e in decoder.feed(piece) if isinstance(e, Contents)]
    decoder.close()
    assert b"".join(contents) == b"".join(
        bytes(e.data) for e in events_of(archive, 1 << 30) if isinstance(e, Contents)
    )


@given(TREES, st.data())
def test_a_changed_byte_gives_another_tree_or_an_error(tree: Tree, data: st.DataObject) -> None:
    """What is accepted has exactly one archive: the one that was read."""
    archive = bytearray(encode_tree(tree))
    for _ in range(data.draw(st.integers(1, 3))):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    try:
        changed = decode_tree(bytes(archive))
    except BadNar:
        return
    assert encode_tree(changed) == archive


@given(st.binary(max_size=200))
def test_any_bytes_after_the_start_give_a_tree_or_an_error(data: bytes) -> None:
    for archive in (data, START + data, START + strings(b"(", b"type") + data):
        try:
            tree = decode_tree(archive)
        except BadNar:
            continue
        assert encode_tree(tree) == archive
