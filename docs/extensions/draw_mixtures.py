# SPDX-License-Identifier: MIT
"""Draws the picture of docs/mixtures.md from the loaders themselves, when run as a program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from picture import picture, text

import fastbatch as fb

COLORS = ("#00897b", "#f2a541", "#5c6bc0")
NAMES = ("web 0.5", "books 0.3", "code 0.2")
SIZES, SHARES, TURNS = (40, 20, 4), (0.5, 0.3, 0.2), 30
SIDE, GAP = 26, 2


def mixtures() -> str:
    """Return the picture of a mixture: its samples, and those of each part."""
    parts = [fb.arrays(100 * i + np.arange(n), shuffle=True, seed=i) for i, n in enumerate(SIZES)]
    (samples,) = fb.mix(zip(parts, SHARES, strict=True), stop="last", batch_size=TURNS).take(1)
    drawn = [text(24, 44, "the mixture", "head")]
    drawn += [box(130 + j * (SIDE - 1), 26, int(sample)) for j, sample in enumerate(samples)]
    bracket = f'<path d="M130 62v6h{10 * (SIDE - 1) - GAP}v-6" fill="none" stroke="#52606d"/>'
    drawn += [bracket, text(130, 84, "one period: 5, 3 and 2 turns", "note")]
    for i, name in enumerate(NAMES):
        y = 108 + i * 46
        drawn.append(text(24, y + 18, name, "head"))
        own = [int(sample) for sample in samples if sample // 100 == i]
        for k, sample in enumerate(own):
            x = 130 + k * (SIDE - 1) + (k // SIZES[i]) * 14
            drawn.append(box(x, y, sample))
            if k and k % SIZES[i] == 0:
                drawn.append(f'<path d="M{x - 8} {y - 5}v{SIDE + 10}" stroke="#52606d" stroke-dasharray="3 3"/>')
    drawn.append(text(420, 108 + 2 * 46 + 18, "its second epoch, in a new order", "note"))
    return picture(
        252,
        "A mixture of three loaders",
        "Three parts take turns in a pattern of ten. The smallest part begins its second epoch.",
        drawn,
    )


def box(x: int, y: int, sample: int) -> str:
    """Return a square in the colour of a part, with the number of its sample."""
    side, middle = SIDE - 1 - GAP, x + (SIDE - 1 - GAP) / 2
    square = f'<rect x="{x}" y="{y}" width="{side}" height="{side}" rx="3" fill="{COLORS[sample // 100]}"/>'
    return f'{square}<text x="{middle}" y="{y + 16}" text-anchor="middle" class="n">{sample % 100}</text>'


if __name__ == "__main__":
    (Path(__file__).parents[1] / "mixtures.svg").write_text(mixtures())
