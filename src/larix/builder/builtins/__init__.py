"""Builders that are part of larix: fetching files, and unpacking the packages the seed is made of.

They run in a fork of a launcher, under the build user, and must load all they need when imported: afterwards
larix's own files may be out of reach. Input comes from the derivation's environment and is data, never code.
"""
