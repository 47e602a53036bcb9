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

    def batches_after(self, items: int) -> int | None:
        """Return how many batches of `take` each rank still has after a place; None without `take`."""
        return None if self.take is None else max(0, self.take - self.batches_before(items))


class TextRun(Protocol):
    """One pass over the text. Closing it, or dropping it, ends the work ahead."""

    def next(self) -> Any:
        """Return the next batch; None after the last, or as many as `take` wants. False: the run was closed."""

    def progress(self) -> tuple[int, int, int, int, int]:
        """Return how many batches were handed out, also after the run was closed, and where the next pass goes on.

        These are: batches, items in them; unit and byte of the place, items of all ranks from the start to there.
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


def batch_length(batch: Any) -> int:
    """Return the items in a batch, of any output."""
    return len(batch[1]) - 1 if isinstance(batch, tuple) else len(batch)


def to_numpy_strings(batch: list[str]) -> NDArray[Any]:
    """Return an array of NumPy's StringDType."""
    return np.array(batch, dtype=np.dtypes.StringDType())
