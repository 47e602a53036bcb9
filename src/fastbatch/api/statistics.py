# SPDX-License-Identifier: MIT
"""Mean and standard deviation of the channels of long arrays, for `normalize=`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from fastbatch.batch.tree import is_path
from fastbatch.checks import whole
from fastbatch.source.sequence import MAX_ROWS, PartSurface, Series

from .arrays import as_rows


@dataclass(frozen=True, eq=False)
class Statistics:
    """What `statistics` found, to be given as `normalize=`.

    Attributes:
        mean, std: Of each channel, float64, in the shape of a row; the std divides by n.
        n: Rows.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    n: int

    @property
    def scale(self) -> NDArray[np.float64]:
        """What rows are divided by: the std, and 1 for a channel that is constant."""
        return np.where(self.std == 0, 1.0, self.std)


class StatisticsSurface(PartSurface):
    """A surface that describes arrays too."""

    def statistics(self, data: Any, start: SupportsIndex = 0, stop: SupportsIndex | None = None) -> Statistics:
        """Return mean and standard deviation of each channel over rows `start` to `stop`: those to train on.

            seen = fb.statistics("sensors.npy", stop=800_000)
            train = fb.windows("sensors.npy", length=128, end_index=800_000, normalize=seen)
            valid = fb.windows("sensors.npy", length=128, start_index=800_000, normalize=seen)

        Args:
            data: An array of numbers, a path of a .npy or IDX file, a source, or `series`. Read once, in blocks.
            start, stop: The rows; None is the end.

        Raises:
            ValueError: No rows, or rows out of range.
            TypeError, OSError, FormatError: As for `arrays`.

        Source: `csrc/decode/standardize.cpp`; Chan, Golub and LeVeque 1983.
        """
        source = self.open_file(os.fsencode(data)) if is_path(data) else data
        if isinstance(source, dict):
            raise TypeError(f"expected one array, found the archive {os.fsdecode(data)}")
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
        moments = self.moments(channels)
        for part, begin, end in _stretches(rows, first, last):
            for _, blocks in self.blocks(part, begin, end):
                moments.add(blocks)
        shape = tuple(rows.shape[1:])
        return Statistics(moments.mean.reshape(shape), np.sqrt(moments.variance).reshape(shape), last - first)


def _stretches(rows: Any, start: int, stop: int) -> list[tuple[Any, int, int]]:
    """Return (array, first row, end) of the arrays that rows `start` to `stop` lie in."""
    if not isinstance(rows, Series):
        return [(rows, start, stop)]
    found, before = [], 0
    for part, length in zip(rows.parts, rows.lengths, strict=True):
        begin, end = max(start - before, 0), min(stop - before, length)
        if begin < end:
            found.append((part, begin, end))
        before += length
    return found
