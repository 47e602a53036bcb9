# SPDX-License-Identifier: MIT
"""The options that determine the order of samples, validated once for both backends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np

from fastbatch.checks import MAX_INT64, flag, one_of, rank_and_size, shown, whole

from .batch_range import EVERY_BATCH, BatchRange
from .subset import Overlap, Selection, Subset, make_selection

if TYPE_CHECKING:
    from .sampling import Draw

Tail = Literal["pad", "drop", "uneven"]
TAILS: tuple[Tail, ...] = ("pad", "drop", "uneven")
SHUFFLES = (False, True, "block")
ON_ERROR = ("raise", "skip", "replace")
MAX_SEED = 2**64 - 1
MAX_WORLD_SIZE = 2**32

# Purposes of random streams: separate the streams of the same seed, epoch and index.
SAMPLE = 0  # index = the sample's index in the source
EPOCH_ORDER = 1
SPLIT = 2
USER = 12  # operation of a user's transform
REPLACE = 11  # operation that draws the replacement of a bad sample
DRAW = 3  # weighted sampling; index = 0: draw p is for position p; index = 1: the epochs of their streams
BATCH = 4  # a function of `map`; index = the position of the batch or sample


def stream(seed: int, epoch: int, index: int, purpose: int = SAMPLE, operation: int = 0) -> np.random.Generator:
    """Return the random generator of one sample (or window, or split): Philox, a counter-based generator.

    The first word of the counter counts blocks of four numbers. Each operation on a sample (crop, flip, ...) has its
    own stream, numbered as in `csrc/common/philox.h`, so that a new operation changes no other.
    """
    key = np.array([seed, epoch], dtype=np.uint64)
    counter = np.array([0, index, purpose, operation], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


@dataclass(frozen=True)
class Plan:
    """Everything that determines the batches of an epoch, except the epoch and the position. Immutable.

    Attributes:
        n_source: Samples in the source.
        subsets: Subsets by `split` and `select`, in the order of the calls.
        batches: Which batches of an epoch are served, after `take` and `skip`.
        on_error: Handling of bad samples: "raise", "skip" or "replace".
        max_bad: Bad samples allowed per pass, as a number (int) or a share of the rank's samples (float); None: all.
        draw: Weighted sampling; None: each sample once.
    """

    n_source: int
    batch_size: int = 32
    shuffle: bool | str = False
    seed: int = 0
    drop_last: bool = False
    rank: int = 0
    world_size: int = 1
    tail: Tail = "pad"
    block_size: int = 4096
    window: int = 16
    subsets: tuple[Subset | Selection, ...] = ()
    batches: BatchRange = EVERY_BATCH
    on_error: str = "raise"
    max_bad: int | float | None = None
    draw: Draw | None = None

    @property
    def n(self) -> int:
        """Number of samples in an epoch, over all ranks."""
        return self.n_items if self.draw is None or self.draw.n is None else self.draw.n

    @property
    def n_items(self) -> int:
        """Number of different samples."""
        return self.subsets[-1].count if self.subsets else self.n_source

    @property
    def is_random_access(self) -> bool:
        """Whether the kernel's readahead cannot predict the order of reads."""
        listed = any(isinstance(subset, Selection) for subset in self.subsets)
        return self.shuffle is True or self.draw is not None or listed

    @property
    def first_position(self) -> int:
        """The global position of the first served batch."""
        return min(self.n, self.batches.first * self.batch_size * self.world_size)

    def max_batches(self, position: int) -> int | None:
        """Return the maximum number of batches after a global position, or None: no limit."""
        return self.batches.left(self.batches_before(position))

    def batches_before(self, position: int) -> int:
        """Return the number of batches of each rank before a global position."""
        return -(-position // (self.batch_size * self.world_size))

    def sharded(self, rank: SupportsIndex, world_size: SupportsIndex, tail: str | None = None) -> Plan:
        """Return the plan of one rank of `world_size`. `tail=None` keeps the tail of this plan."""
        tail = self.tail if tail is None else tail
        world = whole("world_size", world_size, 1, MAX_WORLD_SIZE)
        if tail not in TAILS:
            raise ValueError(f"tail: expected one of {', '.join(TAILS)}, found {shown(tail)}")
        return replace(self, rank=whole("rank", rank, 0, world - 1), world_size=world, tail=tail)

    def order(self) -> str:
        """Return the options that determine the order besides seed, epoch and data, in one line."""
        shuffle = f"block({self.block_size}, {self.window})" if self.shuffle == "block" else str(bool(self.shuffle))
        drawn = [] if self.draw is None else [self.draw.identity()]
        return "; ".join([f"shuffle {shuffle}", *map(str, self.subsets), *drawn])

    def select(self, indices: Any) -> Plan:
        """Return the plan of the samples with these indices: see `make_selection`."""
        return replace(self, subsets=(*self.subsets, make_selection(indices, self.n_items)))

    def split(
        self, validation: float, seed: int, shuffle: bool | None, overlap: Overlap | None = None
    ) -> tuple[Plan, Plan]:
        """Return the plans of two disjoint parts that together contain every sample.

        Args:
            validation, seed: As for `Loader.split`.
            shuffle: None holds out the last samples if there is an `overlap`, and random ones otherwise.
            overlap: The samples that share rows. If `shuffle` is None, those that share rows with the held-out ones are
                in neither part.
        """
        n = self.n_items
        held_out = _held_out(validation, n)
        kept = n - held_out
        is_random = overlap is None if shuffle is None else shuffle
        first = Subset(is_random, seed, n, 0, kept)
        train: Subset | Selection = first
        rest = Subset(is_random, seed, n, kept, held_out)
        if shuffle is None and overlap is not None and 0 < kept < n:
            train = self._apart(first, kept, overlap)
            if train.count == 0:
                raise ValueError(
                    f"split: all of the first {kept} samples share rows with the {held_out} held out; take a smaller "
                    "validation, or shuffle=True for a random split"
                )
        return (
            replace(self, subsets=(*self.subsets, train)),
            replace(self, subsets=(*self.subsets, rest), shuffle=False, drop_last=False, draw=None),
        )

    def _apart(self, train: Subset, kept: int, overlap: Overlap) -> Subset | Selection:
        """Return those of the first `kept` items that share no rows with the later ones."""
        items = self._numbers()
        if items is None:  # already split at random
            return train
        if isinstance(items, range):
            end = overlap.kept_before(items[kept], items[0])
            return replace(train, count=end - items[0])
        apart = overlap.apart(items[:kept], items[kept:])
        return make_selection(np.flatnonzero(apart), self.n_items)

    def _numbers(self) -> range | np.ndarray[Any, Any] | None:
        """Return the numbers of the items in the source, in order; None if they have been permuted."""
        items: range | np.ndarray[Any, Any] = range(self.n_source)
        for subset in self.subsets:
            if isinstance(subset, Selection):
                items = np.asarray(items, np.int64)[subset.items.astype(np.int64)]
            elif subset.shuffled:
                return None
            else:
                items = items[subset.start : subset.start + subset.count]
        return items


def _held_out(validation: float, n: int) -> int:
    if isinstance(validation, float):
        if not 0.0 < validation < 1.0:
            raise ValueError(f"validation: expected a share between 0 and 1 or a number of samples, found {validation}")
        return int(n * validation)
    return whole("validation", validation, 0, n)


def _max_bad(max_bad: Any, on_error: str) -> int | float | None:
    if max_bad is None:
        return None
    if on_error == "raise":
        raise ValueError("max_bad: only valid with on_error='skip' or 'replace'")
    if not isinstance(max_bad, float):
        return whole("max_bad", max_bad, 0)
    if not 0.0 <= max_bad <= 1.0:
        raise ValueError(f"max_bad: expected a share from 0 to 1 or a number of samples, found {shown(max_bad)}")
    return max_bad


def make_plan(
    n_source: int,
    *,
    batch_size: Any = 32,
    shuffle: bool | str = False,
    seed: Any = 0,
    drop_last: bool = False,
    shard: tuple[int, int] | None = None,
    tail: str = "pad",
    block_size: Any = 4096,
    window: Any = 16,
    on_error: str = "raise",
    max_bad: Any = None,
    draw: Draw | None = None,
) -> Plan:
    """Return the plan of these loader options. The error of an invalid option names it."""
    if not isinstance(shuffle, (bool, str)) or shuffle not in SHUFFLES:
        raise ValueError(f"shuffle: expected False, True or 'block', found {shown(shuffle)}")
    if draw is not None and shuffle == "block":
        raise ValueError("shuffle='block': samples that are drawn by weight have no blocks")
    plan = Plan(
        n_source,
        draw=draw,
        batch_size=whole("batch_size", batch_size, 1, MAX_INT64),
        shuffle=shuffle,
        seed=whole("seed", seed, 0, MAX_SEED),
        drop_last=flag("drop_last", drop_last),
        block_size=whole("block_size", block_size, 1, MAX_INT64),
        window=whole("window", window, 1, MAX_INT64),
        on_error=one_of("on_error", on_error, ON_ERROR),
        max_bad=_max_bad(max_bad, on_error),
    )
    return plan.sharded(*rank_and_size(shard), tail)
