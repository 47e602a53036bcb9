# SPDX-License-Identifier: MIT
"""What happens to an image's colours and places between its resize and its batch: float32, (row, column, channel)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

WILD = 2.0**52  # coordinates from here on are not told apart
INNER_MARGIN = 2.0**-16  # pixels
INNER_COORDINATE = 2.0**30
INNER_WIDTH = 2**16


def warp(
    image: NDArray[Any], matrix: ArrayLike, offset: ArrayLike, order: int = 1, fill: str = "nearest", value: float = 0.0
) -> Floats:
    """Return the image whose pixel `p` = (row, column) is that of `image` at `matrix @ p + offset`.

    The same as `scipy.ndimage.affine_transform(channel, matrix, offset, order=order, mode=fill, cval=value)` for each
    channel: exactly with order 0, up to rounding with order 1. There, a coordinate inside the image is counted in
    fixed point: from column 0 of its row in steps of 2^-32 pixels.

    Source: `csrc/kernels/warp_scalar.cpp`.
    """
    shape = image.shape[:2]
    m, shift = np.asarray(matrix, float), np.asarray(offset, float)
    row, column = np.arange(shape[0], dtype=float)[:, None], np.arange(shape[1], dtype=float)[None, :]
    with np.errstate(all="ignore"):  # what overflows is caught below
        exact = [row * m[i, 0] + column * m[i, 1] + shift[i] for i in range(2)]
        bound = np.max(np.abs(m[:, 0]) * float(shape[0]) + np.abs(m[:, 1]) * float(shape[1]) + np.abs(shift))
    beyond = np.zeros(shape, bool)
    if fill == "constant":
        beyond = ~(within(exact[0], 0, shape[0] - 1) & within(exact[1], 0, shape[1] - 1)) | (not bound < WILD)
        at = [np.where(beyond, 0.0, axis) for axis in exact]
    else:
        at = [fold(axis, n - 1, fill) for axis, n in zip(exact, shape, strict=True)]
    whole = [np.floor(axis + 0.5 if order == 0 else axis) for axis in at]
    part = [(axis - start).astype("f4") for axis, start in zip(at, whole, strict=True)]
    if order == 1 and bound < INNER_COORDINATE and shape[1] <= INNER_WIDTH:
        margin = INNER_MARGIN
        inner = within(exact[0], margin, shape[0] - 1 - margin) & within(exact[1], margin, shape[1] - 1 - margin)
        for i in range(2):
            start, step = np.rint(exact[i][:, :1] * 2.0**32), np.rint(m[i, 1] * 2.0**32)
            fixed = start.astype(np.int64) + np.arange(shape[1]) * np.int64(step)
            whole[i] = np.where(inner, fixed >> 32, whole[i])
            part[i] = np.where(inner, ((fixed & 0xFFFFFFFF) >> 8).astype("f4") * np.float32(2.0**-24), part[i])
    (top, bottom), (left, right) = (
        [np.clip(start + one, 0, n - 1).astype(int) for one in range(2)] for start, n in zip(whole, shape, strict=True)
    )
    pixels = image.astype("f4")
    warped: Floats = pixels[top, left]
    if order == 1:
        on_left = mix(warped, pixels[bottom, left], part[0])
        on_right = mix(pixels[top, right], pixels[bottom, right], part[0])
        warped = mix(on_left, on_right, part[1])
    warped[beyond] = value
    return warped


def mix(one: Floats, other: Floats, share: Floats) -> Floats:
    """Return the pixels between two, `share` of the way from one to the other."""
    return one + share[..., None] * (other - one)


def within(at: Doubles, low: float, high: float) -> NDArray[np.bool_]:
    """Return where low <= at <= high."""
    return (at >= low) & (at <= high)


def fold(at: Doubles, last: int, fill: str) -> Doubles:
    """Return coordinates brought back into [0, last], or less than a pixel beyond, by SciPy's rules.

    With "wrap" the first and the last pixel are the same place: the period is `last`, not `last + 1`.
    """
    at = np.nan_to_num(at, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if fill == "nearest":
        return np.clip(at, 0.0, float(last))
    at = np.where((np.abs(at) < WILD) & (last > 0), at, 0.0)
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
    return np.where(within(at, 0, last), at, np.where(at < 0, low, high))
