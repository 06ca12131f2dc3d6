"""How long builds took here before, to tell how long they will take.

    hello-2.10 21.4

One line for each build that succeeded, the latest last, in a file of the user's cache. A line is added by one
write, so that several processes can do so at a time; a file that has grown long is written anew with the
latest of each name. Damaged, unwritable or lost, it costs a guess and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import re

__all__ = ["History", "open_history"]

_LINE = re.compile(rb"^([A-Za-z0-9+._?=-]{1,211}) (\d{1,7}(?:\.\d)?)\n", re.MULTILINE)
_LONGEST = 256 * 1024
_KEPT_OF_NAME = 3
_VERSION = re.compile(r"-\d[^-]*$")


class History:
    def __init__(self, file: str) -> None:
        self._file = file
        self._times: dict[str, list[float]] = {}
        self._of_package: dict[str, float] = {}
        with contextlib.suppress(OSError), open(file, "rb") as stream:
            data = stream.read(8 * _LONGEST)
            for match in _LINE.finditer(data):
                self._learn(match[1].decode("ascii"), float(match[2]))
            if len(data) > _LONGEST:
                self._shorten()

    def _learn(self, name: str, seconds: float) -> None:
        times = self._times.setdefault(name, [])
        times.append(seconds)
        del times[:-_KEPT_OF_NAME]
        self._of_package[_VERSION.sub("", name)] = seconds

    def expected(self, name: str) -> float | None:
        """The middle of the last times of `name`, or what another version of it took; None: who knows."""
        times = self._times.get(name)
        if times:
            return sorted(times)[len(times) // 2]
        return self._of_package.get(_VERSION.sub("", name))

    def record(self, name: str, seconds: float) -> None:
        line = f"{name} {seconds:.1f}\n".encode("ascii", "replace")
        if not _LINE.fullmatch(line):
            return
        self._learn(name, seconds)
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._file), exist_ok=True)
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def _shorten(self) -> None:
        """What another process adds meanwhile may be lost."""
        temporary = f"{self._file}.{os.getpid()}"
        with open(temporary, "w", encoding="ascii") as stream:
            for name, times in self._times.items():
                stream.writelines(f"{name} {seconds:.1f}\n" for seconds in times)
        os.replace(temporary, self._file)


def open_history() -> History:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return History(f"{cache}/larix/build-times")
