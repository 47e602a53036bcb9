# SPDX-License-Identifier: MIT
"""The options that determine the order of samples, validated once for both backends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np

from fastbatch.checks import MAX_INT64, MAX_SEED, flag, one_of, shown, whole

from .batch_range import EVERY_BATCH, BatchRange
from .ranks import checked_ranks, rank_and_size
from .subset import Overlap, Selection, Subset, make_selection

if TYPE_CHECKING:
    from .blocks import Blocks
    from .mixture import Mixture, Pairing
    from .sampling import Draw

Tail = Literal["pad", "drop", "uneven", "mask"]
TAILS: tuple[Tail, ...] = ("pad", "drop", "uneven", "mask")
SHUFFLES = (False, True, "block")
ON_ERROR = ("raise", "skip", "replace")


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
        blocks: Blocks of the source in which its samples are read, and in place of `block_size`; None: none.
        mixture: The plans that the samples come from, in place of a source; None: a source.
        found_by: With `shard="auto"`, what has said which rank this is; "" otherwise.
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
    blocks: Blocks | None = None
    mixture: Mixture | Pairing | None = None
    found_by: str = field(default="", compare=False)

    @property
    def largest_batch(self) -> int:
        """Samples in the largest batch."""
        return max(1, self.batch_size if self.tail == "mask" else min(self.batch_size, self.n))

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
        mixed = self.mixture is not None and self.mixture.is_random_access
        return self.shuffle is True or self.draw is not None or listed or mixed

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

    def sharded(
        self, rank: SupportsIndex | str, world_size: SupportsIndex | None = None, tail: str | None = None
    ) -> Plan:
        """Return the plan of one rank of `world_size`, or of "auto". `tail=None` keeps the tail of this plan."""
        tail = self.tail if tail is None else tail
        mine = checked_ranks(rank, world_size)
        if tail not in TAILS:
            raise ValueError(f"tail: expected one of {', '.join(TAILS)}, found {shown(tail)}")
        if tail == "mask" and self.drop_last:
            raise ValueError("drop_last: expected False with tail='mask', which fills the last batch up, found True")
        if tail == "mask" and self.on_error == "skip":
            raise ValueError("on_error: expected 'raise' or 'replace' with tail='mask', found 'skip'")
        return replace(self, rank=mine.rank, world_size=mine.world_size, found_by=mine.source, tail=tail)

    def order(self) -> str:
        """Return the options that determine the order besides seed, epoch and data, in one line."""
        blocks = self.blocks or self.block_size
        shuffle = f"block({blocks}, {self.window})" if self.shuffle == "block" else str(bool(self.shuffle))
        drawn = [] if self.draw is None else [self.draw.identity()]
        mixed = [] if self.mixture is None else [self.mixture.identity()]
        return "; ".join([f"shuffle {shuffle}", *map(str, self.subsets), *drawn, *mixed])

    @property
    def item_blocks(self) -> Blocks | None:
        """The blocks of the items that remain after the subsets, which are ranges; None without blocks."""
        blocks = self.blocks
        for subset in self.subsets if blocks else ():
            assert blocks is not None and isinstance(subset, Subset) and not subset.shuffled
            blocks = blocks.part(subset.start, subset.count)
        return blocks

    def refuse_unfixed(self, verb: str) -> None:
        """Raise ValueError if item i is not the same sample in all epochs."""
        if self.mixture is not None and not self.mixture.is_fixed:
            raise ValueError(f"{verb}: the samples of a mixture change from epoch to epoch; {verb} each of its parts")

    def select(self, indices: Any) -> Plan:
        """Return the plan of the samples with these indices: see `make_selection`."""
        self.refuse_unfixed("select")
        if self.blocks is not None:
            raise ValueError(
                "select: expected samples in memory; these are read block by block, and split() divides them"
            )
        return replace(self, subsets=(*self.subsets, make_selection(indices, self.n_items)))

    def split(
        self, validation: float, seed: int, shuffle: bool | None, overlap: Overlap | None = None, gap: int = 0
    ) -> tuple[Plan, Plan]:
        """Return the plans of two disjoint parts that together contain every sample.

        Args:
            validation, seed: As for `Loader.split`.
            shuffle: None holds out the last samples if there is an `overlap` or a `gap`, or if the samples are read in
                blocks, and random ones otherwise.
            overlap: The samples that share rows. If `shuffle` is None, those that share rows with the held-out ones are
                in neither part.
            gap: Samples before the held-out ones, or before the samples that share rows with these, that are in
                neither part.
        """
        self.refuse_unfixed("split")
        n = self.n_items
        held_out = held_out_of(validation, n)
        kept = n - held_out
        if gap and shuffle:
            raise ValueError("gap: only valid where the last samples are held out, with shuffle=False or None")
        if shuffle is not None:
            overlap = replace(overlap, reach=1) if overlap is not None and gap else None
        if gap:
            given = Overlap(1, np.zeros(1, np.int64)) if overlap is None else overlap
            overlap = replace(given, reach=given.reach + gap)
        is_random = overlap is None and self.blocks is None if shuffle is None else shuffle
        if is_random and self.blocks is not None:
            raise ValueError("split: expected shuffle=False, which holds out the last samples: they are read in blocks")
        first = Subset(is_random, seed, n, 0, kept)
        train: Subset | Selection = first
        rest = Subset(is_random, seed, n, kept, held_out)
        if not is_random and overlap is not None and 0 < kept < n:
            train = self._apart(first, kept, overlap)
            if train.count == 0:
                why = f"share rows with the {held_out} held out" + f", or are among the {gap} before these" * (gap > 0)
                raise ValueError(
                    f"split: all of the first {kept} samples {why}; take a smaller validation, or shuffle=True for a "
                    "random split"
                )
        return self._divided(train, rest)

    def hold_out(self, held: np.ndarray[Any, Any], overlap: Overlap | None) -> tuple[Plan, Plan]:
        """Return the plans of two disjoint parts, in the unshuffled order.

        Args:
            held: Whether each item is in the second part.
            overlap: The samples that share rows: those that share rows with held-out ones are in neither part.
        """
        self.refuse_unfixed("split")
        if self.blocks is not None:
            raise ValueError("split: expected samples in memory for stratify and groups; these are read block by block")
        kept = np.flatnonzero(~held)
        items = self._numbers() if overlap is not None else None
        if overlap is not None and items is not None:
            numbers = np.asarray(items, np.int64)
            kept = kept[overlap.apart(numbers[kept], numbers[held])]
            if len(kept) == 0:
                raise ValueError("split: all other samples share rows with those held out; take other groups")
        return self._divided(make_selection(kept, self.n_items), make_selection(np.flatnonzero(held), self.n_items))

    def _divided(self, train: Subset | Selection, rest: Subset | Selection) -> tuple[Plan, Plan]:
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


def held_out_of(validation: float, n: int, what: str = "samples") -> int:
    """Return how many of `n` samples, or of others, are held out: a share (float) is rounded down."""
    if isinstance(validation, float):
        if not 0.0 < validation < 1.0:
            raise ValueError(f"validation: expected a share between 0 and 1 or a number of {what}, found {validation}")
        if n and int(n * validation) == 0:
            raise ValueError(f"validation: expected a share that is at least one of {n} {what}, found {validation}")
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
    shard: tuple[int, int] | Literal["auto"] | None = None,
    tail: str = "pad",
    block_size: Any = 4096,
    window: Any = 16,
    on_error: str = "raise",
    max_bad: Any = None,
    draw: Draw | None = None,
    blocks: Blocks | None = None,
) -> Plan:
    """Return the plan of these loader options. The error of an invalid option names it."""
    if not isinstance(shuffle, (bool, str)) or shuffle not in SHUFFLES:
        raise ValueError(f"shuffle: expected False, True or 'block', found {shown(shuffle)}")
    if draw is not None and shuffle == "block":
        raise ValueError("shuffle='block': samples that are drawn by weight have no blocks")
    plan = Plan(
        n_source,
        draw=draw,
        blocks=blocks,
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
