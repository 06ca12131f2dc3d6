"""Pictures for pages, as SVG: points of an association along the genome, and values by strain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["genome_plot", "strain_plot"]

WIDTH, HEIGHT, MARGIN = 900, 240, 34
COLOURS = ("#2b5c8a", "#c2703d")


def genome_plot(rows: Sequence[dict[str, Any]]) -> Markup:
    """Scores of markers, chromosome after chromosome."""
    lengths: dict[str, float] = {}
    for row in rows:
        lengths[row["chromosome"]] = max(lengths.get(row["chromosome"], 0.0), row["megabases"])
    starts, end = {}, 0.0
    for chromosome, length in lengths.items():
        starts[chromosome] = end
        end += length + 10
    highest = max([4.0, *[row["score"] for row in rows]])
    parts: list[str] = []
    for index, (chromosome, start) in enumerate(starts.items()):
        middle = _across((start + lengths[chromosome] / 2) / end)
        parts.append(
            f'<text x="{middle:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(chromosome)}</text>'
        )
        for row in [each for each in rows if each["chromosome"] == chromosome]:
            x = _across((start + row["megabases"]) / end)
            title = f"{row['marker']}: {row['score']:.2f}"
            parts.append(
                f'<circle cx="{x:.1f}" cy="{_up(row["score"] / highest):.1f}" r="3" '
                f'fill="{COLOURS[index % 2]}"><title>{escape(title)}</title></circle>'
            )
    return _picture(parts, top=f"{highest:.1f}", bottom="0")


def strain_plot(strains: Sequence[str], values: Sequence[float]) -> Markup:
    """Values in rising order, each a bar that tells its strain."""
    known = sorted(
        [(value, strain) for strain, value in zip(strains, values, strict=True) if not math.isnan(value)]
    )
    if not known:
        return Markup("")
    low, high = known[0][0], known[-1][0]
    low, span = low - (high - low or 1) * 0.1, (high - low or 1) * 1.1
    parts: list[str] = []
    width = (WIDTH - 2 * MARGIN) / len(known)
    for index, (value, strain) in enumerate(known):
        top = _up((value - low) / span)
        parts.append(
            f'<rect x="{MARGIN + index * width:.1f}" y="{top:.1f}" width="{max(1.0, width - 2):.1f}" '
            f'height="{HEIGHT - MARGIN - top:.1f}" fill="{COLOURS[0]}">'
            f"<title>{escape(f'{strain}: {value:.3f}')}</title></rect>"
        )
    return _picture(parts, top=f"{high:.2f}", bottom=f"{low:.2f}")


def _across(share: float) -> float:
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def _up(share: float) -> float:
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


def _picture(parts: list[str], *, top: str, bottom: str) -> Markup:
    """With an axis to the left. All that is not made here has been escaped."""
    axis = f'<path d="M{MARGIN - 4} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}" fill="none" stroke="#888"/>'
    labels = (
        f'<text x="2" y="{MARGIN - 8}">{escape(top)}</text>'
        f'<text x="2" y="{HEIGHT - MARGIN + 12}">{escape(bottom)}</text>'
    )
    return Markup(  # noqa: S704
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{axis}{labels}{"".join(parts)}</svg>'
    )
