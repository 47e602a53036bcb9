# SPDX-License-Identifier: MIT
"""`shard="torch"`: each rank of `torch.distributed` gets its part of a map-style dataset's samples."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, SupportsIndex

import torch
from torch.utils.data import (
    BatchSampler,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
)

from fastbatch.checks import whole
from fastbatch.errors import StateError

from .iterable import LoaderDataset
from .order import SeededRandomSampler
from .ranks import ranks


class ShardedBatches(Sampler[list[int]]):
    """One rank's batches of an order that is the same on all ranks.

    A step takes `batch_size` samples for each rank of what is left of the order, and deals them out in turn. At the
    end, what is left is dealt out evenly over one or two shorter steps, so that every sample comes once and all ranks
    have equally many batches. Only if there are fewer samples than a last step has ranks are some repeated.

    A position in the order, over all ranks, is all that a state needs: it may be loaded on any number of ranks.

    Args:
        n: Samples in the dataset.
        batch_size: Samples of a full batch of one rank.
        drop_last: Leave out the shorter steps.
        seed: The order of epoch `e` is torch's permutation of the seed `seed + e`, as that of `DistributedSampler`;
            None: the samples in order.
        rank, world_size: Of this process.
    """

    def __init__(
        self, n: int, batch_size: int, drop_last: bool, seed: int | None, rank: int = 0, world_size: int = 1
    ) -> None:
        self._n = n
        self._batch_size = batch_size
        self._drop_last = drop_last
        self._seed = seed
        self.rank = rank
        self.world_size = world_size
        self._begin = (0, 0)  # epoch and position of the next iterator
        self._now = (0, 0)  # of the latest one

    @property
    def epoch(self) -> int:
        """The epoch of the next iteration."""
        return self._begin[0]

    @property
    def is_shuffled(self) -> bool:
        """Whether the order is shuffled."""
        return self._seed is not None

    @property
    def key(self) -> tuple[Any, ...]:
        """Everything that decides the batches, but the epoch."""
        return self._n, self._batch_size, self._drop_last, self._seed, self.rank, self.world_size

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Let the next iteration be epoch `epoch`; without it, each one is the next."""
        number = whole("epoch", epoch, 0)
        if number != self._begin[0]:  # else a position that was loaded stays
            self._begin = self._now = (number, 0)

    def __len__(self) -> int:
        n_full, last = self._steps(self._begin[1])
        return n_full + len(last)

    def __iter__(self) -> Iterator[list[int]]:
        epoch, position = self._begin
        self._begin = (epoch + 1, 0)
        order = self._order(epoch)
        n_full, last = self._steps(position)
        for size in itertools.chain(itertools.repeat(self._full, n_full), last):
            mine = order[position + self.rank : position + size : self.world_size]
            if len(mine) == 0:  # fewer samples than ranks
                mine = order[(position + self.rank) % self._n :][:1]
            position += size
            self._now = (epoch, position)
            yield list(mine) if isinstance(mine, range) else mine.tolist()
        self._now = self._begin

    def _order(self, epoch: int) -> Any:
        if self._seed is None:
            return range(self._n)
        generator = torch.Generator().manual_seed(self._seed + epoch)
        return torch.randperm(self._n, generator=generator).numpy()

    @property
    def _full(self) -> int:
        return self._batch_size * self.world_size

    def _steps(self, position: int) -> tuple[int, tuple[int, ...]]:
        """Return the number of full steps from a position on, and the samples in each shorter one, over all ranks."""
        n_full, rest = divmod(self._n - position, self._full)
        if self._drop_last or rest == 0:
            return n_full, ()
        both = self._full + rest
        if rest < self.world_size and n_full > 0 and both >= 2 * self.world_size:
            return n_full - 1, (both - both // 2, both // 2)
        return n_full, (rest,)

    def state_dict(self) -> dict[str, int]:
        """Return the epoch, and the position in its order, over all ranks."""
        return {"epoch": self._now[0], "position": self._now[1], "samples": self._n}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Let the next iteration go on where `state` was taken, on any number of ranks.

        Raises:
            StateError: It is one of another number of samples.
        """
        if state["samples"] != self._n:
            raise StateError("state of another dataset", expected=f"{self._n} samples", found=state["samples"])
        self._begin = self._now = (
            whole("epoch", state["epoch"], 0),
            whole("position", state["position"], 0, self._n),
        )


# Kept out of the loaders themselves, as the engines are.
_KEPT: weakref.WeakKeyDictionary[Any, ShardedBatches] = weakref.WeakKeyDictionary()


def sharded(loader: Any, index_sampler: Any) -> Any:
    """Return what gives this rank's batches of a loader with `shard="torch"`: its own sampler, if that shards already.

    Raises:
        TypeError: The order may differ from rank to rank, or is not known.
        ValueError: The loader has no batches.
    """
    sampler: Any = getattr(index_sampler, "sampler", index_sampler)
    if any(isinstance(one, DistributedSampler) for one in (index_sampler, sampler)):
        return index_sampler
    if isinstance(loader.dataset, IterableDataset):
        if isinstance(loader.dataset, LoaderDataset):  # shards itself
            return index_sampler
        raise TypeError(f"shard: a {type(loader.dataset).__name__} cannot be sharded; shard it in its __iter__")
    if not loader._auto_collation:
        raise ValueError("shard: expected a batch_size, found None")
    if type(index_sampler) is not BatchSampler or not is_plain(sampler):
        found = sampler if type(index_sampler) is BatchSampler else index_sampler
        raise TypeError(
            f"shard: a {type(found).__name__} may have another order on each rank; give a DistributedSampler, or for "
            "weights a fastbatch.torch.DistributedWeightedSampler"
        )
    seed = None
    if isinstance(sampler, RandomSampler):
        given = None if isinstance(sampler, SeededRandomSampler) else sampler.generator
        seed = 0 if given is None else given.initial_seed()
    made = ShardedBatches(
        len(loader.dataset), index_sampler.batch_size, index_sampler.drop_last, seed, *ranks(loader.shard)
    )
    kept = _KEPT.get(loader)
    if kept is not None and kept.key == made.key:
        return kept
    if kept is not None:
        made.set_epoch(kept.epoch)
    _KEPT[loader] = made
    return made


def is_plain(sampler: Any) -> bool:
    """Return whether a sampler takes each sample once, in order or shuffled: all ranks then work out the same order."""
    if isinstance(sampler, RandomSampler) and (sampler.replacement or sampler._num_samples is not None):
        return False
    return type(sampler) in (RandomSampler, SeededRandomSampler, SequentialSampler)
