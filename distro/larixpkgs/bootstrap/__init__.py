"""The binary seed: pinned packages of Debian, unpacked and relocated into the store.

Everything is built from it. It names no host: the files are found in Debian's archive by their place in the
pool, through whatever mirror the machine knows.
"""
