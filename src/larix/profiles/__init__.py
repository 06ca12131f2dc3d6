"""Profiles: what a user sees of the store, generation by generation.

`manifest` says what a profile holds, `profile` makes the derivation of its tree, `generation` keeps the links
and the lock, `transaction` computes the next manifest from what was asked, `front` makes a rootless profile
usable from outside. Layer: user side, above packages; it knows the store by `larix.protocol` alone.

Every change happens under the profile's lock, taken before the manifest is read; a generation becomes current
by one rename, so that whoever looks, or crashes, sees the old one or the new one.
"""
