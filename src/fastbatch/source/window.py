# SPDX-License-Identifier: MIT
"""Samples that are parts of longer sequences: windows of series, contexts of tokens. Nothing is copied.

How a part is found in memory: `csrc/source/window.h` and `csrc/source/pieces.h`, or `fastbatch.pure.sequences`.
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
    """Which rows of a sequence make which sample. All of them exist.

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


def blocks(part_of: Callable[[Any, Part], Any], rows: Any, start: int, stop: int) -> Iterator[tuple[int, Any]]:
    """Yield (first row, source of blocks of rows) that cover rows `start` to `stop` in order.

    Args:
        part_of: The backend's function that returns a source of parts.
    """
    whole_blocks = (stop - start) // BLOCK_ROWS
    for block in range(0, whole_blocks, BLOCKS_AT_ONCE):
        first = start + block * BLOCK_ROWS
        n = min(BLOCKS_AT_ONCE, whole_blocks - block)
        yield first, part_of(rows, Part(first, n, BLOCK_ROWS, BLOCK_ROWS))
    first = start + whole_blocks * BLOCK_ROWS
    if first < stop:
        yield first, part_of(rows, Part(first, 1, 1, stop - first))
