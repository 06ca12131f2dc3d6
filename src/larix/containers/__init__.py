"""Containers: a program in a root of its own that holds a closure of the store and what was asked for.

`shape` says what a container is, as values; `room` mounts it, inside; `running` starts the processes and
waits; `joining` enters one that runs; `fhs` lays files out as other systems do. Layer: beside the user's
side, above the builder, whose system calls it shares. It knows files and processes, and must not know
packages, profiles or the store's database: what is to be seen is told to it.

A container is made of what is listed, never by taking away from the host's root. A step that the kernel
refuses ends it: nothing runs with less isolation than was asked for.
"""
