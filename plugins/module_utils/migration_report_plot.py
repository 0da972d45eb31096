# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plots of the report: SVG in the page, labels in HTML beside it, so that they stay readable on a phone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

WIDTH, HEIGHT = 600, 100
_STEPS = (1, 2, 2.5, 5, 10)


def ceiling(value: float, base: int = 10) -> float:
    """Return the next round number above, so that the axis has a label worth reading."""
    # Less than this is nothing that a plot could show.
    if value <= 1e-9:
        return 1.0
    unit = 1.0
    while value >= unit * base:
        unit *= base
    while value < unit:
        unit /= base
    if base == 10:
        return next(step * unit for step in _STEPS if value <= step * unit)
    # Powers of 1024 have round numbers of their own in between.
    return ceiling(value / unit) * unit


def area_path(values: Sequence[float], top: float) -> tuple[str, str]:
    """Return the outline and the area below a row of values as SVG paths."""
    count = max(1, len(values) - 1)
    points = [
        f"{index * WIDTH / count:.1f},{HEIGHT - min(1.0, value / top) * HEIGHT:.1f}"
        for index, value in enumerate(values if len(values) > 1 else [*values, *values])
    ]
    line = "M" + "L".join(points)
    return line, f"{line}L{WIDTH},{HEIGHT}L0,{HEIGHT}Z"


def plot(title: str, values: Sequence[float], label: Callable[[float], str], span: str, kind: str) -> str:
    """Return one plot as HTML; `kind` is the class that gives it its colour."""
    top = ceiling(max(values, default=0), 1024 if kind == "bytes" else 10)
    line, area = area_path(values, top)
    grid = "".join(f'<path class="grid" d="M0,{y}H{WIDTH}"/>' for y in (0, HEIGHT // 2, HEIGHT))
    mean = sum(values) / len(values) if values else 0.0
    summary = f"{title}: {label(mean)} on average, {label(max(values, default=0))} at most"
    return (
        f'<figure class="plot {kind}"><figcaption><b>{escape(title)}</b>'
        f"<span>{escape(label(mean))} on average, {escape(label(max(values, default=0)))} at most</span></figcaption>"
        f'<div class="frame"><span class="top">{escape(label(top))}</span><span class="middle">{escape(label(top / 2))}'
        f'</span><svg viewBox="0 -1 {WIDTH} {HEIGHT + 2}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(summary)}">{grid}<path class="area" d="{area}"/><path class="line" d="{line}"/>'
        "</svg></div>"
        f'<div class="axis"><span>0</span><span>{escape(span)}</span></div></figure>'
    )
