"""The builder stratum: what runs inside an isolated build, by the store's Python.

Layer: the bottom. It imports the standard library and itself, nothing else, because the text of each module
here enters the hash of every build that imports it. Hence many small modules: import exactly what is needed.
It must also stay importable by the oldest Python that runs builds (3.11, without ssl, sqlite3 or curses).

Functions take and give ordinary values; what fails raises `BuildSideError` or the operating system's error.
"""
