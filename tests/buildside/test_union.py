import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.buildside.failure import BuildSideError
from larix.buildside.union import union_build


def tree(root: Path, files) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_directory_of_one_input_is_one_link_and_shared_ones_are_merged(tmp_path: Path):
    a = tree(tmp_path / "a", {"bin/a": "", "share/man/a.1": "", "share/a/data": ""})
    b = tree(tmp_path / "b", {"bin/b": "", "share/man/b.1": ""})
    out = tmp_path / "out"
    assert union_build(out, [a, b]) == []
    assert os.readlink(out / "share" / "a") == str(a / "share" / "a")
    assert sorted(each.name for each in (out / "share" / "man").iterdir()) == ["a.1", "b.1"]
    assert os.readlink(out / "bin" / "b") == str(b / "bin" / "b")


def test_clash_is_told_and_the_first_wins(tmp_path: Path):
    a = tree(tmp_path / "a", {"bin/x": "1"})
    b = tree(tmp_path / "b", {"bin/x": "2"})
    c = tree(tmp_path / "c", {"bin/x": "3"})
    (collision,) = union_build(tmp_path / "out", [a, b, c])
    assert collision == ("bin/x", str(a / "bin/x"), (str(b / "bin/x"), str(c / "bin/x")))
    assert (tmp_path / "out" / "bin" / "x").read_text() == "1"
    assert "bin/x" in str(collision)


def test_chooser_decides(tmp_path: Path):
    a = tree(tmp_path / "a", {"bin/x": "1"})
    b = tree(tmp_path / "b", {"bin/x": "2"})
    union_build(tmp_path / "out", [a, b], choose=lambda name, files: files[-1])
    assert (tmp_path / "out" / "bin" / "x").read_text() == "2"


def test_equal_files_and_one_file_under_two_names_do_not_clash(tmp_path: Path):
    a = tree(tmp_path / "a", {"share/icon": "same", "bin/x": "x"})
    b = tree(tmp_path / "b", {"share/icon": "same"})
    (b / "bin").symlink_to(a / "bin")
    assert union_build(tmp_path / "out", [a, b, a]) == []
    assert os.readlink(tmp_path / "out" / "bin") == str(a / "bin")


def test_file_against_directory_is_a_clash(tmp_path: Path):
    a = tree(tmp_path / "a", {"x/y": ""})
    b = tree(tmp_path / "b", {"x": ""})
    (collision,) = union_build(tmp_path / "out", [a, b])
    assert collision.file == "x"


def test_named_directories_are_real_even_when_one_or_no_input_has_them(tmp_path: Path):
    a = tree(tmp_path / "a", {"etc/conf": "", "share/info/x": ""})
    out = tmp_path / "out"
    union_build(out, [a], directories=["etc", "share/info", "var/new"])
    for name in ("etc", "share", "share/info", "var/new"):
        assert (out / name).is_dir()
        assert not (out / name).is_symlink()
    assert (out / "etc" / "conf").is_symlink()


def test_dangling_links_are_kept(tmp_path: Path):
    a = tree(tmp_path / "a", {"bin/x": ""})
    (a / "bin" / "gone").symlink_to("nowhere")
    b = tree(tmp_path / "b", {"bin/y": ""})
    union_build(tmp_path / "out", [a, b])
    assert os.readlink(tmp_path / "out" / "bin" / "gone") == str(a / "bin" / "gone")


def test_input_that_is_no_directory_is_told(tmp_path: Path):
    with pytest.raises(BuildSideError, match="not a directory"):
        union_build(tmp_path / "out", [tmp_path / "none"])


paths = st.lists(st.sampled_from(["p/a", "p/b", "q/r/a", "q/r/b", "q/s", "t"]), unique=True, min_size=1)


@given(st.lists(paths, min_size=1, max_size=4))
def test_union_has_every_file_of_every_input_and_no_other(tmp_path_factory, inputs):
    base = tmp_path_factory.mktemp("union")
    roots = [tree(base / str(i), {name: str(i) for name in names}) for i, names in enumerate(inputs)]
    collisions = union_build(base / "out", roots)
    first = {}
    for i, names in enumerate(inputs):
        for name in names:
            first.setdefault(name, str(i))
    found = {}
    for directory, _, files in os.walk(base / "out", followlinks=True):
        for name in files:
            file = Path(directory) / name
            found[str(file.relative_to(base / "out"))] = file.read_text()
    assert found == first
    counts = [name for names in inputs for name in names]
    assert [each.file for each in collisions] == sorted(name for name in first if counts.count(name) > 1)


@pytest.mark.slow
def test_profile_of_200_packages_with_100_files_each_makes_few_links(tmp_path: Path):
    roots = []
    for i in range(200):
        files = {f"bin/p{i}-{j}": "" for j in range(10)} | {f"share/p{i}/f{j}": "" for j in range(90)}
        roots.append(tree(tmp_path / str(i), files))
    assert union_build(tmp_path / "out", roots) == []
    assert len(list((tmp_path / "out" / "bin").iterdir())) == 2000
    assert len(list((tmp_path / "out" / "share").iterdir())) == 200
