# SPDX-License-Identifier: MIT
"""Several arrays concatenated into one sequence of rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastbatch.batch.pickling import pack, unpack
from fastbatch.checks import n_of
from fastbatch.mapped import rows_of


class Series:
    """Several concatenated arrays; windows never cross from one into the next. See `series`.

    Attributes:
        parts: The arrays or sources.
        lengths: Number of rows of each part.
        dtype, shape: Of the concatenation.
    """

    serves_rows = True  # row `i` by position, with `dtype` and `shape`; see `as_rows`

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = list(parts)
        first = self.parts[0]
        for i, part in enumerate(self.parts):
            if (part.dtype, part.shape[1:]) != (first.dtype, first.shape[1:]):
                expected, found = (f"{one.dtype} rows of shape {tuple(one.shape[1:])}" for one in (first, part))
                raise ValueError(f"series {i}: expected {expected}, as those of series 0, found {found}")
        self.lengths: list[int] = [part.shape[0] for part in self.parts]
        self._ends = np.cumsum(self.lengths).tolist()
        self.dtype: np.dtype[Any] = first.dtype
        self.shape: tuple[int, ...] = (self._ends[-1], *first.shape[1:])

    def __reduce__(self) -> Any:
        return _series, ([pack(part) for part in self.parts],)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def part_of(self, index: int) -> tuple[Any, int]:
        """Return the part that contains row `index`, and the row's index in it."""
        p = bisect_right(self._ends, index)
        return self.parts[p], index - (self._ends[p] - self.lengths[p])

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            rows = [self[i] for i in range(len(self))[index]]
            return np.stack(rows) if rows else np.empty((0, *self.shape[1:]), self.dtype)
        if not -len(self) <= index < len(self):
            raise IndexError(f"expected an index from {-len(self)} to {len(self) - 1}, found {index}")
        part, place = self.part_of(index % len(self))
        return rows_of(part, place, place + 1)[0]

    def __repr__(self) -> str:
        rows = n_of(sum(self.lengths), "row")
        return f"Series({len(self.parts)} of {rows}, dtype={self.dtype}, row shape={self.shape[1:]})"


def _series(parts: list[Any]) -> Series:
    return Series([unpack(part) for part in parts])
