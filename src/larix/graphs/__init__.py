"""Graphs of what people ask about: packages, bags, derivations, items of the store, modules.

`kinds` makes them, `paths` finds ways through them, and `backends/` writes them down: one module for each
format, found by listing the folder. `explain` walks two graphs of derivations in step and names what differs.
"""
