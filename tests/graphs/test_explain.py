"""Explanations of real graphs: what is old is in a store, what is new was lowered, and nothing is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from larix.buildside.gnu import standard_phases
from larix.derivation import Lowered
from larix.formats.storepath import StoreDir
from larix.graphs.explain import Cause, Comparer
from larix.packages import Origin, Package, rewrite_inputs
from larix.packages.toolchain import lowering_for, using_toolchain
from larix.staging import local_file
from larix.store import Layout, LocalStore, open_local_store
from toolchains import package

HASHES = ["1" * 64, "2" * 64]


@pytest.fixture
def store(tmp_path: Path):
    layout = Layout(StoreDir(f"{tmp_path}/store"), f"{tmp_path}/var", f"{tmp_path}/var/log")
    with open_local_store(layout) as opened:
        yield opened


def lowered(store: LocalStore, value: object) -> Lowered:
    with using_toolchain("test"):
        origin = lowering_for(store.store_dir, "x86_64-linux").lower(value).origin
    assert isinstance(origin, Lowered)
    return origin


def causes(store: LocalStore, old: object, new: object) -> list[Cause]:
    before = lowered(store, old)
    store.instantiate([before])
    return Comparer(store.read_derivation).causes(before.path, lowered(store, new))


def told(found: list[Cause]) -> list[tuple[list[str], list[tuple[str, str, str, str]]]]:
    """The way by names of derivations, and the changes without their places."""
    return [([each.name for each in cause.way], [change[:4] for change in cause.changes]) for cause in found]


def source(number: int = 0, name: str = "zlib-1.0.tar.gz", **fields) -> Origin:
    return Origin(uri=f"https://example.org/{name}", sha256=bytes.fromhex(HASHES[number]), **fields)


def chain(zlib: Package) -> Package:
    """Something that needs something that needs zlib."""
    png = package("png", inputs=lambda: [zlib])
    return package("app", inputs=lambda: [png], native_inputs=lambda: [package("tool")])


WAY = ["app-1.0", "png-1.0", "zlib-1.0"]


def test_the_same_has_no_causes(store) -> None:
    assert causes(store, chain(package("zlib")), chain(package("zlib"))) == []


def test_a_flag_far_down_is_the_one_cause(store) -> None:
    old = package("zlib", arguments={"configure_flags": ["--a", "--b"]})
    new = package("zlib", arguments={"configure_flags": ["--a", "--c"]})
    assert told(causes(store, chain(old), chain(new))) == [
        (WAY, [("argument", "configure_flags", "--b", "--c")])
    ]
    new = package("zlib", arguments={"configure_flags": ["--a", "--b", "--c", "--d"]})
    assert told(causes(store, chain(old), chain(new))) == [
        (WAY, [("argument", "configure_flags", "", "--c"), ("argument", "configure_flags", "", "--d")])
    ]


def test_arguments_that_come_and_go_are_told(store) -> None:
    old = package("zlib", arguments={"tests": False})
    new = package("zlib", arguments={"make_flags": ["V=1"]})
    assert told(causes(store, old, new)) == [
        (["zlib-1.0"], [("argument", "tests", "False", ""), ("argument", "make_flags", "", "V=1")])
    ]


def test_a_version_is_told_with_its_source_and_nothing_that_follows(store) -> None:
    old = package("zlib", version="1.0", source=source())
    new = package("zlib", version="1.1", source=source(1, "zlib-1.1.tar.gz"))
    assert told(causes(store, chain(old), chain(new))) == [
        ([*WAY[:2], "zlib-1.1"], [("version", "", "1.0", "1.1")]),
        (
            [*WAY[:2], "zlib-1.1", "zlib-1.1.tar.gz"],
            [("source", "zlib-1.1.tar.gz", "zlib-1.0.tar.gz", "zlib-1.1.tar.gz")],
        ),
    ]


def test_a_source_of_another_name_is_told_by_its_role(store) -> None:
    old = package("zlib", source=source(0, "v1.tar.gz"))
    new = package("zlib", source=source(1, "release.zip"))
    assert told(causes(store, old, new)) == [
        (["zlib-1.0"], [("source", "release.zip", "v1.tar.gz", "release.zip")])
    ]


def test_a_source_that_merely_comes_from_elsewhere_is_no_cause(store) -> None:
    new = Origin(uri="https://elsewhere.example/zlib-1.0.tar.gz", sha256=bytes.fromhex(HASHES[0]))
    assert causes(store, package("zlib", source=source()), package("zlib", source=new)) == []


def test_another_hash_of_the_same_source_is_told(store) -> None:
    found = causes(store, chain(package("zlib", source=source())), chain(package("zlib", source=source(1))))
    assert told(found) == [([*WAY, "zlib-1.0.tar.gz"], [("source", "zlib-1.0.tar.gz", "1" * 16, "2" * 16)])]


def test_a_changed_patch_is_told_by_its_line(store, tmp_path) -> None:
    patch = tmp_path / "fix.patch"
    patch.write_text("one\ntwo\n")
    old = chain(package("zlib", source=source(patches=[local_file(str(patch))])))
    before = lowered(store, old)
    store.instantiate([before])
    patch.write_text("one\nthree\n")
    new = chain(package("zlib", source=source(patches=[local_file(str(patch))])))
    (cause,) = Comparer(store.read_derivation).causes(before.path, lowered(store, new))
    assert [each.name for each in cause.way] == [*WAY, "zlib-1.0.tar.xz"]
    (change,) = cause.changes
    assert change[:4] == ("patch", "fix.patch", "two", "three")
    assert str(change.place) == f"{patch}:2"


def test_patches_come_and_go_and_change_places(store, tmp_path) -> None:
    for name in ("a.patch", "b.patch"):
        (tmp_path / name).write_text(name)
    one, other = (local_file(str(tmp_path / name)) for name in ("a.patch", "b.patch"))
    plain = package("zlib", source=source())
    first, both = (
        package("zlib", source=source(patches=[one])),
        package("zlib", source=source(patches=[one, other])),
    )
    assert told(causes(store, plain, first))[0][1] == [("patch", "a.patch", "", "a.patch")]
    assert told(causes(store, first, plain))[0][1] == [("patch", "a.patch", "a.patch", "")]
    assert told(causes(store, first, both))[0][1] == [("patch", "b.patch", "", "b.patch")]
    turned = package("zlib", source=source(patches=[other, one]))
    (change,) = told(causes(store, both, turned))[0][1]
    assert change[:2] == ("argument", "patches")


def test_inputs_come_go_and_are_replaced(store) -> None:
    zlib, other = package("zlib"), package("zlib-ng", version="2.1")
    bare = package("app")
    user = package("app", inputs=lambda: [zlib])
    assert told(causes(store, bare, user)) == [(["app-1.0"], [("input", "zlib-1.0", "", "zlib-1.0")])]
    assert told(causes(store, user, bare)) == [(["app-1.0"], [("input", "zlib-1.0", "zlib-1.0", "")])]
    replaced = package("app", inputs=lambda: {"zlib": other})
    assert told(causes(store, user, replaced)) == [
        (["app-1.0"], [("input", "zlib", "zlib-1.0", "zlib-ng-2.1")])
    ]
    deep = chain(zlib)
    found = causes(store, deep, rewrite_inputs({"zlib": other})(deep))
    assert [[each.name for each in cause.way] for cause in found] == [["app-1.0", "png-1.0"]]


def test_a_newer_input_is_followed_not_told(store) -> None:
    user = package("app", inputs=lambda: [package("zlib", version="1.0")])
    newer = package("app", inputs=lambda: [package("zlib", version="1.1")])
    assert told(causes(store, user, newer)) == [(["app-1.0", "zlib-1.1"], [("version", "", "1.0", "1.1")])]


def one_way():
    def look(*, outputs):
        print("one way", outputs)
        print("the same")

    return look


def another_way():
    def look(*, outputs):
        print("another way", outputs)
        print("the same")

    return look


def test_a_phase_of_the_package_is_told_by_its_line(store) -> None:
    def with_phase(function):
        return package("zlib", arguments={"phases": standard_phases.replace("configure", function)})

    (cause,) = causes(store, chain(with_phase(one_way())), chain(with_phase(another_way())))
    changes = [change for change in cause.changes if change.kind == "function"]
    assert [(change.old, change.new) for change in changes] == [
        ('print("one way", outputs)', 'print("another way", outputs)')
    ]
    assert changes[0].place is not None
    assert changes[0].place.file == __file__
    assert "another way" in Path(__file__).read_text().splitlines()[changes[0].place.line - 1]
    added = standard_phases.add_after("configure", one_way())
    (cause,) = causes(store, package("zlib"), package("zlib", arguments={"phases": added}))
    assert {(change.kind, change.name) for change in cause.changes} == {
        ("argument", "phases"),
        ("function", "look"),
    }


def test_a_module_of_the_build_side_is_told_by_its_name_and_line(store, monkeypatch) -> None:
    from larix.staging import modules

    old = chain(package("zlib"))
    before = lowered(store, old)
    store.instantiate([before])
    real = modules.module_closure

    def changed(names):
        files = dict(real(names))
        key = ("larix", "buildside", "gnu.py")
        files[key] = files[key].replace(b'find_files(".", r"^configure$', b'find_files(".", r"^new$')
        return files

    monkeypatch.setattr(modules, "module_closure", changed)
    found = Comparer(store.read_derivation).causes(before.path, lowered(store, chain(package("zlib"))))
    assert {cause.way[-1].name for cause in found} == {"module-import-compiled"}
    (change,) = {change for cause in found for change in cause.changes}
    assert (change.kind, change.name) == ("module", "larix.buildside.gnu")
    assert "^configure$" in change.old
    assert "^new$" in change.new
    assert change.place is not None
    assert "^configure$" in Path(change.place.file).read_text().splitlines()[change.place.line - 1]


def test_a_local_source_is_told_by_the_files_in_it(store, tmp_path) -> None:
    tree = tmp_path / "src"
    tree.mkdir()
    (tree / "a.c").write_text("a\n")
    (tree / "b.c").write_text("b\n")
    before = lowered(store, chain(package("zlib", source=local_file(str(tree), name="tree", recursive=True))))
    store.instantiate([before])
    (tree / "a.c").write_text("aa\n")
    (tree / "b.c").unlink()
    (tree / "c.c").write_text("c\n")
    new = lowered(store, chain(package("zlib", source=local_file(str(tree), name="tree", recursive=True))))
    (cause,) = Comparer(store.read_derivation).causes(before.path, new)
    assert [change[:4] for change in cause.changes] == [
        ("file", "tree/a.c", "a", "aa"),
        ("file", "tree/b.c", "tree/b.c", ""),
        ("file", "tree/c.c", "", "tree/c.c"),
    ]
    assert str(cause.changes[0].place) == f"{tree}/a.c:1"


def test_outputs_and_reference_limits_are_told(store) -> None:
    two = package("zlib", outputs=["out", "doc"])
    assert ("outputs", "", "out", "doc out") in told(causes(store, package("zlib"), two))[0][1]
    limited = package("zlib", arguments={"disallowed_references": ["gone"]})
    assert told(causes(store, package("zlib"), limited)) == [
        (["zlib-1.0"], [("environment-variable", "disallowedReferences", "", "gone")])
    ]


def test_two_causes_are_both_told_and_each_once(store) -> None:
    """A diamond: the changed thing is met on two ways."""

    def diamond(flag: str, tests: bool) -> Package:
        base = package("base", arguments={"configure_flags": [flag]})
        left, right = (
            package(name, inputs=lambda: [base], arguments={"tests": tests}) for name in ("left", "right")
        )
        return package("app", inputs=lambda: [left, right])

    found = causes(store, diamond("--a", True), diamond("--b", False))
    assert [cause.way[-1].name for cause in found] == ["left-1.0", "right-1.0", "base-1.0"]


def test_no_derivation_of_a_tower_is_read_twice(store) -> None:
    def tower(flag: str) -> Package:
        below = package("p0", arguments={"configure_flags": [flag]})
        for number in range(1, 100):
            needed = below
            below = package(f"p{number}", inputs=lambda needed=needed: [needed])
        return below

    before = lowered(store, tower("--a"))
    store.instantiate([before])
    read: list[str] = []

    def counted(path):
        read.append(path)
        return store.read_derivation(path)

    (cause,) = Comparer(counted).causes(before.path, lowered(store, tower("--b")))
    assert len(cause.way) == 100
    assert cause.changes[0][:4] == ("argument", "configure_flags", "--a", "--b")
    assert len(read) == len(set(read)) <= 101


def test_what_was_compared_once_is_not_read_again(store) -> None:
    old, new = (package("zlib", arguments={"configure_flags": [flag]}) for flag in ("--a", "--b"))
    before = lowered(store, chain(old))
    store.instantiate([before])
    after = lowered(store, chain(new))
    read: list[str] = []

    def counted(path):
        read.append(path)
        return store.read_derivation(path)

    comparer = Comparer(counted)
    first = comparer.causes(before.path, after)
    count = len(read)
    assert comparer.causes(before.path, after) == first
    assert len(read) == count
