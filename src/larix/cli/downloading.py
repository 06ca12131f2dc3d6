"""Showing what is fetched outside of builds, as downloads of builds are shown."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from larix.cli.progress import watching
from larix.protocol import DownloadFinished, DownloadProgress, DownloadStarted

if TYPE_CHECKING:
    from larix.builder.builtins.transfer import Progress

__all__ = ["progress_shown"]


@contextlib.contextmanager
def progress_shown(*, verbosity: int = 2) -> Generator[Callable[[Progress], None]]:
    """What a fetcher is to tell its progress to: a line for each URL, or a bar on a terminal."""
    started: set[str] = set()
    with watching(verbosity) as sink:

        def tell(progress: Progress) -> None:
            if progress.url not in started:
                started.add(progress.url)
                sink(DownloadStarted(progress.url, progress.total))
            if progress.finished:
                started.discard(progress.url)
                sink(DownloadFinished(progress.url, progress.done, progress.seconds))
            else:
                sink(DownloadProgress(progress.url, progress.done, progress.total))

        yield tell
