# SPDX-License-Identifier: MIT
"""`StatefulDataLoader`: the class of that name in torchdata."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch.utils.data import Dataset, IterableDataset, Sampler

from fastbatch.checks import whole

from .data_loader import DataLoader, T
from .delivery import ChannelsLast
from .iterable import is_loader
from .order import SeededRandomSampler


class StatefulDataLoader(DataLoader[T]):
    """torchdata's `StatefulDataLoader`: a `DataLoader` whose `shuffle=True` draws from a generator of its own.

    That generator is seeded once, from torch's default one, and is part of the state: a loader that goes on from a
    state has the same later epochs too. The states are those of `DataLoader`, not of torchdata.

    Args:
        snapshot_every_n_steps: Accepted, and without effect: a state is exact at each step.

    The other arguments are those of `DataLoader`.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        snapshot_every_n_steps: int | None = 1,
        workers: Literal["auto", "thread"] = "auto",
        threads: int | None = None,
        prefetch: int | None = None,
        shard: Literal["torch", "auto"] | None = None,
        device: torch.device | str | int | None = None,
        channels_last: ChannelsLast = False,
        dtype: torch.dtype | None = None,
        exact: bool = True,
        rng: Literal["torch", "philox"] = "torch",
    ) -> None:
        if snapshot_every_n_steps is not None:
            whole("snapshot_every_n_steps", snapshot_every_n_steps, 1)
        is_map = not isinstance(dataset, IterableDataset) and not is_loader(dataset)
        if shuffle and is_map and sampler is None and batch_sampler is None and generator is None:
            sampler, shuffle = SeededRandomSampler(dataset), None
        super().__init__(
            dataset,
            batch_size,
            shuffle,
            sampler,
            batch_sampler,
            num_workers,
            collate_fn,
            pin_memory,
            drop_last,
            timeout,
            worker_init_fn,
            multiprocessing_context,
            generator,
            prefetch_factor=prefetch_factor,
            persistent_workers=persistent_workers,
            pin_memory_device=pin_memory_device,
            in_order=in_order,
            workers=workers,
            threads=threads,
            prefetch=prefetch,
            shard=shard,
            device=device,
            channels_last=channels_last,
            dtype=dtype,
            exact=exact,
            rng=rng,
        )
        self.snapshot_every_n_steps = snapshot_every_n_steps
