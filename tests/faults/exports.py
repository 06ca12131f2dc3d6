"""What the tests of faults import."""

from __future__ import annotations

from larix.formats.export import EXPORT_END, ITEM_START, item_end
from larix.formats.hashes import hash_bytes
from larix.formats.nar import Directory, File, encode_tree
from larix.formats.storepath import StoreDir, make_fixed_path


def chained_export(store_dir: StoreDir, tree: Directory, number: int) -> bytes:
    """An export of three items, each of which refers to the one before."""
    stream, above = b"", ()
    for each in range(3):
        archive = encode_tree(Directory({b"tree": tree, b"above": File("".join(above).encode())}))
        path = make_fixed_path(
            store_dir, f"imported-{each}-{number}", hash_bytes(archive), recursive=True, references=above
        )
        stream += ITEM_START + archive + item_end(path, above, None)
        above = (path,)
    return stream + EXPORT_END
