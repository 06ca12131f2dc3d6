from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.derivation import (
    BadDerivation,
    FixedOutput,
    Lowered,
    ModuloHashes,
    check_output_paths,
    derivation,
    instantiation_order,
    parse_derivation,
    print_derivation,
    text_source,
)
from larix.formats.hashes import hash_bytes
from larix.formats.storepath import DEFAULT_STORE_DIR, BadStoreName, BadStorePath, StoreDir, StorePath

D = DEFAULT_STORE_DIR
SOURCE = text_source(D, "builder.sh", b"echo hello > $out")
PLAIN = StorePath("/larix/store/0mdqa9w1p6cmli6976v4wi0sw9r4p5pr-plain")


def make(name: str = "x", **parts: Any) -> Lowered:
    return derivation(name, **{"store_dir": D, "system": "x86_64-linux", "builder": "/bin/sh", **parts})


def fetch(
    url: str, contents: bytes = b"content", *, recursive: bool = False, name: str = "source"
) -> Lowered:
    return make(name, env={"url": url}, fixed=FixedOutput(hash_bytes(contents), recursive))


VARIABLES = st.dictionaries(
    st.binary(min_size=1, max_size=6).filter(
        lambda name: not set(name) & {0, 0x3D} and name not in {b"out", b"dev"}
    ),
    st.binary(max_size=12).map(lambda value: value.replace(b"\0", b"")),
    max_size=5,
)
TEXTS = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(
    env=VARIABLES,
    args=st.lists(TEXTS, max_size=3),
    outputs=st.sampled_from([("out",), ("dev", "out"), ("out", "dev")]),
)
def test_every_derivation_is_read_back_as_it_was_made(
    env: dict[bytes, bytes], args: list[str], outputs: tuple[str, ...]
) -> None:
    made = make(env=env, args=args, outputs=outputs, sources=[SOURCE])
    drv = made.derivation
    assert print_derivation(drv) == made.text
    assert {name: value for name, value in drv.env.items() if name not in {b"out", b"dev"}} == env
    assert [arg.decode() for arg in drv.args] == args
    assert {name: output.path for name, output in drv.outputs.items()} == made.outputs
    check_output_paths(drv, D, lambda _: None)


@given(
    st.dictionaries(TEXTS.filter(lambda text: text and "=" not in text and text != "out"), TEXTS, max_size=4)
)
def test_text_and_its_bytes_make_the_same_derivation(env: dict[str, str]) -> None:
    encoded = {name.encode(): value.encode() for name, value in env.items()}
    assert make(env=env).text == make(env=encoded).text


def test_bytes_that_are_no_text_pass_as_file_names_do() -> None:
    name = b"caf\xe9 \xff"
    made = make(env={"file": name.decode("utf-8", "surrogateescape")}, args=[name])
    assert made.derivation.env[b"file"] == name
    assert made.derivation.args == (name,)


def test_variables_sort_by_their_bytes() -> None:
    """Code points sort otherwise: a lone surrogate stands for a byte and comes before private characters."""
    env = {"\ue000": "1", "\udcff": "2", "B": "3", "a": "4"}
    assert list(make(env=env).derivation.env) == [b"B", b"a", b"out", "\ue000".encode(), b"\xff"]


def test_the_order_in_which_parts_are_given_makes_no_difference() -> None:
    a, b = make("a"), make("b", outputs=("out", "dev"))
    one = make(env={"p": "1", "q": "2"}, inputs=[(a, ["out"]), (b, ["dev", "out"])], sources=[SOURCE, PLAIN])
    two = make(
        env={"q": "2", "p": "1"},
        inputs=[(b, ["out"]), (a, ["out"]), (b, ["dev"])],
        sources=[PLAIN, SOURCE, PLAIN],
    )
    assert one == two
    assert one.text == two.text
    assert two.inputs == one.inputs
    assert [(lowered.name, names) for lowered, names in sorted(one.inputs, key=lambda i: i[0].name)] == [
        ("a", ("out",)),
        ("b", ("dev", "out")),
    ]


def test_everything_that_enters_a_build_changes_its_output() -> None:
    base: dict[str, Any] = {"env": {"a": "b"}, "args": ["x"], "sources": [SOURCE]}
    variants = [
        base,
        {**base, "env": {"a": "c"}},
        {**base, "env": {"a": "b", "c": ""}},
        {**base, "args": ["x", ""]},
        {**base, "sources": []},
        {**base, "system": "aarch64-linux"},
        {**base, "builder": "/bin/sh2"},
        {**base, "outputs": ("out", "dev")},
        {**base, "inputs": [(make("dep"), ["out"])]},
        {**base, "store_dir": StoreDir("/other/store"), "sources": []},
    ]
    paths = [make(**variant).output_path() for variant in variants] + [make("y", **base).output_path()]
    assert len(set(paths)) == len(paths)


def test_outputs_are_told_in_the_order_they_were_declared() -> None:
    made = make("multi", outputs=("dev", "out", "a_b"))
    assert list(made.outputs) == ["dev", "out", "a_b"]
    assert list(made.derivation.outputs) == ["a_b", "dev", "out"]
    assert made.output_path("dev").endswith("-multi-dev")
    assert made.output_path().endswith("-multi")
    assert made.derivation.env[b"a_b"].endswith(b"-multi-a_b")
    with pytest.raises(BadDerivation, match=r"expected one of `dev`, `out`, `a_b`, found 'doc'"):
        made.output_path("doc")


def test_a_fixed_output_is_called_after_what_it_will_be() -> None:
    one, two = fetch("https://a.example/x"), fetch("https://b.example/x")
    assert one.path != two.path
    assert one.output_path() == two.output_path()
    assert one.modulo == two.modulo
    assert fetch("https://a.example/x", b"other").output_path() != one.output_path()
    assert fetch("https://a.example/x", recursive=True).output_path() != one.output_path()


def test_where_a_source_comes_from_does_not_change_what_is_built_from_it() -> None:
    users = [
        make(env={"src": source.output_path()}, inputs=[(source, ["out"])])
        for source in map(fetch, ("u:1", "u:2"))
    ]
    assert users[0].path != users[1].path
    assert users[0].output_path() == users[1].output_path()


def test_inputs_that_hash_alike_become_one_with_the_outputs_of_both() -> None:
    """Two ways to the same file are one input to the hash; none of them may be lost from the text."""
    ways = [fetch("u:1"), fetch("u:2")]
    both = make(inputs=[(way, ["out"]) for way in ways])
    assert set(both.derivation.input_drvs) == {way.path for way in ways}
    assert both.output_path() == make(inputs=[(ways[0], ["out"])]).output_path()
    # Users of different outputs of derivations that differ only in that.
    users = [make("user", inputs=[(way, ["out"])], outputs=("out", "dev")) for way in ways]
    assert users[0].modulo == users[1].modulo
    outs = make(inputs=[(users[0], ["out"]), (users[1], ["out"])])
    split = make(inputs=[(users[0], ["out"]), (users[1], ["dev"])])
    together = make(inputs=[(users[0], ["out", "dev"])])
    assert split.output_path() == together.output_path() != outs.output_path()
    known = {lowered.path: lowered for lowered in instantiation_order([split])}
    check_output_paths(split.derivation, D, ModuloHashes(lambda path: known[path].derivation))


def test_sources_are_carried_along_and_paths_are_only_referred_to() -> None:
    made = make(sources=[PLAIN, SOURCE])
    assert made.sources == (SOURCE,)
    assert set(made.derivation.input_srcs) == {PLAIN, SOURCE.path}
    user = make("user", inputs=[(made, ["out"])], sources=[PLAIN])
    assert user.references == tuple(sorted([made.path, PLAIN]))


def test_equal_derivations_are_equal_whoever_made_them() -> None:
    assert make() == make()
    assert hash(make()) == hash(make())
    assert make() != make("y")
    assert len({make(), make(), make("y")}) == 2


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"name": ""}, BadStoreName, "at least one character"),
        ({"name": "", "outputs": ("dev",)}, BadStoreName, "at least one character"),
        ({"name": "x.drv"}, BadDerivation, "does not end in `.drv`"),
        ({"name": "a/b"}, BadStoreName, "letters"),
        ({"name": "n" * 208}, BadStoreName, "at most 211"),
        ({"outputs": ()}, BadDerivation, "at least one output"),
        ({"outputs": ("out", "out")}, BadDerivation, "each once"),
        ({"outputs": ("drv",)}, BadStoreName, "other than `drv`"),
        ({"outputs": ("a b",)}, BadStoreName, "letters"),
        ({"name": "n" * 206, "outputs": ("debug",)}, BadStoreName, "at most 211"),
        ({"system": "x86_64-linüx"}, BadDerivation, "ASCII system"),
        ({"builder": ""}, BadDerivation, "a builder"),
        ({"args": ["a\0b"]}, BadDerivation, "NUL"),
        ({"env": {"a": b"\0"}}, BadDerivation, "NUL"),
        ({"env": {"": "x"}}, BadDerivation, "none empty"),
        ({"env": {"a=b": "x"}}, BadDerivation, "none with `=`"),
        ({"env": {"out": "x"}}, BadDerivation, "called like an output"),
        ({"env": {b"out": "x"}}, BadDerivation, "called like an output"),
        ({"env": {"a": "x", b"a": "y"}}, BadDerivation, "each variable once"),
        ({"sources": ["/gnu/store/" + PLAIN[13:]]}, BadStorePath, "a path in `/larix/store`"),
        ({"sources": [PLAIN + "/bin"]}, BadStorePath, "letters"),
        ({"inputs": [(make("dep"), ["doc"])]}, BadDerivation, "expected some of `out`, found"),
        ({"inputs": [(make("dep"), [])]}, BadDerivation, "expected some of `out`"),
        (
            {"inputs": [(make("dep", store_dir=StoreDir("/larix/store2")), ["out"])]},
            BadDerivation,
            "inputs in",
        ),
        ({"inputs": [(make("dep", store_dir=StoreDir("/s")), ["out"])]}, BadDerivation, "inputs in"),
        (
            {"outputs": ("out", "dev"), "fixed": FixedOutput(hash_bytes(b""))},
            BadDerivation,
            "the only one, `out`",
        ),
        ({"outputs": ("dev",), "fixed": FixedOutput(hash_bytes(b""))}, BadDerivation, "the only one, `out`"),
    ],
)
def test_parts_that_make_no_derivation_are_refused(
    parts: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        make(**{"name": "x", **parts})
    assert message in str(caught.value)


def diamonds(depth: int) -> Lowered:
    node = make("bottom")
    for level in range(depth):
        sides = [make(f"{side}-{level}", inputs=[(node, ["out"])]) for side in ("left", "right")]
        node = make(f"top-{level}", inputs=[(side, ["out"]) for side in sides])
    return node


def test_inputs_come_before_their_users_and_each_once() -> None:
    """Twenty diamonds in a row have a million ways through them."""
    order = instantiation_order([diamonds(20)])
    assert len(order) == len(set(order)) == 61
    places = {lowered: place for place, lowered in enumerate(order)}
    assert all(places[needed] < places[lowered] for lowered in order for needed, _ in lowered.inputs)
    assert instantiation_order([diamonds(20)]) == order


@pytest.mark.slow
def test_deep_chains_are_walked_without_recursion() -> None:
    node = make("n")
    for number in range(3000):
        node = make(f"n{number}", inputs=[(node, ["out"])])
    order = instantiation_order([node])
    assert len(order) == 3001
    known = {lowered.path: lowered for lowered in order}
    hashes = ModuloHashes(lambda path: parse_derivation(known[path].text, known[path].name))
    assert hashes(node.path) == node.modulo
