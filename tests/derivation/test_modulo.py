from __future__ import annotations

import pytest

from larix.derivation import (
    BadDerivation,
    Derivation,
    FixedOutput,
    ModuloHashes,
    Output,
    check_output_paths,
    derivation,
    hash_modulo,
    parse_derivation,
    print_derivation,
)
from larix.derivation.modulo import hash_masked
from larix.formats.hashes import hash_bytes
from larix.formats.storepath import DEFAULT_STORE_DIR, StorePath

D = DEFAULT_STORE_DIR
DEP = derivation("dep", store_dir=D, system="s", builder="/b")
USER = derivation(
    "user", store_dir=D, system="s", builder="/b", inputs=[(DEP, ["out"])], outputs=("out", "dev")
)
FIXED = derivation(
    "f", store_dir=D, system="s", builder="/b", fixed=FixedOutput(hash_bytes(b""), recursive=True)
)
KNOWN = {lowered.path: lowered for lowered in (DEP, USER, FIXED)}


def read(path: StorePath) -> Derivation:
    return KNOWN[path].derivation


def check(text: bytes, name: str) -> None:
    check_output_paths(parse_derivation(text, name), D, ModuloHashes(read))


@pytest.mark.parametrize("lowered", KNOWN.values(), ids=lambda lowered: lowered.name)
def test_what_the_primitive_made_is_accepted(lowered: object) -> None:
    assert lowered in KNOWN.values()
    made = next(known for known in KNOWN.values() if known == lowered)
    check(made.text, made.name)
    assert ModuloHashes(read)(made.path) == made.modulo


@pytest.mark.parametrize(
    ("path", "name"),
    [(USER.output_path(), "out"), (USER.output_path("dev"), "dev"), (FIXED.output_path(), "out")],
)
def test_a_path_that_is_not_the_implied_one_is_refused(path: StorePath, name: str) -> None:
    """Else one derivation could put its output where another's is looked for."""
    made = FIXED if path == FIXED.output_path() else USER
    forged = path.replace(path[13:20], "0000000").encode()
    with pytest.raises(BadDerivation) as caught:
        check(made.text.replace(path.encode(), forged), made.name)
    assert f"output `{name}` at `{path}`" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '("out","',
        '("out","PATH")',
        'x(","out","PATH")',
        '\\("out","PATH")',
        '(\\"out\\",\\"PATH\\")',
        '("',
    ],
)
def test_hashes_are_the_same_with_the_text_at_hand_and_without(text: str) -> None:
    """Whatever stands in strings and looks like an entry."""
    plain = derivation("p", store_dir=D, system="s", builder="/b", inputs=[(DEP, ["out"])])
    text = text.replace("PATH", plain.output_path())
    made = derivation(
        "p",
        store_dir=D,
        system=f"s{text}".encode("ascii", "ignore").decode(),
        builder=f"/b{text}",
        args=[text, "out", text],
        env={"a(": text, "outer": text, "z": f"{text}("},
        inputs=[(DEP, ["out"])],
        outputs=("out", "dev"),
    )
    drv = made.derivation
    for with_outputs in (drv, _with_env(drv)):
        printed = print_derivation(with_outputs)
        known = ModuloHashes(read)
        assert hash_masked(with_outputs, known, printed) == hash_masked(with_outputs, known)
        assert hash_modulo(with_outputs, known, printed) == hash_modulo(with_outputs, known)


def _with_env(drv: Derivation) -> Derivation:
    """With a variable that is not the path of its output, which is to be blank all the same."""
    return Derivation(
        name=drv.name,
        system=drv.system,
        builder=drv.builder,
        args=drv.args,
        env={**drv.env, b"out": b"elsewhere"},
        outputs=drv.outputs,
        input_drvs=drv.input_drvs,
        input_srcs=drv.input_srcs,
    )


def test_a_variable_that_is_not_the_path_of_its_output_is_refused() -> None:
    path = DEP.output_path().encode()
    forged = DEP.text.replace(b'("out","%b")])' % path, b'("out","/tmp/x")])')
    assert forged != DEP.text
    with pytest.raises(BadDerivation, match="variable `out` to be the path"):
        check(forged, DEP.name)


def test_a_derivation_for_another_store_is_refused() -> None:
    other = derivation("dep", store_dir=D, system="s", builder="/b")
    with pytest.raises(BadDerivation, match="/elsewhere/"):
        check_output_paths(other.derivation, type(D)("/elsewhere"), ModuloHashes(read))


def floating(name: str) -> Derivation:
    text = b'Derive([("out","","r:sha256","")],[],[],"s","/b",[],[])'
    return parse_derivation(text, name)


def test_floating_outputs_are_without_path_and_so_are_those_that_need_them() -> None:
    path = StorePath(DEP.path.replace("-dep", "-floating"))
    modulo = ModuloHashes({path: floating("floating")}.__getitem__)
    check_output_paths(floating("floating"), D, modulo)
    assert modulo(path) is None
    deferred = b'Derive([("out","","","")],[("%b",["out"])],[],"s","/b",[],[])' % path.encode()
    check_output_paths(parse_derivation(deferred, "x"), D, modulo)
    assert hash_modulo(parse_derivation(deferred, "x"), modulo) is None
    named = deferred.replace(
        b'("out","",', b'("out","%b-x",' % DEP.output_path().removesuffix("-dep").encode()
    )
    with pytest.raises(BadDerivation, match="no path for output `out` before it is built"):
        check_output_paths(parse_derivation(named, "x"), D, modulo)


def test_an_output_may_not_be_deferred_without_need() -> None:
    deferred = b'Derive([("out","","","")],[],[],"s","/b",[],[])'
    with pytest.raises(BadDerivation, match="expected output `out` at `/larix/store/"):
        check(deferred, "x")


def test_each_derivation_is_read_once() -> None:
    reads: list[StorePath] = []

    def count(path: StorePath) -> Derivation:
        reads.append(path)
        return read(path)

    modulo = ModuloHashes(count)
    for _ in range(3):
        modulo(USER.path)
    assert sorted(reads) == sorted([USER.path, DEP.path])
    modulo = ModuloHashes(count)
    modulo.add(DEP.path, DEP.modulo)
    reads.clear()
    assert modulo(USER.path) == USER.modulo
    assert reads == [USER.path]


def test_inputs_of_a_fixed_output_are_not_even_read() -> None:
    text = FIXED.text.replace(b"],[],[],", b'],[("%b",["out"])],[],' % DEP.path.encode())
    path = StorePath(FIXED.path)
    modulo = ModuloHashes({path: parse_derivation(text, "f")}.__getitem__)
    assert modulo(path) == FIXED.modulo


def test_a_cycle_is_an_error_and_not_a_hang() -> None:
    """No honest text can be in one, as each path depends on the texts below it; a hostile store can."""

    def cyclic(path: StorePath) -> Derivation:
        name = path[46:-4]
        needed = path.replace(f"-{name}", "-b" if name == "a" else "-a")
        return Derivation(
            name=name,
            system="s",
            builder=b"/b",
            args=[],
            env={},
            outputs={"out": Output(path[:-4])},
            input_drvs={StorePath(needed): ["out"]},
            input_srcs=[],
        )

    with pytest.raises(BadDerivation, match="without a cycle"):
        ModuloHashes(cyclic)(StorePath(f"{D}/{'0' * 32}-a.drv"))
