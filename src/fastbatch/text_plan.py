# SPDX-License-Identifier: MIT
"""What fixes the batches of words and lines, and what an implementation has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8-sig", "ascii": "ascii", "iso8859-1": "latin-1"}
HANDLERS = ("strict", "ignore", "replace", "surrogateescape", "backslashreplace")


@dataclass(frozen=True)
class Place:
    """Where a pass goes on.

    Attributes:
        items: Words or lines of all ranks that came before.
        unit: Number of the file; of shuffled lines, the line's place in the order.
        byte: In the file, or in the line.
    """

    items: int = 0
    unit: int = 0
    byte: int = 0


@dataclass(frozen=True)
class TextPlan:
    """What decides the batches of an epoch, and how they look; the epoch and the place come later.

    Attributes:
        item: "word" or "line".
        keepends: Whether a line has its newline.
        shuffle: False, "line", or "block": blocks of `block_size` lines, mixed inside each `window` of them.
        output: "str", "numpy", "offsets" or "ids", which are of `dtype`.
        take: Batches an epoch has at most, or None.
        read_size: Bytes read at once.
        prefetch_bytes: Text that may be read and searched ahead.
    """

    paths: tuple[bytes, ...]
    item: Literal["word", "line"]
    batch_size: int
    encoding: str = "utf-8"
    errors: str = "strict"
    keepends: bool = True
    shuffle: bool | str = False
    seed: int = 0
    block_size: int = 4096
    window: int = 16
    output: str = "str"
    vocabulary: Any = None
    dtype: str = "int64"
    drop_last: bool = False
    rank: int = 0
    world_size: int = 1
    take: int | None = None
    threads: int | None = None
    read_size: int = 1 << 17
    prefetch_bytes: int = 1 << 19

    def batches_before(self, items: int) -> int:
        """Return how many batches of each rank come before a place."""
        return -(-items // (self.batch_size * self.world_size))


class TextRun(Protocol):
    """One pass over the text. Closing it, or dropping it, ends the work ahead."""

    def next(self) -> tuple[int, Any, int, int, int] | Literal[False] | None:
        """Return the batch's number, the batch, and where the next pass goes on; None after the last.

        The place is (unit, byte, items since the run's start). False: the run was closed.
        """

    def close(self) -> None: ...


class TextImplementation(Protocol):
    """One way of reading text: `fastbatch` and `fastbatch.pure` are the two."""

    def start(self, plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> TextRun:
        """Begin a pass; what may be kept for the next one, such as where the lines lie, is put into `known`."""

    def count(self, plan: TextPlan) -> int:
        """Return how many words or lines there are."""

    def count_words(self, plan: TextPlan, max_words: int, min_count: int) -> list[tuple[str, int]]:
        """Return the most frequent words and their counts, those with equal counts in the order of their characters."""


def is_decoded_natively(plan: TextPlan) -> bool:
    """Return whether bytes of the file are what positions count; else Python decodes, and they count UTF-8."""
    return plan.encoding in ENCODINGS.values() and plan.errors in HANDLERS


def to_numpy_strings(batch: list[str]) -> NDArray[Any]:
    """Return an array of NumPy's StringDType."""
    return np.array(batch, dtype=np.dtypes.StringDType())
