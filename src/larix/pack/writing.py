"""Making a pack: from the options and the closure to the file."""

from __future__ import annotations

import os
import shutil
from itertools import chain
from typing import TYPE_CHECKING

from larix.pack.compression import method
from larix.pack.content import all_entries
from larix.pack.deb import write_deb
from larix.pack.docker import write_docker
from larix.pack.oci import write_oci_archive, write_oci_layout
from larix.pack.rpm import write_rpm
from larix.pack.singularity import singularity_entries
from larix.pack.squashfs import write_squashfs
from larix.pack.stream import Stream, Workers
from larix.pack.tar import tar_end, write_entries

if TYPE_CHECKING:
    from larix.pack.content import Contents

__all__ = ["write_pack"]


def write_pack(output: str, contents: Contents, *, threads: int, scratch: str) -> None:
    """Make `output`, which must not be there.

    The folder `scratch`, which must not be there either, is used and removed. What a failure leaves is the
    caller's to remove.
    """
    options = contents.options
    main = None if options.format == "squashfs" else method(options.compression)
    with Workers(threads, main) as workers:
        if options.format == "oci-dir":
            write_oci_layout(output, contents, workers)
            return
        descriptor = os.open(output, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            if options.format == "deb":
                write_deb(descriptor, contents, workers)
            elif options.format == "rpm":
                write_rpm(descriptor, contents, workers)
            elif options.format == "squashfs":
                entries = chain(all_entries(contents), singularity_entries(options))
                write_squashfs(descriptor, entries, options.compression, workers)
            else:
                _write_stream(descriptor, contents, workers, scratch)
        finally:
            os.close(descriptor)


def _write_stream(descriptor: int, contents: Contents, workers: Workers, scratch: str) -> None:
    options = contents.options
    stream = Stream(descriptor, method("none" if options.format == "oci" else options.compression), workers)
    if options.format == "docker":
        write_docker(stream, contents)
    elif options.format == "oci":
        write_oci_archive(stream, scratch, contents, workers)
        shutil.rmtree(scratch)
    else:
        write_entries(stream, all_entries(contents))
        stream.write_zeros(tar_end(stream.size))
    stream.close()
