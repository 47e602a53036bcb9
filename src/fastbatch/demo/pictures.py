# SPDX-License-Identifier: MIT
"""The demo's two pictures: a batch as the model sees it, and the throughput."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .table import Comparison, ratio

_INK, _SOFT, _FAINT = "#1f2933", "#66727f", "#e4e7eb"
_PURE, _FAST = "#b8c2cc", "#0f9d76"
_COLUMNS, _ROWS = 8, 4
_LONGEST_LABEL = 18  # characters that fit above a picture


def save_batch(path: Path, x: NDArray[np.uint8], labels: Sequence[str]) -> None:
    """Save the first pictures of a batch `(n, height, width, 3)` with their labels, as a grid."""
    n = min(len(x), _COLUMNS * _ROWS)
    rows = -(-n // _COLUMNS)
    width, height = 1.65 * _COLUMNS, 1.92 * rows + 1.0  # inches
    figure = _figure(width, height)
    shown = f"First {n} of {len(x)} pictures" if n < len(x) else f"All {n} pictures"
    _title(figure, "One training batch, as the model sees it", f"{shown}, cropped, flipped at random and shuffled")
    margin = 0.25 / width
    grid = figure.add_gridspec(
        rows,
        _COLUMNS,
        left=margin,
        right=1 - margin,
        top=1 - 1.08 / height,
        bottom=0.15 / height,
        wspace=0.06,
        hspace=0.2,
    )
    for k in range(n):
        axes = figure.add_subplot(grid[k // _COLUMNS, k % _COLUMNS])
        axes.imshow(x[k], interpolation="antialiased")
        axes.set_axis_off()
        axes.set_title(_short(labels[k]), fontsize=11, color=_INK, pad=4, parse_math=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(path)


def save_throughput(path: Path, comparisons: Sequence[Comparison], details: str) -> None:
    """Save bars of the loading rate in samples per second, one panel per comparison, with `details` below."""
    width, height = 10.5, 1.25 + 1.75 * len(comparisons)
    figure = _figure(width, height)
    _title(figure, "How fast the batches come", "Samples per second of loading alone; more is better")
    grid = figure.add_gridspec(
        len(comparisons), 1, left=0.135, right=0.69, top=1 - 1.5 / height, bottom=0.62 / height, hspace=0.62
    )
    for row, comparison in enumerate(comparisons):
        rates = (comparison.pure.samples_per_s, comparison.fast.samples_per_s)
        axes = figure.add_subplot(grid[row, 0])
        axes.barh([0, 1], rates, height=0.72, color=[_PURE, _FAST])
        axes.set_yticks([0, 1], ["plain Python", "fastbatch"], fontsize=12, color=_INK)
        axes.invert_yaxis()
        axes.set_xlim(0, max(rates))
        axes.set_title(comparison.title, loc="left", fontsize=13, color=_INK, pad=6)
        axes.tick_params(length=0)
        axes.set_xticks([])
        axes.spines[:].set_visible(False)
        axes.axvline(0, color=_SOFT, linewidth=1)
        for place, rate in enumerate(rates):
            axes.annotate(
                f"{rate:,.0f}/s",
                (rate, place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=12,
                color=_INK,
            )
        middle = grid[row, 0].get_position(figure)
        speed = ratio(rates[1] / rates[0]).replace(" x", "\N{MULTIPLICATION SIGN}")
        right, half = 1 - 0.3 / width, (middle.y0 + middle.y1) / 2
        figure.text(right, half + 0.02 / height, speed, fontsize=27, weight="bold", color=_FAST, ha="right")
        figure.text(right, half - 0.26 / height, "the speed", fontsize=11, color=_SOFT, ha="right")
    figure.text(0.25 / width, 0.2 / height, details, fontsize=9.5, color=_SOFT)
    figure.savefig(path)


def _figure(width: float, height: float) -> Any:
    """Return an empty white figure on the Agg backend, without a window system and without pyplot's global state."""
    figure = Figure(figsize=(width, height), dpi=120, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _title(figure: Any, title: str, subtitle: str) -> None:
    width, height = figure.get_size_inches()
    figure.text(0.25 / width, 1 - 0.42 / height, title, fontsize=18, weight="bold", color=_INK)
    figure.text(0.25 / width, 1 - 0.7 / height, subtitle, fontsize=12, color=_SOFT)


def _short(label: str) -> str:
    label = label.encode(errors="replace").decode()  # folder names may be invalid text
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"
