"""A tree packed so that the same files give the same bytes: sorted, owned by nobody, at one moment."""

from __future__ import annotations

import lzma
import os
import tarfile

__all__ = ["pack_tar_xz"]

MOMENT = 1  # seconds since the epoch, the time of all store files


def pack_tar_xz(directory: str | os.PathLike[str], archive: str | os.PathLike[str], *, top: str) -> None:
    """Write `directory` as TOP/... into a .tar.xz, at the lowest preset: speed counts more than size."""
    root = os.fspath(directory)
    with (
        lzma.open(archive, "wb", preset=1, check=lzma.CHECK_CRC64) as sink,
        tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for relative in _sorted_tree(root):
            file = os.path.join(root, relative) if relative else root
            member = tar.gettarinfo(file, arcname=os.path.join(top, relative) if relative else top)
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = MOMENT
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            if member.isreg() or member.islnk():
                member.type = tarfile.REGTYPE
                member.linkname = ""
                member.size = os.lstat(file).st_size
                with open(file, "rb") as contents:
                    tar.addfile(member, contents)
            else:
                tar.addfile(member)


def _sorted_tree(root: str) -> list[str]:
    names = [""]
    pending = [""]
    while pending:
        base = pending.pop()
        with os.scandir(os.path.join(root, base)) as entries:
            for entry in entries:
                relative = os.path.join(base, entry.name)
                names.append(relative)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(relative)
    return sorted(names, key=lambda name: os.fsencode(name).split(b"/"))
