from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.derivation import BadDerivation, parse_derivation, print_derivation
from larix.errors import LarixError

HASH = b"0mdqa9w1p6cmli6976v4wi0sw9r4p5pr"
OUT = b"/s/" + HASH + b"-x"
DEP = b"/s/1" + HASH[1:] + b"-dep.drv"
TEXT = (
    b'Derive([("out","%b","","")],[("%b",["dev","out"])],["/s/%b-src"],"sys","/b",["-c"],[("a","b"),("out","%b")])'
    % (
        OUT,
        DEP,
        HASH,
        OUT,
    )
)


def test_the_parts_stand_where_they_belong() -> None:
    drv = parse_derivation(TEXT, "x")
    assert (drv.name, drv.system, drv.builder, drv.args) == ("x", "sys", b"/b", (b"-c",))
    assert dict(drv.env) == {b"a": b"b", b"out": OUT}
    assert drv.input_drvs == {DEP.decode(): ("dev", "out")}
    assert drv.input_srcs == (f"/s/{HASH.decode()}-src",)
    assert drv.outputs["out"].path == OUT.decode()
    assert drv.store_dir == "/s"
    assert print_derivation(drv) == TEXT


def test_a_text_cut_short_anywhere_is_refused_there() -> None:
    for end in range(len(TEXT)):
        with pytest.raises(BadDerivation) as caught:
            parse_derivation(TEXT[:end], "x")
        assert caught.value.offset is not None
        assert caught.value.offset <= end


def test_what_follows_is_refused() -> None:
    with pytest.raises(BadDerivation, match="expected the end") as caught:
        parse_derivation(TEXT + b"\n", "x")
    assert caught.value.offset == len(TEXT)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"Derive", b"DrvWithVersion", "Derive("),
        (b'("a","b"),("out"', b'("out","b"),("a"', "a sorted list"),
        (b'("a","b")', b'("a","b"),("a","c")', "a sorted list"),
        (b'"dev","out"', b'"out","dev"', "a sorted list"),
        (b'"dev","out"', b'"out","out"', "a sorted list"),
        (b'["dev","out"]', b"[]", "at least one output of"),
        (b'"dev"', b'"d v"', "letters"),
        (
            b'("out","' + OUT + b'","","")',
            b'("out","%b","",""),("out","%b","","")' % (OUT, OUT),
            "sorts after",
        ),
        (b'("out","' + OUT + b'","","")', b"", "at least one output"),
        (b'"' + OUT + b'","",""', b'"/s/%b-y","",""' % HASH, "to be called `x`"),
        (b'"' + OUT + b'","",""', b'"x","",""', "paths in one store"),
        (b'"' + OUT + b'","",""', b'"/%b-x","",""' % HASH, "paths in one store"),
        (b'"' + OUT + b'","",""', b'"/s/%b-x","","00"' % HASH, "an algorithm"),
        (b'"' + OUT + b'","",""', b'"/s/%b-x","sha3","00"' % HASH, "one of md5"),
        (b'"' + OUT + b'","",""', b'"/s/%b-x","sha256",""' % HASH, "both a path and a hash"),
        (b'"' + OUT + b'","",""', b'"","sha256","%b"' % (b"0" * 64), "both a path and a hash"),
        (b'"' + OUT + b'","",""', b'"/s/%b-x","sha256","%b"' % (HASH, b"A" * 64), "lower-case"),
        (b'"' + OUT + b'","",""', b'"/s/%b-x","sha1","%b"' % (HASH, b"0" * 64), "for sha1"),
        (b"-dep.drv", b"-dep", "inputs that are derivations"),
        (b"/s/" + HASH + b"-src", b"/t/" + HASH + b"-src", "paths in one store"),
        (b"/s/" + HASH + b"-src", b"/s/" + HASH + b"-src/bin", "paths in one store"),
        (b'"sys"', b'"s\xc3\xbfs"', "ASCII"),
        (b'"/b"', b'""', "a builder"),
        (b'"-c"', b'"\0"', "strings that a process can be given"),
        (b'"a"', b'"\\a"', "one of"),
        (b'"-c"', b'"\n"', "an escape sequence"),
        (b",[]", b", []", ""),
    ],
)
def test_text_that_no_derivation_prints_to_is_refused(old: bytes, new: bytes, expected: str) -> None:
    if old == b",[]":
        old, new = b'],"sys"', b'], "sys"'
    assert TEXT.count(old) >= 1
    with pytest.raises(LarixError) as caught:
        parse_derivation(TEXT.replace(old, new, 1), "x")
    assert expected in str(caught.value)


def test_the_name_decides_what_outputs_must_be_called() -> None:
    with pytest.raises(BadDerivation, match="to be called `other`"):
        parse_derivation(TEXT, "other")


@given(st.data())
def test_a_changed_byte_gives_another_derivation_or_an_error(data: st.DataObject) -> None:
    text = bytearray(TEXT)
    for _ in range(data.draw(st.integers(1, 2))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(
            st.sampled_from(b'"\\,()[]\n0az/') | st.integers(0, 255)
        )
    try:
        drv = parse_derivation(bytes(text), "x")
    except LarixError:
        return
    assert print_derivation(drv) == text


@given(
    st.lists(
        st.sampled_from(
            [b'"', b"(", b")", b"[", b"]", b",", b"a", b"\\", TEXT[:7], b'("out","","r:sha256","")']
        )
    )
)
def test_any_words_give_a_derivation_or_an_error(words: list[bytes]) -> None:
    text = b"Derive(" + b"".join(words)
    try:
        drv = parse_derivation(text, "x")
    except LarixError:
        return
    assert print_derivation(drv) == text
