# SPDX-License-Identifier: MIT
"""A resize of uint16, int32 and float32: Pillow's sums in float64, with the same bytes on every machine.

Pillow's own depend on it: on 64-bit Arm its compilers fuse multiplications and additions, so that a tie is rounded
otherwise; and before 12.3 it does not clip 16 bits between the passes. In C++: `csrc/image/resize_numbers.cpp`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.decode.single_image import Box

Array = NDArray[Any]


def resize_numbers(pixels: Array, height: int, width: int, filter_name: str, box: Box | None) -> Array:
    """Return pixels (height, width) weighed by any filter but "nearest"."""
    rows, columns = pixels.shape
    left, top, right, bottom = (np.float32(side) for side in box or (0, 0, columns, rows))
    passes = []
    if (left, right, width) != (0, columns, columns):
        passes.append((1, left, right, width))
    if (top, bottom, height) != (0, rows, rows):
        passes.append((0, top, bottom, height))
    if resizes_columns_first(rows, columns, height, width):
        passes.reverse()
    for axis, low, high, size in passes:
        turned = pixels if axis else pixels.T
        weighed = _weigh(turned, low, high, size, filter_name)
        pixels = weighed if axis else weighed.T
    return np.ascontiguousarray(pixels)


def resizes_columns_first(rows: int, columns: int, height: int, width: int) -> bool:
    """Return whether an image of `rows` x `columns` is resized by columns, then by rows, as Pillow 13 does it.

    Pillow 11 and 12 always begin with the rows. In C++: `resizes_columns_first` in `csrc/image/resize.cpp`.
    """
    shorter = rows - height
    return shorter > 0 and shorter > 2 * (columns - width)


def _weigh(pixels: Array, low: np.float32, high: np.float32, size: int, filter_name: str) -> Array:
    """Return the pixels with rows of `size` elements, each a weighted sum of neighbours in [low, high)."""
    starts, weights = _taps(pixels.shape[1], low, high, size, filter_name)
    counts = np.array([len(some) for some in weights])
    sums = np.zeros((len(pixels), size))
    for k in range(int(counts.max())):
        outputs = np.flatnonzero(counts > k)
        sums[:, outputs] += pixels[:, starts[outputs] + k] * np.array([weights[i][k] for i in outputs])
    if pixels.dtype == np.float32:
        return sums.astype(np.float32)
    rounded = np.trunc(np.clip(sums + np.where(sums >= 0, 0.5, -0.5), -(2.0**31), 2.0**31 - 1))
    return (np.clip(rounded, 0, 65535) if pixels.dtype == np.uint16 else rounded).astype(pixels.dtype)


def _taps(
    n: int, low: np.float32, high: np.float32, size: int, filter_name: str
) -> tuple[NDArray[np.intp], list[list[float]]]:
    """Return the first element that each output uses, and the weights from there on, whose sum is 1."""
    weight, reach = _FILTERS[filter_name]
    scale = float(high - low) / size
    wide = max(scale, 1.0)
    support, step = reach * wide, 1.0 / wide
    starts, weights = [], []
    for i in range(size):
        center = float(low) + (i + 0.5) * scale
        start = min(max(int(center - support + 0.5), 0), n)
        stop = min(int(center + support + 0.5), n)
        some = [weight((k - center + 0.5) * step) for k in range(start, stop)]
        total = 0.0
        for one in some:  # not sum(), which compensates
            total += one
        starts.append(start)
        weights.append([one / total for one in some] if total else some)
    return np.array(starts, np.intp), weights


def _box(x: float) -> float:
    return 1.0 if -0.5 < x <= 0.5 else 0.0


def _bilinear(x: float) -> float:
    return max(1.0 - abs(x), 0.0)


def _hamming(x: float) -> float:
    x = abs(x)
    if x == 0.0 or x >= 1.0:
        return 1.0 - min(x, 1.0)
    x *= math.pi
    return math.sin(x) / x * (float(np.float32(0.54)) + float(np.float32(0.46)) * math.cos(x))


def _bicubic(x: float) -> float:
    x, a = abs(x), -0.5
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2.0 else 0.0


def _sinc(x: float) -> float:
    return math.sin(x * math.pi) / (x * math.pi) if x else 1.0


def _lanczos(x: float) -> float:
    return _sinc(x) * _sinc(x / 3) if -3.0 <= x < 3.0 else 0.0


_FILTERS: dict[str, tuple[Callable[[float], float], float]] = {
    "box": (_box, 0.5),
    "bilinear": (_bilinear, 1.0),
    "hamming": (_hamming, 1.0),
    "bicubic": (_bicubic, 2.0),
    "lanczos": (_lanczos, 3.0),
}
