from __future__ import annotations

from larix.derivation import FileContent, Source, TextContent, TreeContent, text_source, tree_source
from larix.formats.hashes import hash_bytes
from larix.formats.nar import Directory, File, Symlink, encode_tree
from larix.formats.storepath import DEFAULT_STORE_DIR, StoreDir, make_fixed_path


def test_a_text_knows_its_path_references_and_contents() -> None:
    nix = StoreDir("/nix/store")
    first = text_source(nix, "a.txt", b"hello\n")
    assert first.path == "/nix/store/8hb1zapwkfr1j7zmxj7s7wj2pgci7zjm-a.txt"
    second = text_source(nix, "b", b"refers to " + first.path.encode(), [first.path, first.path])
    assert second.path == "/nix/store/cg0sncrkhd1197jp33kdcd9gysk4sn5h-b"
    assert second.references == (first.path,)
    assert second.content == TextContent(b"refers to " + first.path.encode())
    assert second.name == "b"


def test_a_tree_is_called_after_its_archive() -> None:
    tree = Directory({b"modules": Directory({b"a.py": File(b"x = 1\n")}), b"link": Symlink(b"modules")})
    source = tree_source(DEFAULT_STORE_DIR, "modules", tree)
    assert source.path == make_fixed_path(
        DEFAULT_STORE_DIR, "modules", hash_bytes(encode_tree(tree)), recursive=True
    )
    assert source.content == TreeContent(tree)
    assert source.references == ()


def test_sources_are_equal_when_their_paths_are() -> None:
    one, two = (text_source(DEFAULT_STORE_DIR, "x", b"") for _ in range(2))
    assert one == two
    assert len({one, two, text_source(DEFAULT_STORE_DIR, "y", b"")}) == 2
    assert Source(one.path, (), FileContent(b"x")) == one
