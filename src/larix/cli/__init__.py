"""The `larix` program: options, words and progress over the layers below. The top layer; nothing imports it.

`main` finds a command by listing `commands/`; a command module is imported only when it is run, and imports
what it needs inside its functions, so that `larix --version` and `larix hash` pay for nothing else.
No rule of the store, of builds or of profiles lives here: a command parses, asks, and prints.
"""
