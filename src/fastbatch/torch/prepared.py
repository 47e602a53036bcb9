# SPDX-License-Identifier: MIT
"""`prepare(loader)`: a loader that shards itself by rank, and that Accelerate takes as prepared already."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, SupportsIndex, cast

import torch.utils.data
from torch.utils.data import BatchSampler, DistributedSampler, IterableDataset, RandomSampler

from fastbatch.checks import whole

from .data_loader import OWN_OPTIONS, DataLoader, T
from .iterable import LoaderDataset
from .ranks import ranks
from .sharded import ShardedBatches, is_plain
from .state import PENDING

_OPTIONS = (
    "num_workers",
    "collate_fn",
    "pin_memory",
    "timeout",
    "worker_init_fn",
    "multiprocessing_context",
    "generator",
    "persistent_workers",
    "pin_memory_device",
    "in_order",
)


class PreparedDataLoader(DataLoader[T]):
    """A `DataLoader` with what Accelerate asks of a loader that it has prepared: see `prepare`.

    It makes one batch ahead, so that it knows the last one.

    Attributes:
        end_of_dataloader: The batch that was handed out last is the last one of its epoch.
        remainder: Samples in the last batch of all ranks together; 0 if it is full, -1 if that is not known.
        total_batch_size, total_dataset_length: Over all ranks.
    """

    _is_accelerate_prepared = True
    end_of_dataloader = False
    remainder = -1
    _epoch = 0

    @property
    def total_batch_size(self) -> int:
        """Samples in a batch of all ranks together."""
        return (self.batch_size or 1) * ranks()[1]

    @property
    def total_dataset_length(self) -> int:
        """Samples in the dataset."""
        return len(cast(Any, self.dataset))

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Let the next iteration be epoch `epoch`; without it, each one is the next."""
        self._epoch = whole("epoch", epoch, 0)

    def __iter__(self) -> Any:
        for thing in (self._plain_index_sampler, self.sampler, self.dataset):
            if isinstance(thing, (ShardedBatches, DistributedSampler, LoaderDataset)):
                thing.set_epoch(self._epoch)
        self._epoch += 1
        _HELD.pop(self, None)
        return self._one_ahead(super().__iter__())

    def _one_ahead(self, batches: Iterator[T]) -> Iterator[T]:
        gradients = _gradient_state()
        self.end_of_dataloader, self.remainder = False, self._remainder()
        if gradients is not None:
            gradients._add_dataloader(self)
        try:
            batch = next(batches)
            while True:
                _HELD[self] = super().state_dict()
                try:
                    following = next(batches)
                except StopIteration:
                    break
                except Exception:  # of the batch after this one
                    yield batch
                    raise
                yield batch
                batch = following
            self.end_of_dataloader = True
            yield batch
            _HELD.pop(self, None)
        except StopIteration:  # no batch at all
            return
        finally:
            if gradients is not None:
                gradients._remove_dataloader(self)

    def _remainder(self) -> int:
        if self.drop_last or isinstance(self.dataset, IterableDataset):
            return -1
        return self.total_dataset_length % self.total_batch_size

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next `iter` go on where `state_dict` was taken, and the epochs after it be those that follow."""
        super().load_state_dict(state_dict)
        _HELD.pop(self, None)
        saved = PENDING.get(self)
        if saved is None:
            return
        if "sampler_epoch" in saved:
            self._epoch = saved["sampler_epoch"] + int(saved["ended"])
        elif isinstance(self._plain_index_sampler, ShardedBatches):
            self._epoch = saved["sampler"]["epoch"]
        elif isinstance(self.dataset, LoaderDataset):
            self._epoch = saved["dataset"]["epoch"]

    def state_dict(self) -> dict[str, Any]:
        """Return the state after the batch that was handed out last, not after the one that was made ahead."""
        return _HELD.get(self) or super().state_dict()


# States from before a batch was made ahead; kept out of the loaders, as the engines are.
_HELD: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()


def _gradient_state() -> Any:
    """Return Accelerate's record of loaders under way; None if it is not imported."""
    module = sys.modules.get("accelerate.state")
    return None if module is None else module.GradientState()


def prepare(loader: torch.utils.data.DataLoader[Any]) -> PreparedDataLoader[Any]:
    """Return a loader with the settings of another one, which shards itself and which Accelerate leaves as it is.

    With more than one rank of `torch.distributed`, each gets its part of the samples, by torch's `DistributedSampler`:
    as many batches on each rank, a few samples twice if need be. Batches stay on the CPU.

    Args:
        loader: One of torch's, over a map-style dataset or a loader of fastbatch.

    Raises:
        TypeError: With ranks, a sampler or an `IterableDataset` that cannot be sharded.
    """
    options: dict[str, Any] = {name: getattr(loader, name) for name in _OPTIONS}
    options.update({name: getattr(loader, name) for name in OWN_OPTIONS if hasattr(loader, name)})
    options.update({name: getattr(loader, name) for name in OWN_OPTIONS if hasattr(loader, name)})
    if loader.num_workers > 0:
        options["prefetch_factor"] = loader.prefetch_factor
    if isinstance(loader.dataset, IterableDataset):
        if ranks()[1] > 1 and not isinstance(loader.dataset, LoaderDataset):
            raise TypeError(f"prepare: a {type(loader.dataset).__name__} cannot be sharded; shard it in its __iter__")
        return PreparedDataLoader(loader.dataset, loader.batch_size, drop_last=loader.drop_last, **options)
    if loader.batch_sampler is not None and type(loader.batch_sampler) is not BatchSampler:
        _refuse_ranks(loader.batch_sampler)
        return PreparedDataLoader(loader.dataset, batch_sampler=loader.batch_sampler, **options)
    sampler = _sharded(loader)
    return PreparedDataLoader(loader.dataset, loader.batch_size, sampler=sampler, drop_last=loader.drop_last, **options)


def _sharded(loader: torch.utils.data.DataLoader[Any]) -> Any:
    """Return the sampler of this rank."""
    sampler: Any = loader.sampler
    rank, world_size = ranks()
    if world_size == 1 or isinstance(sampler, DistributedSampler):
        return sampler
    if not is_plain(sampler):
        _refuse_ranks(sampler)
    return DistributedSampler(
        loader.dataset, world_size, rank, shuffle=isinstance(sampler, RandomSampler), drop_last=False
    )


def _refuse_ranks(sampler: Any) -> None:
    if ranks()[1] > 1:
        raise TypeError(f"prepare: a {type(sampler).__name__} cannot be sharded; give a DistributedSampler")
