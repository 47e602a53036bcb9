# SPDX-License-Identifier: MIT
"""The options that fix the batches of words and lines, and the protocol of an implementation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from fastbatch.checks import whole
from fastbatch.plan.batch_range import EVERY_BATCH, BatchRange, dealt
from fastbatch.plan.plan import MAX_WORLD_SIZE

ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8-sig", "ascii": "ascii", "iso8859-1": "latin-1"}
HANDLERS = ("strict", "ignore", "replace", "surrogateescape", "backslashreplace")


@dataclass(frozen=True)
class Place:
    """A position within an epoch. Immutable.

    Attributes:
        items: Words or lines of all ranks that came before.
        unit: Number of the file; of shuffled lines, the number of the line in the epoch's order.
        byte: In the file, or in the line.
    """

    items: int = 0
    unit: int = 0
    byte: int = 0


@dataclass(frozen=True)
class TextPlan:
    """Everything that decides the batches of an epoch, except the epoch and the position in it. Immutable.

    Attributes:
        item: "word" or "line".
        keepends: Whether a line has its newline.
        shuffle: False, "line", or "block": blocks of `block_size` lines, mixed inside each `window` of them.
        output: "str", "numpy", "offsets" or "ids", which are of `dtype`.
        batches: Which batches of an epoch are served, after `take` and `skip`.
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
    batches: BatchRange = EVERY_BATCH
    threads: int | None = None
    read_size: int = 1 << 17
    prefetch_bytes: int = 1 << 19

    @property
    def first_item(self) -> int:
        """Words or lines of all ranks before the first batch that is served."""
        return self.batches.first * self.batch_size * self.world_size

    def batches_before(self, items: int) -> int:
        """Return how many batches of each rank come before a position."""
        return -(-items // (self.batch_size * self.world_size))

    def batches_after(self, items: int) -> int | None:
        """Return how many batches each rank may still hand out after a position, or None: all there are."""
        return self.batches.left(self.batches_before(items))

    def batches_of(self, n: int, items: int) -> int:
        """Return the batches of this rank from a position on, when there are `n` words or lines."""
        items = max(items, self.first_item)
        left = n - items
        n_batches = left // self.batch_size if self.drop_last else -(-left // self.batch_size)
        mine = dealt(n_batches, self.rank, self.world_size)
        most = self.batches_after(items)
        return mine if most is None else min(mine, most)

    def sharded(self, rank: SupportsIndex, world_size: SupportsIndex, tail: None = None) -> TextPlan:
        """Return the plan of one rank of `world_size`; the first ranks may have one batch more."""
        world = whole("world_size", world_size, 1, MAX_WORLD_SIZE)
        return replace(self, rank=whole("rank", rank, 0, world - 1), world_size=world)

    def order(self) -> str:
        """Return what decides the items besides seed, epoch and files, in one line."""
        shuffle = f"block({self.block_size}, {self.window})" if self.shuffle == "block" else str(self.shuffle)
        return f"shuffle {shuffle}; {self.encoding} {self.errors}"


class TextRun(Protocol):
    """One pass over the text. Closing it, or dropping it, ends the work ahead.

    Threads: any may call `next`; each batch goes to one of them.
    """

    def next(self) -> Any:
        """Return the next batch; None after the last that is served; False when the run was closed."""

    def progress(self) -> tuple[int, int, int, int, int]:
        """Return how many batches were handed out, also after the run was closed, and where the next run goes on.

        These are: batches, items in them; unit and byte of the position, items of all ranks from the start to there.
        """

    def close(self) -> None:
        """End the work ahead. `next` returns False from now on."""


class TextImplementation(Protocol):
    """One way of reading text: `fastbatch` and `fastbatch.pure` are the two. Threads: any."""

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
