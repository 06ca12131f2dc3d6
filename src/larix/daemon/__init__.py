"""One store for many users: the process that alone writes it, and the sessions of its clients.

Layer: above `builder`. A session is a process of its own, forked from a parent that has no threads, no store
and no database open; what a client can break is its own session. Everything that a client says goes through
`protocol` and is checked there; who it is, the kernel tells.

What it must not do: become a client of a daemon, believe a client about itself, or hold anything in memory
that another session relies on: sessions meet in the database and at locks.
"""
