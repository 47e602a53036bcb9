# SPDX-License-Identifier: MIT
"""The common options of all loaders over numbered samples, defined and checked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypedDict

from fastbatch.checks import MAX_INT64, whole
from fastbatch.plan.plan import Plan, make_plan
from fastbatch.plan.sampling import make_draw

from .engine import EngineOptions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastbatch.plan.blocks import Blocks

MAX_THREADS = 1024
MAX_PREFETCH = 65536


@dataclass(frozen=True)
class LoaderOptions:
    """Order, batches, errors and threads of a loader.

    Attributes:
        batch_size: Samples in a batch; the last batch may be smaller.
        shuffle: True for a new random order in each epoch. "block" shuffles blocks of `block_size` neighbouring
            samples, and the samples within each `window` blocks: for data larger than memory.
        seed: Together with the epoch, determines the order and all random draws.
        drop_last: Omit a smaller last batch.
        shard: `(rank, world_size)`: every world_size-th sample of the shuffled order, starting at `rank`. "auto" asks,
            when the loader is made, torch.distributed, Ray Train, JAX, RANK and WORLD_SIZE, and SLURM, in this order;
            if none of them is there, this process is alone. `repr(loader)` says what was found.
        tail: If the number of samples is not a multiple of the number of ranks: "pad" repeats the first ones of the
            order, "drop" omits the last ones, "uneven" gives the first ranks one more. "mask", for evaluation: all
            batches of all ranks are full, and a last part of each, bool of shape (batch,), is False at samples that
            only fill it up; it is added after the functions of `map`.
        block_size: Samples in a block; only used with shuffle="block".
        window: Number of blocks whose samples are shuffled together; only used with shuffle="block".
        weights: Relative probability of each sample. Samples are then drawn at random instead of visited in turn.
        balance: "classes", or one label per sample: draw so that all labels are equally likely.
        replacement: A sample may be drawn again in the same epoch; its augmentation is then drawn anew. False: at most
            once, likely samples first.
        samples_per_epoch: Number of draws per epoch; None: the number of samples.
        on_error: If a sample cannot be read or decoded. "raise": `next()` raises its error when its batch is due.
            "skip": the sample is dropped and the batch is smaller. Empty batches are omitted, so `len(loader)` is an
            upper bound. "replace": another sample of the epoch takes its place, drawn from the seed, the epoch and the
            bad sample's index. `report()` lists the bad samples.
        max_bad: Bad samples allowed per epoch, as a number (int) or a share (float); one more raises. None: no limit.
        threads: Worker threads; None: the CPUs available to this process (affinity, cgroup quota).
        prefetch: Batches prepared ahead; None: as many as fit into 5 MB, at least 2 and at most 16.
        prefetch_bytes: Upper bound of the memory of prefetched batches.
        with_index: Append the index of each sample to the batch, int64 of shape (batch,): `(x, y)` becomes
            `(x, y, index)`, and x becomes `(x, index)`. It is the sample's place among those of the loader at hand,
            before shuffling, as in `loader.paths`, `loader.labels` and `select`; it takes 8 bytes for each of them.
    """

    batch_size: SupportsIndex = 32
    shuffle: bool | Literal["block"] = False
    seed: SupportsIndex = 0
    drop_last: bool = False
    shard: tuple[int, int] | Literal["auto"] | None = None
    tail: Literal["pad", "drop", "uneven", "mask"] = "pad"
    block_size: SupportsIndex = 4096
    window: SupportsIndex = 16
    weights: ArrayLike | None = None
    balance: ArrayLike | Literal["classes"] | None = None
    replacement: bool = True
    samples_per_epoch: SupportsIndex | None = None
    on_error: Literal["raise", "skip", "replace"] = "raise"
    max_bad: float | None = None
    threads: SupportsIndex | None = None
    prefetch: SupportsIndex | None = None
    prefetch_bytes: SupportsIndex | None = None
    with_index: bool = False

    def plan(self, n_samples: int, labels: Callable[[], Any], blocks: Blocks | None = None) -> Plan:
        """Return the order and the batches of `n_samples`.

        Args:
            labels: Returns the labels for `balance="classes"`.
            blocks: The blocks in which the samples are read; None: each can be read alone.

        Raises:
            TypeError, ValueError: An option out of range; the message names it.
        """
        draw = make_draw(n_samples, self.weights, self.balance, self.replacement, self.samples_per_epoch, labels)
        return make_plan(
            n_samples,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            seed=self.seed,
            drop_last=self.drop_last,
            shard=self.shard,
            tail=self.tail,
            block_size=self.block_size,
            window=self.window,
            on_error=self.on_error,
            max_bad=self.max_bad,
            draw=draw,
            blocks=blocks,
        )

    def engine(self) -> EngineOptions:
        """Return the options that change speed and memory, but no batch."""
        return EngineOptions(
            None if self.threads is None else whole("threads", self.threads, 1, MAX_THREADS),
            None if self.prefetch is None else whole("prefetch", self.prefetch, 1, MAX_PREFETCH),
            None if self.prefetch_bytes is None else whole("prefetch_bytes", self.prefetch_bytes, 1, MAX_INT64),
        )


class LoaderKeywords(TypedDict, total=False):
    """The fields of `LoaderOptions` as keyword arguments, for type checkers."""

    batch_size: SupportsIndex
    shuffle: bool | Literal["block"]
    seed: SupportsIndex
    drop_last: bool
    shard: tuple[int, int] | Literal["auto"] | None
    tail: Literal["pad", "drop", "uneven", "mask"]
    block_size: SupportsIndex
    window: SupportsIndex
    weights: ArrayLike | None
    balance: ArrayLike | Literal["classes"] | None
    replacement: bool
    samples_per_epoch: SupportsIndex | None
    on_error: Literal["raise", "skip", "replace"]
    max_bad: float | None
    threads: SupportsIndex | None
    prefetch: SupportsIndex | None
    prefetch_bytes: SupportsIndex | None
    with_index: bool
