"""The formats larix shares with Nix and Guix, to the byte: hashes, store paths, archives, terms, framing.

Lowest layer, and pure: bytes go in, values or typed errors come out. Nothing here knows files, sockets,
threads, clocks or the environment, and every decoder refuses what it would not write itself.
"""
