"""The archive format of store items: framing without files or sockets, in both directions.

    archive   = str("nix-archive-1") node
    node      = str("(") str("type") ( regular | symlink | directory ) str(")")
    regular   = str("regular") [ str("executable") str("") ] str("contents") str(CONTENTS)
    symlink   = str("symlink") str("target") str(TARGET)
    directory = str("directory") { str("entry") str("(") str("name") str(NAME) str("node") node str(")") }
    str(s)    = 64-bit little-endian length, s, zero bytes up to a multiple of eight

Entries are sorted by their bytes and unique; a NAME has 1 to 255 bytes, is not `.` or `..` and has no slash
or NUL; a TARGET has 1 to 4095 bytes and no NUL; nodes are at most 64 levels deep. So a tree has one
archive, and an archive that the decoder accepts restores to a tree that gives it back.

`encoder` gives the bytes around names and contents, `decoder` turns bytes into events, `tree` is the plain
recursive value for what fits in memory.
"""

from larix.formats.nar.decoder import Contents, Decoder, DirectoryStart, End, Entry, Event, Regular
from larix.formats.nar.rules import (
    MAX_DEPTH,
    MAX_NAME_LENGTH,
    MAX_TARGET_LENGTH,
    BadNar,
    check_entry_name,
    check_target,
)
from larix.formats.nar.tree import Directory, File, Symlink, Tree, decode_tree, encode_tree, tree_pieces

__all__ = [
    "MAX_DEPTH",
    "MAX_NAME_LENGTH",
    "MAX_TARGET_LENGTH",
    "BadNar",
    "Contents",
    "Decoder",
    "Directory",
    "DirectoryStart",
    "End",
    "Entry",
    "Event",
    "File",
    "Regular",
    "Symlink",
    "Tree",
    "check_entry_name",
    "check_target",
    "decode_tree",
    "encode_tree",
    "tree_pieces",
]
