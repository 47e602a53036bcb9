# SPDX-License-Identifier: MIT
"""The options that determine the batches of words and lines, and the protocol of an implementation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from fastbatch.plan.batch_range import EVERY_BATCH, BatchRange, dealt
from fastbatch.plan.ranks import checked_ranks
from fastbatch.source.compressed import codec_name

ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8-sig", "ascii": "ascii", "iso8859-1": "latin-1"}
HANDLERS = ("strict", "ignore", "replace", "surrogateescape", "backslashreplace")


@dataclass(frozen=True)
class Place:
    """A position within an epoch. Immutable.

    Attributes:
        items: Words or lines before it, over all ranks.
        unit: Number of the file; for shuffled lines, the position of the line in the epoch's order.
        byte: Byte offset in the file, or in the line.
    """

    items: int = 0
    unit: int = 0
    byte: int = 0


@dataclass(frozen=True)
class TextPlan:
    """Everything that determines the batches of an epoch, except the epoch and the position. Immutable.

    Attributes:
        item: "word" or "line".
        keepends: Keep the newline of a line.
        shuffle: False, "line", or "block": blocks of `block_size` lines, shuffled within each `window` blocks.
        output: "str", "numpy", "offsets" or "ids" (of type `dtype`).
        batches: Which batches of an epoch are served, after `take` and `skip`.
        read_size: Bytes per read.
        prefetch_bytes: Text that is read and split ahead.
        found_by: With `shard="auto"`, what has said which rank this is; "" otherwise.
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
    found_by: str = field(default="", compare=False)

    @property
    def first_item(self) -> int:
        """Words or lines before the first batch that is served, over all ranks."""
        return self.batches.first * self.batch_size * self.world_size

    def batches_before(self, items: int) -> int:
        """Return the number of batches of each rank before a position."""
        return -(-items // (self.batch_size * self.world_size))

    def batches_after(self, items: int) -> int | None:
        """Return the maximum number of batches of each rank after a position, or None: no limit."""
        return self.batches.left(self.batches_before(items))

    def batches_of(self, n: int, items: int) -> int:
        """Return the number of batches of this rank after a position, for `n` words or lines in the epoch."""
        items = max(items, self.first_item)
        left = n - items
        n_batches = left // self.batch_size if self.drop_last else -(-left // self.batch_size)
        mine = dealt(n_batches, self.rank, self.world_size)
        most = self.batches_after(items)
        return mine if most is None else min(mine, most)

    def sharded(
        self, rank: SupportsIndex | str, world_size: SupportsIndex | None = None, tail: None = None
    ) -> TextPlan:
        """Return the plan of one rank of `world_size`, or of "auto"; the first ranks may have one batch more."""
        mine = checked_ranks(rank, world_size)
        return replace(self, rank=mine.rank, world_size=mine.world_size, found_by=mine.source)

    def order(self) -> str:
        """Return the options that determine the items besides seed, epoch and files, in one line."""
        shuffle = f"block({self.block_size}, {self.window})" if self.shuffle == "block" else str(self.shuffle)
        return f"shuffle {shuffle}; {self.encoding} {self.errors}"


class TextRun(Protocol):
    """One pass over the text. Closing or dropping it stops the prefetch.

    Threads: any may call `next`; each batch goes to one of them.
    """

    def next(self) -> Any:
        """Return the next batch; None after the last one; False when the run was closed."""

    def progress(self) -> tuple[int, int, int, int, int]:
        """Return the progress: (batches, items in them, unit, byte, items of all ranks); also valid after `close`.

        The last three are the position at which the next run continues; its items are counted from the run's start.
        """

    def close(self) -> None:
        """Stop the prefetch. `next` returns False from now on."""


class TextImplementation(Protocol):
    """A backend for text, of `fastbatch` or of `fastbatch.pure`. Threads: any."""

    def start(self, plan: TextPlan, epoch: int, place: Place, known: dict[str, Any]) -> TextRun:
        """Begin a pass. `known` is a cache for later passes, for example of the offsets of the lines."""

    def count(self, plan: TextPlan) -> int:
        """Return the number of words or lines."""

    def count_words(self, plan: TextPlan, max_words: int, min_count: int) -> list[tuple[str, int]]:
        """Return the most frequent words and their counts; words of equal count are ordered by their characters."""


def is_decoded_natively(plan: TextPlan) -> bool:
    """Return whether positions are byte offsets in the file; otherwise Python decodes, and they count UTF-8 bytes."""
    is_known = plan.encoding in ENCODINGS.values() and plan.errors in HANDLERS
    return is_known and all(codec_name(path) in (None, "gzip") for path in plan.paths)


def batch_length(batch: Any) -> int:
    """Return the number of items in a batch of any output."""
    return len(batch[1]) - 1 if isinstance(batch, tuple) else len(batch)


def to_numpy_strings(batch: list[str]) -> NDArray[Any]:
    """Return an array of NumPy's StringDType."""
    return np.array(batch, dtype=np.dtypes.StringDType())
