# SPDX-License-Identifier: MIT
"""What happens to an image's colours and places between its resize and its batch: float32, (row, column, channel)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

WILD = 2.0**52  # coordinates from here on are not told apart


def warp(
    image: NDArray[Any],
    matrix: Doubles,
    offset: Doubles,
    order: int = 1,
    fill: str = "nearest",
    fill_value: float = 0.0,
) -> Floats:
    """Return the image whose pixel `p` = (row, column) is that of `image` at `matrix @ p + offset`.

    The same as `scipy.ndimage.affine_transform(channel, matrix, offset, order=order, mode=fill, cval=fill_value)` for
    each channel: exactly with order 0, up to the rounding of float32 with order 1.

    Source: `csrc/kernels/warp_scalar.cpp`.
    """
    height, width = image.shape[:2]
    row, column = np.arange(height, dtype=float)[:, None], np.arange(width, dtype=float)[None, :]
    with np.errstate(all="ignore"):  # what overflows is caught below
        y = row * matrix[0][0] + column * matrix[0][1] + offset[0]
        x = row * matrix[1][0] + column * matrix[1][1] + offset[1]
        outside = ~((y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1))
        bounds = [
            abs(matrix[i][0]) * float(height) + abs(matrix[i][1]) * float(width) + abs(offset[i]) for i in range(2)
        ]
    if fill == "constant":
        if not max(bounds) < WILD:
            outside[:] = True
        y, x = np.where(outside, 0.0, y), np.where(outside, 0.0, x)
    else:
        y, x = fold(y, height - 1, fill), fold(x, width - 1, fill)
    half = 0.5 if order == 0 else 0.0
    top, left = np.floor(y + half), np.floor(x + half)
    fraction_y, fraction_x = (y - top).astype("f4")[..., None], (x - left).astype("f4")[..., None]
    y0, y1 = (np.clip(top + i, 0, height - 1).astype(int) for i in range(2))
    x0, x1 = (np.clip(left + i, 0, width - 1).astype(int) for i in range(2))
    pixels = image.astype("f4")
    warped: Floats = pixels[y0, x0]
    if order == 1:
        upper = warped + fraction_x * (pixels[y0, x1] - warped)
        lower = pixels[y1, x0] + fraction_x * (pixels[y1, x1] - pixels[y1, x0])
        warped = upper + fraction_y * (lower - upper)
    if fill == "constant":
        warped[outside] = fill_value
    return warped


def fold(at: Doubles, last: int, fill: str) -> Doubles:
    """Return coordinates brought back into [0, last], or less than a pixel beyond, by SciPy's rules.

    With "wrap" the first and the last pixel are the same place: the period is `last`, not `last + 1`.
    """
    at = np.nan_to_num(at, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if fill == "nearest":
        return np.clip(at, 0.0, float(last))
    at = np.where((np.abs(at) < WILD) & (last > 0), at, 0.0)
    inside = (at >= 0) & (at <= last)
    if fill == "wrap":
        period = float(max(last, 1))
        low = at + period * (np.trunc(-at / period) + 1)
        high = at - period * np.trunc(at / period)
    else:
        n = float(last + 1)
        period = 2 * n
        low = np.where(at < -period, period * np.trunc(-at / period) + at, at)
        low = np.where(low < -n, low + period, -low - 1)
        high = at - period * np.trunc(at / period)
        high = np.where(high >= n, period - high - 1, high)
    return np.where(inside, at, np.where(at < 0, low, high))
