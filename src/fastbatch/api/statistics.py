# SPDX-License-Identifier: MIT
"""`statistics`: mean and standard deviation of the channels of long arrays, for `normalize=`."""

from __future__ import annotations

from typing import Any, SupportsIndex

import numpy as np

from fastbatch.checks import whole
from fastbatch.decode.statistics import Statistics
from fastbatch.mapped import verify
from fastbatch.source.formats import as_rows, open_array
from fastbatch.source.series import Series
from fastbatch.source.window import MAX_ROWS, blocks

from .backend import Backend


def statistics(backend: Backend, data: Any, start: SupportsIndex = 0, stop: SupportsIndex | None = None) -> Statistics:
    """Return the mean and standard deviation of each channel, over all rows or over the rows to train on.

    Args:
        data: An array of numbers, time first, a path of a .npy or IDX file, a source, or `series`. Read once, in
            blocks.
        start, stop: First row, and the row after the last one; None is the end.

    Returns:
        `Statistics` for the option `normalize` of `windows`: `mean` and `std`, float64 in the shape of a row, and `n`,
        the number of rows.

    Raises:
        ValueError: No rows, or rows out of range.
        TypeError, OSError, FormatError: As for `arrays`.

    Example:
        >>> import fastbatch as fb
        >>> seen = fb.statistics("sensors.npy", stop=1600)
        >>> seen.n, seen.mean.shape
        (1600, (3,))
        >>> train = fb.windows("sensors.npy", length=101, end_index=1600, normalize=seen)
        >>> valid = fb.windows("sensors.npy", length=101, start_index=1600, normalize=seen)
        >>> train.n_samples, valid.n_samples
        (1500, 300)

    Source: `csrc/decode/standardize.cpp`; Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance",
    1983.
    """
    source = open_array(backend, data)
    rows = source if isinstance(source, Series) else as_rows(source)
    if rows.dtype.kind not in "biuf":
        raise TypeError(f"expected numbers, found elements of type {rows.dtype}")
    n = rows.shape[0]
    first = whole("start", start, 0, MAX_ROWS)
    last = n if stop is None else whole("stop", stop, 0, n)
    if first >= last:
        raise ValueError(f"expected rows, found none from {first} to {last}")
    channels = int(np.prod(rows.shape[1:], dtype=np.int64))
    if channels == 0:
        raise ValueError(f"expected rows with elements, found shape {tuple(rows.shape)}")
    moments = backend.moments(channels)
    for part, begin, end in _stretches(rows, first, last):
        for _, block in blocks(backend.part, part, begin, end):
            moments.add(block)
    verify(rows)  # or it could be of two contents
    shape = tuple(rows.shape[1:])
    return Statistics(moments.mean.reshape(shape), np.sqrt(moments.variance).reshape(shape), last - first)


def _stretches(rows: Any, start: int, stop: int) -> list[tuple[Any, int, int]]:
    """Return (array, first row, end) of the arrays that contain rows `start` to `stop`."""
    if not isinstance(rows, Series):
        return [(rows, start, stop)]
    found, before = [], 0
    for part, length in zip(rows.parts, rows.lengths, strict=True):
        begin, end = max(start - before, 0), min(stop - before, length)
        if begin < end:
            found.append((part, begin, end))
        before += length
    return found
