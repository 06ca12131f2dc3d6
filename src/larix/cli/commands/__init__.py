"""One module per command; the folder is the list.

`larix.cli.registry` says what a command module offers.
"""
