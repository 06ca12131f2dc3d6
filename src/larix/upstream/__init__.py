"""What is to be had outside: files by URI, releases of upstream, and definitions made from what indexes say.

`updaters/` and `importers/` hold one module for each kind of place; to add one is to add a module.
"""
