import io

from larix.buildside.texts import fold_matches, open_as_bytes_text


def test_every_byte_is_a_character(tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(256)))
    with open_as_bytes_text(tmp_path / "file") as stream:
        assert stream.read() == "".join(map(chr, range(256)))


def test_matches_are_folded_from_left_to_right():
    stream = io.StringIO("a1 b22\nc333\n")
    assert fold_matches(lambda match, found: [*found, match[0]], [], r"[0-9]+", stream) == ["1", "22", "333"]


def test_text_between_matches_is_told_in_its_place():
    stream = io.StringIO("a1b\n2c")
    found = fold_matches(
        lambda match, result: f"{result}<{match[0]}>",
        "",
        "[0-9]",
        stream,
        unmatched=lambda text, result: result + text,
    )
    assert found == "a<1>b\n<2>c"


def test_value_without_matches_is_the_first():
    assert fold_matches(lambda _, count: count + 1, 5, "x", io.StringIO("a\nb\n")) == 5
