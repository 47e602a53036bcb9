# SPDX-License-Identifier: MIT
"""Samples that are slices of longer sequences: windows of time series, contexts of tokens. Nothing is copied.

In C++: `csrc/source/window.h` and `csrc/source/pieces.h`; in plain Python: `src/fastbatch/pure/sequences.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_ROWS = 2**63 - 1
BLOCK_ROWS = 1024  # rows per block of a sequential pass; determines the rounding of statistics
BLOCKS_AT_ONCE = 1024  # blocks between two checks for Ctrl-C


@dataclass(frozen=True)
class Pieces:
    """Ranges of rows that no sample crosses: the series or documents in one array.

    Attributes:
        starts: First row of the first sample of each piece.
        counts: Number of samples in each piece.
    """

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Total number of samples."""
        return int(self.counts.sum())


@dataclass(frozen=True)
class Part:
    """Defines the rows of each sample. All rows are in range.

    Attributes:
        start: First row of sample 0; with `pieces`, an offset added to their rows.
        n: Number of samples.
        stride: Rows between the starts of consecutive samples.
        length: Rows per sample; None for a single row without its own dimension.
        step: Rows between consecutive rows of a sample.
        pieces: The pieces that samples are cut from; None for one contiguous range.
    """

    start: int
    n: int
    stride: int
    length: int | None = None
    step: int = 1
    pieces: Pieces | None = None


def blocks(part_of: Callable[[Any, Part], Any], rows: Any, start: int, stop: int) -> Iterator[tuple[int, Any]]:
    """Yield (first row, source of blocks of rows) that cover rows `start` to `stop` in order.

    Args:
        part_of: The backend's function that returns a source for a `Part`.
    """
    whole_blocks = (stop - start) // BLOCK_ROWS
    for block in range(0, whole_blocks, BLOCKS_AT_ONCE):
        first = start + block * BLOCK_ROWS
        n = min(BLOCKS_AT_ONCE, whole_blocks - block)
        yield first, part_of(rows, Part(first, n, BLOCK_ROWS, BLOCK_ROWS))
    first = start + whole_blocks * BLOCK_ROWS
    if first < stop:
        yield first, part_of(rows, Part(first, 1, 1, stop - first))
