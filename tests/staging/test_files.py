import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.derivation import FileContent, TreeContent, text_source, tree_source
from larix.formats.nar import Directory, File, Symlink
from larix.staging import FileAppend, Lowering, LoweringError, StagingError, local_file, plain_text

LOWERING = Lowering(system="x86_64-linux")


def write(directory, tree):
    directory.mkdir()
    for name, node in tree.entries.items():
        file = directory / os.fsdecode(name)
        if isinstance(node, Directory):
            write(file, node)
        elif isinstance(node, Symlink):
            os.symlink(node.target, os.fsencode(file))
        else:
            file.write_bytes(node.contents)
            file.chmod(0o755 if node.executable else 0o644)


NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: name not in {b".", b".."} and not set(name) & {0, 47}
)
TREES = st.recursive(
    st.builds(File, st.binary(max_size=20), executable=st.booleans())
    | st.builds(Symlink, st.just(b"nowhere") | NAMES),
    lambda inner: st.builds(Directory, st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=8,
).filter(lambda tree: isinstance(tree, Directory))


@pytest.mark.slow
@given(tree=TREES)
def test_a_local_tree_is_called_by_its_archive(tmp_path_factory, tree):
    directory = tmp_path_factory.mktemp("tree") / "x"
    write(directory, tree)
    item = LOWERING.lower(local_file(directory, recursive=True))
    assert item.path == tree_source(LOWERING.store_dir, "x", tree).path
    assert item.origin.content == FileContent(str(directory), recursive=True)
    selected = LOWERING.lower(local_file(directory, select=lambda _name, _status: True))
    assert selected.path == item.path
    assert selected.origin.content == TreeContent(tree)


def test_a_file_alone_is_its_bytes_and_a_recursive_one_its_mode_too(tmp_path):
    file = tmp_path / "run.sh"
    file.write_text("#!")
    plain = [LOWERING.lower(local_file(file)).path]
    whole = [LOWERING.lower(local_file(file, recursive=True)).path]
    file.chmod(0o755)
    plain.append(LOWERING.lower(local_file(file)).path)
    whole.append(LOWERING.lower(local_file(file, recursive=True)).path)
    assert len(set(plain)) == 1
    assert len({*plain, *whole}) == 3
    assert plain[0].endswith("-run.sh")


def test_only_what_is_selected_counts(tmp_path):
    (tmp_path / "x" / "sub").mkdir(parents=True)
    (tmp_path / "x" / "keep").write_text("1")
    (tmp_path / "x" / "sub" / "drop~").write_text("2")
    seen = []

    def select(name, status):
        seen.append((name, status.st_size if name == "keep" else None))
        return not name.endswith("~")

    source = LOWERING.lower(local_file(tmp_path / "x", select=select)).origin
    assert source.content == TreeContent(Directory({b"keep": File(b"1"), b"sub": Directory({})}))
    assert seen == [("keep", 1), ("sub", None), ("sub/drop~", None)]


def test_a_name_is_relative_to_the_file_that_says_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    mine = local_file("conftest.py")
    assert mine.file == str(Path(__file__).parent / "conftest.py")
    assert mine.name == "conftest.py"
    assert mine.location.file == __file__
    assert local_file("../x", name="other").name == "other"


def test_a_link_to_a_tree_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    linked = LOWERING.lower(local_file(tmp_path / "link", "x", recursive=True))
    assert linked.path == tree_source(LOWERING.store_dir, "x", Directory({})).path


def test_what_cannot_be_interned_is_told_with_its_place(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    cases = {
        "cannot read the local file `.*absent`: No such file": local_file(tmp_path / "absent"),
        "is not a regular file": local_file(tmp_path),
        "neither a regular file, a directory nor": local_file(tmp_path, recursive=True),
    }
    for message, file in cases.items():
        with pytest.raises(LoweringError, match=message) as caught:
            LOWERING.lower(file)
        assert caught.value.place.file == __file__
    with pytest.raises(LoweringError, match="store item name"):
        local_file(tmp_path / "no name")


def test_a_text_is_a_source_with_a_known_path():
    item = LOWERING.lower(plain_text("motd", "é\n"))
    assert item.path == text_source(LOWERING.store_dir, "motd", "é\n".encode()).path
    assert LOWERING.lower(plain_text("raw", b"\xff")).path.endswith("-raw")


def test_a_file_in_something_is_that_items_path_and_input():
    text = plain_text("motd", "x")
    item = LOWERING.lower(text / "a" / "b/c")
    assert item.path == LOWERING.lower(text).path + "/a/b/c"
    assert item.origin == LOWERING.lower(text).origin
    assert text / "a" == FileAppend(text, "a")
    assert (text / "a").name == "motd/a"


@pytest.mark.parametrize("part", ["", "/etc", "../x", "a/../b", "a\0"])
def test_a_file_outside_of_something_is_refused(part):
    with pytest.raises(StagingError, match="no relative file name"):
        plain_text("motd", "x") / part


@pytest.mark.parametrize("use", [str, os.fspath, "{}".format, open, lambda file: f"{file}"])
@pytest.mark.parametrize(
    "thing", [plain_text("motd", "x"), plain_text("motd", "x") / "y", local_file("conftest.py")]
)
def test_the_host_cannot_make_up_a_file_name(thing, use):
    with pytest.raises(StagingError, match="has no file name on the host") as caught:
        use(thing)
    assert caught.value.place.file == __file__
    assert repr(thing).startswith("<")
