# SPDX-License-Identifier: MIT
"""Samples that are slices of sequences, and statistics of sequences.

In C++: `csrc/source/window.cpp`, `csrc/source/pieces.cpp`, `csrc/decode/standardize.cpp`.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.mapped import require_mapped
from fastbatch.source.chunks import ChunkedRows
from fastbatch.source.series import Series
from fastbatch.source.window import Part

from .array_file import verify

Array = np.ndarray[Any, Any]

STD_FLOOR = 1e-8


class PartOf:
    """An array-like whose element `i` is part `i` of another array."""

    serves_rows = True

    def __init__(self, rows: Any, part: Part) -> None:
        self._rows = rows
        self._part = part
        if part.pieces is not None:
            self._starts = part.pieces.starts.tolist()
            self._firsts = (np.cumsum(part.pieces.counts) - part.pieces.counts).tolist()  # first sample of each piece
        window = () if part.length is None else (part.length,)
        self.dtype: np.dtype[Any] = rows.dtype
        self.shape: tuple[int, ...] = (part.n, *window, *rows.shape[1:])

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if the file under the rows was written to since it was opened."""
        verify_source(self._rows, may_be_shorter)

    def first_row(self, index: int) -> int:
        """Return the first row of sample `index`."""
        part = self._part
        if part.pieces is None:
            return part.start + index * part.stride
        piece = bisect_right(self._firsts, index) - 1
        return int(part.start + self._starts[piece] + (index - self._firsts[piece]) * part.stride)

    def __getitem__(self, index: int | slice) -> Array:
        if isinstance(index, slice):
            return np.stack([self[i] for i in range(self._part.n)[index]])
        require_mapped(self._rows)
        part = self._part
        first = self.first_row(index)
        if part.length is None:
            return np.asarray(self._rows[first])
        return np.asarray(self._rows[first : first + (part.length - 1) * part.step + 1 : part.step])


def require_parts(source: Any) -> None:
    """Raise FormatError if the file under an array, or under a part of a series, has become shorter."""
    for part in source.parts if isinstance(source, Series) else [source]:
        require_mapped(part)


def verify_source(source: Any, may_be_shorter: bool) -> None:
    """Raise FormatError if a file under an array, or under one of several, was written to since it was opened."""
    for part in source.parts if isinstance(source, Series) else [source]:
        if isinstance(part, PartOf | ChunkedRows):
            part.verify(may_be_shorter)
        else:
            verify(part, may_be_shorter)


# ---- statistics ------------------------------------------------------------------------------------------------------


def sum_rows(rows: Array) -> Array:
    """Return the sum of float64 rows in sequential order; `np.sum` uses another order."""
    total = np.zeros(rows.shape[1])
    with np.errstate(all="ignore"):
        for row in rows:
            total = total + row
    return total


def distances(x: Array, origin: Array) -> tuple[Array, Array]:
    """Return the mean of the rows of x - origin, and each row's difference from that mean."""
    with np.errstate(all="ignore"):
        less = x - origin
        mean = sum_rows(less) / len(x)
        return mean, less - mean


def standardize(sample: Array, dtype: np.dtype[Any]) -> Array:
    """Return a sample (rows, channels...) with each channel standardised on its own."""
    x = sample.astype(np.float64).reshape(len(sample), -1)
    _, distance = distances(x, x[0])
    with np.errstate(all="ignore"):
        deviation = np.sqrt(sum_rows(distance * distance) / len(x))
        scale = 1.0 / np.where(deviation < STD_FLOOR, STD_FLOOR, deviation)
        out: Array = (distance * scale).astype(dtype).reshape(sample.shape)
        return out


class PureMoments:
    """Mean and variance of rows, updated block by block (Chan, Golub and LeVeque 1983)."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._n = 0
        self._origin = np.zeros(channels)  # the first row, subtracted from all
        self._mean = np.zeros(channels)
        self._squares = np.zeros(channels)

    def add(self, blocks: Any) -> None:
        for i in range(blocks.shape[0]):
            self._add_block(np.asarray(blocks[i]).astype(np.float64).reshape(-1, self._channels))

    def _add_block(self, x: Array) -> None:
        if self._n == 0:
            self._origin = x[0]
        mean, distance = distances(x, self._origin)
        n, before = float(len(x)), float(self._n)
        with np.errstate(all="ignore"):
            step = mean - self._mean
            self._mean = self._mean + step * (n / (before + n))
            squares = sum_rows(distance * distance)
            self._squares = self._squares + (squares + (step * step) * (before * n / (before + n)))
        self._n += len(x)

    @property
    def mean(self) -> NDArray[np.float64]:
        return self._origin + self._mean

    @property
    def variance(self) -> NDArray[np.float64]:
        return self._squares / self._n
