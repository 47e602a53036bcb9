# SPDX-License-Identifier: MIT
"""Samples as a picture: images with what belongs to them, before and after random changes; series as small plots."""

from __future__ import annotations

import math
from typing import IO, Any

import numpy as np

from . import tables
from .kinds import Part

_INK, _DIM, _BEFORE = "#1d2733", "#5d6b7a", "#9aa7b4"
_BOX, _POINT = "#ffcc33", "#ff5d8f"
_LINES = ("#2a7f73", "#c8553d", "#3c6fb0", "#c98a2b", "#7a5aa6", "#8a8f3c")
_COLUMNS = 4
_MOST_CHANNELS = 6
_LETTERS = 26  # of a title


def draw(title: str, parts: list[Part], before: list[Part], n: int, file: IO[bytes], suffix: str) -> None:
    """Write a picture of samples.

    Args:
        title: Text above the picture.
        parts, before: The parts of the samples, and those without random changes, or none.
        n: Number of samples.
        file, suffix: Where it is written, and its format.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('a picture of a preview needs matplotlib: pip install "fastbatch[plot]"') from error
    images = [part for part in parts if part.kind == "images"]
    series = [part for part in parts if part.kind == "series"]
    drawn = images or series
    if not drawn:
        _draw_table(Figure, parts, n, title, file, suffix)
        return
    has_pairs = bool(images and before)
    columns = min(n, _COLUMNS)
    rows = math.ceil(n / columns)
    width = 3.0 if series and not images else 2.1
    row_heights = [height for _ in drawn for height in ((2.2, 2.05) if has_pairs else (2.25 if images else 1.7,))]
    heights = len(row_heights)
    figure = Figure(figsize=(width * columns + 0.4, rows * sum(row_heights) + 0.5), layout="constrained")
    figure.set_layout_engine("constrained", h_pad=0.02, hspace=0.0)
    grid = figure.subplots(rows * heights, columns, squeeze=False, height_ratios=row_heights * rows)
    for axes in grid.flat:
        axes.set_axis_off()
    for i in range(n):
        row, column = divmod(i, columns)
        at = row * heights
        for part in drawn:
            if has_pairs:
                earlier = next((one for one in before if one.name == part.name), part)
                _draw_one(grid[at][column], earlier, before, i, "" if column else "before")
                at += 1
            side = "after" if has_pairs and column == 0 else ""
            _draw_one(grid[at][column], part, parts, i, side, has_caption=not has_pairs)
            at += 1
    figure.suptitle(_cut(title, 40 * columns), x=0.01, ha="left", fontsize=9, color=_DIM)
    figure.savefig(file, format=suffix, dpi=120)


def _draw_one(axes: Any, part: Part, parts: list[Part], i: int, side: str, has_caption: bool = True) -> None:
    if part.kind == "series":
        _draw_series(axes, part.values[i])
    else:
        _draw_image(axes, part.values[i], parts, i)
    if has_caption:
        axes.set_title(_caption(parts, i), fontsize=8, color=_INK, pad=3)
    if side:
        axes.text(
            -0.04, 0.5, side, rotation=90, va="center", ha="right", fontsize=9, color=_DIM, transform=axes.transAxes
        )


def _caption(parts: list[Part], i: int) -> str:
    """Return the label and the numbers of a sample."""
    shown = [tables.cell(part, i) for part in parts if part.kind in ("labels", "text", "numbers", "tokens")]
    return _cut(", ".join(shown) if shown else f"{i}", _LETTERS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _draw_image(axes: Any, pixels: Any, parts: list[Part], i: int) -> None:
    from matplotlib.patches import Rectangle

    height, width, channels = pixels.shape
    extent = (0, width, height, 0)
    if channels == 1:
        axes.imshow(pixels[..., 0], cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")
    else:
        axes.imshow(pixels, extent=extent, interpolation="nearest")
    for part in parts:
        if part.kind == "masks":
            mask = np.ma.masked_equal(np.asarray(part.values[i]), 0)
            most = max(1, int(np.max(part.values)))
            axes.imshow(
                mask, cmap="tab10", vmin=0, vmax=max(9, most), alpha=0.5, extent=extent, interpolation="nearest"
            )
        elif part.kind == "boxes":
            for x0, y0, x1, y1 in np.asarray(part.values[i])[:, :4].tolist():
                axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=_BOX, linewidth=1.6))
        elif part.kind == "points":
            points = np.asarray(part.values[i])
            inside = points[
                (points[:, 0] >= 0) & (points[:, 0] <= width) & (points[:, 1] >= 0) & (points[:, 1] <= height)
            ]
            axes.plot(inside[:, 0], inside[:, 1], "o", color=_POINT, markersize=4, markeredgecolor="white")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)


def _draw_series(axes: Any, values: Any) -> None:
    axes.set_axis_on()
    channels = values.shape[1]
    for channel in range(min(channels, _MOST_CHANNELS)):
        axes.plot(values[:, channel], color=_LINES[channel % len(_LINES)], linewidth=1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7, colors=_DIM, length=2)
    axes.margins(x=0.01)


def _draw_table(figure_class: Any, parts: list[Part], n: int, title: str, file: IO[bytes], suffix: str) -> None:
    names = [part.name for part in parts]
    cells = [[_cut(tables.cell(part, i), 70 // max(1, len(parts)) + 20) for part in parts] for i in range(n)]
    longest = [max(len(row[c]) for row in [names, *cells]) for c in range(len(parts))]
    figure = figure_class(figsize=(max(4.0, 0.085 * sum(longest) + 0.8), 0.28 * (n + 1) + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    widths = [length / sum(longest) for length in longest]
    table = axes.table(
        cells, colLabels=names, cellLoc="left", colLoc="left", loc="center", colWidths=widths, edges="horizontal"
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(1, 1.25)
    for (row, _), box in table.get_celld().items():
        box.set_edgecolor("#d9dfe5")
        box.set_text_props(color=_DIM if row == 0 else _INK)
    figure.suptitle(_cut(title, max(40, sum(longest))), x=0.01, ha="left", fontsize=9, color=_DIM)
    figure.savefig(file, format=suffix, dpi=120)
