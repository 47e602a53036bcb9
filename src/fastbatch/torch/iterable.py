# SPDX-License-Identifier: MIT
"""A loader of fastbatch as torch's `IterableDataset`, which shards itself by worker process and rank."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Literal, SupportsIndex

from torch.utils.data import IterableDataset, get_worker_info
from torch.utils.data._utils import pin_memory
from torch.utils.data.dataloader import _BaseDataLoaderIter

from fastbatch.checks import one_of
from fastbatch.loader.loader import Loader

from .errors import no_end
from .ranks import SHARDS, ranks

_pin_memory: Any = pin_memory.pin_memory


def is_loader(dataset: Any) -> bool:
    """Return whether a dataset is a loader of fastbatch, whose items are batches."""
    return isinstance(dataset, Loader)


class LoaderDataset(IterableDataset[Any]):
    """The batches of a loader, for torch's `DataLoader(dataset, batch_size=None)`: see `as_iterable`.

    Attributes:
        loader: As it was given.
        shard: As it was given.
    """

    def __init__(self, loader: Any, shard: Literal["torch", "auto"] | None = "torch") -> None:
        if not is_loader(loader):
            raise TypeError(f"loader: expected a loader of fastbatch, found {type(loader).__name__}")
        self.loader = loader
        self.shard = None if shard is None else one_of("shard", shard, SHARDS)
        self._part = loader  # what this process iterates over
        self._place = (0, 1)
        self._epoch: int | None = None

    def _mine(self, place: tuple[int, int]) -> Any:
        """Return the loader of one part of all, the same one in each epoch."""
        if place != self._place:
            state = self._part.state_dict()
            self._part = self.loader.shard(*place)
            self._part.load_state_dict(state)
            self._place = place
        return self._part

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        rank, world_size = ranks(self.shard)
        if worker is None:
            index, total = rank, world_size
        else:
            index, total = rank + world_size * worker.id, world_size * worker.num_workers
        loader = self._mine((0, 1) if self.shard is None else (index, total))
        if worker is not None:
            # This process is a copy that ends with the epoch, and so does its count of epochs.
            epoch = worker.seed - worker.id if self._epoch is None and world_size == 1 else self._epoch
            loader.set_epoch(0 if epoch is None else epoch % 2**63)
        return iter(loader) if self.shard is not None or total == 1 else itertools.islice(loader, index, None, total)

    def __len__(self) -> int:
        """Return the number of batches on this rank."""
        return len(self._mine(ranks(self.shard)))

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Let the next iteration be epoch `epoch`. With ranks and worker processes, call it before each epoch."""
        self._part.set_epoch(epoch)
        self._epoch = int(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the latest iterator: that of the loader, the same on all ranks."""
        state: dict[str, Any] = self._part.state_dict()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration go on where `state` was taken."""
        self._part.load_state_dict(state)

    def __repr__(self) -> str:
        return f"as_iterable({self.loader!r})"


def as_iterable(loader: Any, *, shard: Literal["torch", "auto"] | None = "torch") -> LoaderDataset:
    """Return a loader of fastbatch as an `IterableDataset` of batches.

        torch.utils.data.DataLoader(fastbatch.torch.as_iterable(loader), batch_size=None)

    Iterate over it with `num_workers=0`: the loader has threads of its own. Worker processes share out its samples.

    Args:
        loader: A loader that is not sharded yet.
        shard: "torch" gives each rank of `torch.distributed` its part of the samples, once that is initialized. "auto"
            asks other sources too: see `LoaderOptions`. None: the loader already is that of this rank.

    Raises:
        TypeError: Not a loader of fastbatch.
    """
    return LoaderDataset(loader, shard)


class LoaderIter(_BaseDataLoaderIter):
    """Iterates once over the batches of a `LoaderDataset` in this process, whatever `num_workers` is."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._batches = iter(self._dataset)

    def _reset(self, loader: Any, first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        self._batches = iter(self._dataset)

    def _next_data(self) -> Any:
        batch = next(self._batches)
        try:
            data = self._collate_fn(batch)
        except StopIteration as error:
            raise no_end(error, f"batch {self._num_yielded}") from error
        return _pin_memory(data, self._pin_memory_device) if self._pin_memory else data
