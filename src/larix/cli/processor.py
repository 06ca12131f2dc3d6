"""The processor of this machine, as compilers call it."""

from __future__ import annotations

import os

from larix.errors import LarixError
from larix.words import tr

__all__ = ["UnknownHost", "native_processor", "processor_of"]

# The levels of the psABI of x86-64, each with all of those before: https://gitlab.com/x86-psABIs/x86-64-ABI
_LEVELS = (
    ("x86-64-v2", "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"),
    ("x86-64-v3", "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave"),
    ("x86-64-v4", "avx512bw avx512cd avx512dq avx512f avx512vl"),
)


class UnknownHost(LarixError):
    """Nothing is known of the processors of this kind of machine."""


def native_processor() -> str:
    """The most demanding level that the processor of this machine reaches.

    Levels, and not models: what is built for one is of use on all machines that reach it.
    """
    return processor_of(os.uname().machine, _features())


def processor_of(machine: str, features: frozenset[str]) -> str:
    if machine == "aarch64":
        return "armv8-a"
    if machine != "x86_64":
        raise UnknownHost(
            tr("what processor this {machine} has cannot be told", machine=machine),
            hint=tr("Name one: `--tune=CPU'."),
        )
    found = "x86-64"
    for level, needed in _LEVELS:
        if not features.issuperset(needed.split()):
            break
        found = level
    return found


def _features() -> frozenset[str]:
    """Those of the first processor, by the names of Linux."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                name, _, value = line.partition(":")
                if name.strip() in ("flags", "Features"):
                    return frozenset(value.split())
    except OSError:
        pass
    return frozenset()
