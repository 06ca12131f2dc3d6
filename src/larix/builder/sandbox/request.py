"""What is asked of the launcher; it travels as one `marshal` value, for both ends are one interpreter."""

from __future__ import annotations

from typing import Any, TypedDict

__all__ = ["Builtin", "Request"]


class Builtin(TypedDict):
    """A function of larix to run in place of a program: `module` and `function` name it.

    It is given `argument`, a dict, to which `cache` is added: the open folder `shared`, or -1.
    """

    module: str
    function: str
    argument: Any


class Request(TypedDict):
    """One build. File names are the host's unless said otherwise; folders exist and are empty but `scratch`.

    root: where the build's root is mounted. store_dir: the store's name inside. source: the folder that holds
    the real store items. outputs: the folder that becomes the store inside and receives the outputs. inputs:
    names of store items to show. scratch: becomes /tmp. etc: files of /etc by name. binds: further (source,
    name inside), read-only. directory: where the program starts, inside. ids: the build user when larix is
    root. shared: for a builtin that sees the host's files, a folder that stays writable beside `scratch`, or
    empty. filter: a BPF program for system calls.
    """

    root: str
    store_dir: str
    source: str
    outputs: str
    inputs: tuple[str, ...]
    scratch: str
    shared: str
    etc: dict[str, bytes]
    binds: tuple[tuple[str, str], ...]
    builder: bytes
    arguments: tuple[bytes, ...]
    environment: dict[bytes, bytes]
    directory: str
    ids: tuple[int, int] | None
    filter: bytes
    host_network: bool
    builtin: Builtin | None
