"""What who keeps a store decides about all builds on it, whoever asks for them; none of it enters a hash."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DEFAULT_POLICY", "LOG_COMPRESSIONS", "Policy"]

LOG_COMPRESSIONS = ("gzip", "bzip2", "none")


class Policy(NamedTuple):
    """`build_group` is the group whose members builds run as, if it has any.

    `max_log_size` is in bytes, 0: without limit. `system` is what derivations call this machine, empty: what
    the kernel says. `sandbox_paths` are files and folders of the host that builds see, each `PLACE` or
    `PLACE=FILE`. `cache_failures`: what failed for good is not tried again. Downloads wait `connect_timeout`
    seconds for a server, and try `download_attempts` times what breaks off.
    The folder of a failed build is given to the user and group `kept_for`; None: to who runs larix.
    """

    build_group: str = "larixbuild"
    log_compression: str = "gzip"
    keep_logs: bool = True
    max_log_size: int = 0
    system: str = ""
    sandbox_paths: tuple[str, ...] = ()
    cache_failures: bool = False
    kept_for: tuple[int, int] | None = None
    connect_timeout: int = 15
    download_attempts: int = 5


DEFAULT_POLICY = Policy()
