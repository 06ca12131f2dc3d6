import os
import stat

import pytest

from larix.buildside.failure import BuildSideError
from larix.buildside.graft import graft

OLD = "0123456789abcdfghijklmnpqrsvwxyz"
NEW = "zyxwvsrqpnmlkjihgfdcba9876543210"
OWN = "h3q8xz0v5c2n9ldk1w7sp4rb6mygfaji"
GRAFTED = "m6bygr4p0fsw7j1dka9ilnc25v3z8xqh"


@pytest.fixture
def shelf(tmp_path):
    """A store directory with one item, which names another and itself."""
    item = tmp_path / f"{OWN}-tool-1.0"
    (item / "bin").mkdir(parents=True)
    program = item / "bin" / "tool"
    program.write_text(f"#!{tmp_path}/{OLD}-bash-5.2/bin/sh\nexec {item}/libexec/tool {OLD}-bash-5.2\n")
    program.chmod(0o555)
    (item / "lib").symlink_to(tmp_path / f"{OLD}-bash-5.2" / "lib")
    (item / "own").symlink_to(item / "bin")
    (item / f"for-{OLD}-bash-5.2").write_bytes(b"\xff\0" + OLD[:31].encode() + b"\0")
    (item / "empty").mkdir()
    (item / "empty").chmod(0o555)
    return tmp_path


def grafted(shelf, *more):
    output = shelf / f"{GRAFTED}-tool-1.0"
    pairs = [(f"{OLD}-bash-5.2", f"{NEW}-bash-5.2"), (f"{OWN}-tool-1.0", f"{GRAFTED}-tool-1.0"), *more]
    graft(shelf / f"{OWN}-tool-1.0", output, pairs)
    return output


def test_texts_links_and_file_names_are_rewritten(shelf):
    output = grafted(shelf)
    text = (output / "bin" / "tool").read_text()
    assert text == (f"#!{shelf}/{NEW}-bash-5.2/bin/sh\nexec {output}/libexec/tool {NEW}-bash-5.2\n")
    assert os.readlink(output / "lib") == f"{shelf}/{NEW}-bash-5.2/lib"
    assert os.readlink(output / "own") == f"{output}/bin"
    assert sorted(os.listdir(output)) == ["bin", "empty", f"for-{NEW}-bash-5.2", "lib", "own"]


def test_what_is_no_whole_hash_and_modes_stay(shelf):
    output = grafted(shelf)
    assert (output / f"for-{NEW}-bash-5.2").read_bytes() == b"\xff\0" + OLD[:31].encode() + b"\0"
    assert stat.S_IMODE((output / "bin" / "tool").stat().st_mode) == 0o755
    assert stat.S_IMODE((output / f"for-{NEW}-bash-5.2").stat().st_mode) == 0o644


def test_what_was_put_in_is_not_exchanged_again(shelf):
    """A to B and B to C in one item: A becomes B."""
    other = f"{NEW}-bash-5.2"
    (shelf / f"{OWN}-tool-1.0" / "both").write_text(f"{OLD}-bash-5.2 {other}")
    (shelf / f"{OWN}-tool-1.0" / "link").symlink_to(f"{OLD}-bash-5.2 {other}")
    output = grafted(shelf, (other, f"{OWN[::-1]}-bash-5.2"))
    expected = f"{NEW}-bash-5.2 {OWN[::-1]}-bash-5.2"
    assert (output / "both").read_text() == expected
    assert os.readlink(output / "link") == expected


def test_an_item_that_is_one_file_or_one_link_is_copied(tmp_path):
    file, link = tmp_path / f"{OWN}-text", tmp_path / f"{GRAFTED}-link"
    file.write_text(f"see {OLD}-bash-5.2")
    link.symlink_to(f"{OLD}-bash-5.2")
    pairs = [(f"{OLD}-bash-5.2", f"{NEW}-bash-5.2")]
    graft(file, tmp_path / "one", pairs)
    graft(link, tmp_path / "two", pairs)
    assert (tmp_path / "one").read_text() == f"see {NEW}-bash-5.2"
    assert os.readlink(tmp_path / "two") == f"{NEW}-bash-5.2"


def test_nothing_to_exchange_is_a_copy(shelf):
    output = shelf / "copy"
    graft(shelf / f"{OWN}-tool-1.0", output, [])
    assert (output / "bin" / "tool").read_text() == (shelf / f"{OWN}-tool-1.0" / "bin" / "tool").read_text()


@pytest.mark.parametrize("new", [f"{NEW}-bash-5.3", f"{NEW}-bash", NEW])
def test_names_must_be_the_same(shelf, new):
    with pytest.raises(BuildSideError, match="which has another name"):
        graft(shelf / f"{OWN}-tool-1.0", shelf / "out", [(f"{OLD}-bash-5.2", new)])
    assert not (shelf / "out").exists()
