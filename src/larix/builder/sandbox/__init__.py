"""The room in which one build runs, and the small process that makes such rooms.

`launcher`, `room`, `privileges` and `syscalls` run inside the launcher: a warm interpreter that imports
nothing else of larix and stays single-threaded, so that forking it is safe and cheap. `client`, `filter`,
`probe` and `users` are the side of larix that asks.
"""
