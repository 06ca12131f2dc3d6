"""Packs: a closure in another wrapping, for machines that have no larix.

`options` is what a pack is made from, as text that stands in its derivation; `content` turns a closure into
entries; `tar`, `squashfs`, `docker`, `oci`, `deb` and `rpm` write entries in one format each, through
`stream`, which compresses. `writing` brings them together for the builtin that makes packs.

Layer: below the builder, which runs it, and above formats. It reads the store's files and writes one file
(or, for an OCI layout, one folder); it asks no store, no clock and no environment: the same options and the
same files give the same bytes, on any machine and with any number of threads.
"""
