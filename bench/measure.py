"""Measuring commands as whole processes, and laying the figures out side by side."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

ONE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "one.py")
COLUMNS = (
    *("row", "work", "Nix wall", "larix wall", "ratio", "Nix CPU", "larix CPU", "ratio"),
    *("Nix MB", "larix MB", "at least", "aim", "reached"),
)


class Failed(Exception):
    """A side did not do the work, or the two sides did not do the same."""


class Sample(NamedTuple):
    """One run: seconds on the clock, seconds of user and system time, the largest process in MB."""

    wall: float
    cpu: float
    memory: float


class Side(NamedTuple):
    """One way to do the work. `prepare` runs before each measured run, outside of the measurement."""

    command: Sequence[str]
    environment: Mapping[str, str]
    prepare: Callable[[], None] = lambda: None


class Bar(NamedTuple):
    """What a row asks for: a ratio to Nix, in wall or CPU time, or seconds of CPU where no peer does it."""

    at_least: float
    aim: float
    of: str = "wall"
    absolute: bool = False


class Comparison(NamedTuple):
    row: str
    work: str
    bar: Bar
    nix: list[Sample]
    larix: list[Sample]
    reference: tuple[str, list[Sample]] | None = None
    above_reference: bool = False

    def value(self, samples: list[Sample], field: str, pick: Callable[[list[float]], float]) -> float:
        """A figure of one side; above the reference's where the row says so (it pays for a copy too)."""
        figure = pick([getattr(sample, field) for sample in samples])
        if self.above_reference and self.reference:
            figure -= pick([getattr(sample, field) for sample in self.reference[1]])
        return figure

    def ratio(self, field: str, pick: Callable[[list[float]], float]) -> float:
        peer = self.value(self.nix, field, pick)
        return self.value(self.larix, field, pick) / peer if peer > 0 else float("nan")

    def reached(self) -> str:
        if self.bar.absolute:
            figure = self.value(self.larix, self.bar.of, statistics.median)
        else:
            figure = self.ratio(self.bar.of, statistics.median)
        if figure <= self.bar.aim:
            return "aim"
        return "yes" if figure <= self.bar.at_least else "NO"


def measure(side: Side) -> Sample:
    """Prepare, run, and read what `one.py` reports."""
    side.prepare()
    done = subprocess.run(
        [sys.executable, "-I", "-S", ONE, *side.command],
        env=dict(side.environment),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    *diagnostics, report = done.stderr.rstrip("\n").split("\n")
    if done.returncode:
        text = "\n".join(diagnostics)[-2000:]
        raise Failed(f"{' '.join(side.command)[:300]}: exit code {done.returncode}\n{text}")
    wall, cpu, kilobytes = map(float, report.split())
    return Sample(wall, cpu, kilobytes / 1000)


def measure_in_turn(sides: Sequence[Side], runs: int) -> list[list[Sample]]:
    """Run the sides one after the other, `runs` times over, so that all see the same moods of the machine."""
    samples: list[list[Sample]] = [[] for _ in sides]
    for _ in range(runs):
        for side, found in zip(sides, samples, strict=True):
            found.append(measure(side))
    return samples


def clear(*folders: str) -> None:
    """Remove folders, read-only trees of a store included."""
    for folder in folders:
        if os.path.isdir(folder) and not os.path.islink(folder):
            subprocess.run(["chmod", "-R", "u+w", folder], check=True)
            shutil.rmtree(folder)


def table(comparisons: Sequence[Comparison]) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for found in comparisons:
        cells = [found.row, found.work]
        for field in ("wall", "cpu"):
            cells += [pair(found, found.nix, field), pair(found, found.larix, field)]
            cells.append(f"{found.ratio(field, statistics.median):.2f} ({found.ratio(field, min):.2f})")
        cells += [f"{max(sample.memory for sample in side):.0f}" for side in (found.nix, found.larix)]
        unit = " s" if found.bar.absolute else " x"
        cells += [f"{found.bar.at_least:g}{unit} {found.bar.of}", f"{found.bar.aim:g}{unit}", found.reached()]
        lines.append(f"| {' | '.join(cells)} |")
        if found.reference:
            name, samples = found.reference
            wall, cpu = ([getattr(sample, field) for sample in samples] for field in ("wall", "cpu"))
            beside = f"{seconds(statistics.median(wall))} ({seconds(min(wall))})"
            beside_cpu = f"{seconds(statistics.median(cpu))} ({seconds(min(cpu))})"
            lines.append(f"| | beside: `{name}` | {beside} | | | {beside_cpu} | | | | | | | |")
    return "\n".join(lines)


def pair(found: Comparison, samples: list[Sample], field: str) -> str:
    median, least = (found.value(samples, field, pick) for pick in (statistics.median, min))
    return f"{seconds(median)} ({seconds(least)})"


def summary(found: Comparison) -> str:
    """One line while the rows run."""
    parts = [
        f"{field} {pair(found, found.larix, field)} to {pair(found, found.nix, field)}, "
        f"ratio {found.ratio(field, statistics.median):.2f}"
        for field in ("wall", "cpu", "memory")
    ]
    return f"{found.row} {found.work}: {'; '.join(parts)}; reached: {found.reached()}"


def seconds(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
