# SPDX-License-Identifier: MIT
"""Samples that are parts of longer sequences: windows of one series or of many, contexts of tokens. Nothing is copied.

How a part is found in memory: `csrc/source/window.h` and `csrc/source/pieces.h`, or `fastbatch.pure.sequences`.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastbatch.api.arrays import Surface, as_rows
from fastbatch.batch.pickling import pack, unpack
from fastbatch.batch.tree import is_path
from fastbatch.plan.plan import Plan

MAX_ROWS = 2**63 - 1
BLOCK_ROWS = 1024  # of what is read from end to end; decides the roundings of statistics
BLOCKS_AT_ONCE = 1024  # between two looks for Ctrl-C


@dataclass(frozen=True)
class Pieces:
    """Stretches of rows that samples are cut from, each by itself: the series, or documents, of one array.

    Attributes:
        starts: First row of each piece's first sample.
        counts: Samples of each piece.
    """

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Samples in all."""
        return int(self.counts.sum())


@dataclass(frozen=True)
class Part:
    """Which rows of a sequence make which sample. All of them are there.

    Attributes:
        start: The first row of sample 0, or rows to add to those of the pieces.
        n: Samples.
        stride: Rows from the start of one sample to the next.
        length: Rows in a sample, or None for one row without a dimension of its own.
        step: Rows from one row of a sample to the next.
        pieces: Where samples begin when they are cut from many stretches; None when from one.
    """

    start: int
    n: int
    stride: int
    length: int | None = None
    step: int = 1
    pieces: Pieces | None = None


class Series:
    """Several arrays, one after another, that no window crosses the ends of: see `series`.

    Attributes:
        parts: The arrays or sources.
        lengths: Rows of each.
        dtype, shape: As of all of them put together.
    """

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
        """Return the part that row `index` is in, and its place there."""
        p = bisect_right(self._ends, index)
        return self.parts[p], index - (self._ends[p] - self.lengths[p])

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            rows = [self[i] for i in range(len(self))[index]]
            return np.stack(rows) if rows else np.empty((0, *self.shape[1:]), self.dtype)
        if not -len(self) <= index < len(self):
            raise IndexError(f"expected an index from {-len(self)} to {len(self) - 1}, found {index}")
        part, place = self.part_of(index % len(self))
        return part[place]

    def __repr__(self) -> str:
        return f"Series({len(self.parts)} of {sum(self.lengths)} rows, dtype={self.dtype}, row shape={self.shape[1:]})"


def _series(parts: list[Any]) -> Series:
    return Series([unpack(part) for part in parts])


class Moments(Protocol):
    """Mean and variance (divided by n) of each channel of the rows so far."""

    @property
    def mean(self) -> NDArray[np.float64]: ...
    @property
    def variance(self) -> NDArray[np.float64]: ...
    def add(self, blocks: Any) -> None:
        """Add each sample of a source, (rows, channels...), as one block."""


class PartSurface(Surface):
    """A surface that serves parts of sequences too."""

    @abstractmethod
    def part(self, source: Any, part: Part) -> Any:
        """Return a source whose sample `i` is part `i` of `source`; no copy."""

    @abstractmethod
    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> NDArray[Any]:
        """Return the samples of batch `k`, counted from a position of an epoch."""

    @abstractmethod
    def moments(self, channels: int) -> Moments:
        """Return the statistics of no rows yet."""

    @abstractmethod
    def find_all(self, blocks: Any, value: int) -> NDArray[Any]:
        """Return the places of `value` among the integers of all samples of `blocks`."""

    @abstractmethod
    def is_npy(self, path: bytes) -> bool:
        """Return whether a file is a .npy file, by its content."""

    @abstractmethod
    def open_raw(self, path: bytes, dtype: np.dtype[Any]) -> Any:
        """Return the elements of a file that holds nothing else."""

    def series(self, parts: Iterable[Any]) -> Series:
        """Return several arrays as one datum for `windows`, which never cut across the end of one; or for `arrays`.

        Args:
            parts: Arrays, paths of .npy or IDX files, sources; all with the same dtype and the same shape of a row.

        Raises:
            ValueError: No parts, or parts that differ.
            TypeError, OSError, FormatError: As for `arrays`.

        Source: `csrc/decode/joined_decoder.cpp`.
        """
        if is_path(parts) or hasattr(parts, "dtype"):
            raise TypeError(f"expected a list of arrays or paths, found {type(parts).__name__}")
        opened = []
        for part in parts:
            source = self.open_file(os.fsencode(part)) if is_path(part) else part
            if isinstance(source, dict):
                raise TypeError(f"expected one array, found the archive {os.fsdecode(part)}")
            opened.append(as_rows(source))
        if not opened:
            raise ValueError("expected at least one series, found none")
        return Series(opened)

    def blocks(self, rows: Any, start: int, stop: int) -> Iterator[tuple[int, Any]]:
        """Yield (first row, source of blocks of rows) that cover rows `start` to `stop` in order."""
        whole_blocks = (stop - start) // BLOCK_ROWS
        for block in range(0, whole_blocks, BLOCKS_AT_ONCE):
            first = start + block * BLOCK_ROWS
            n = min(BLOCKS_AT_ONCE, whole_blocks - block)
            yield first, self.part(rows, Part(first, n, BLOCK_ROWS, BLOCK_ROWS))
        first = start + whole_blocks * BLOCK_ROWS
        if first < stop:
            yield first, self.part(rows, Part(first, 1, 1, stop - first))
