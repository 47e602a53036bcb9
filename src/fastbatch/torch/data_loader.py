# SPDX-License-Identifier: MIT
"""`DataLoader`: torch's own, whose batches are made by native threads where the work is recognised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch.utils.data
from torch.utils.data import Dataset, Sampler
from torch.utils.data.dataloader import _BaseDataLoaderIter, _DatasetKind

from fastbatch.checks import one_of, whole
from fastbatch.loader.options import MAX_PREFETCH, MAX_THREADS

from .batches import NativeIter
from .engine import native_of
from .explain import Explanation, explain
from .iterable import LoaderDataset, LoaderIter, as_iterable, is_loader
from .tensors import NotNative
from .threads import ThreadIter


class DataLoader(torch.utils.data.DataLoader[Any]):
    """torch's `DataLoader`: the same arguments, defaults, errors and batches; native threads where they can be.

    Everything that is not recognised runs as in torch, unchanged; `explain()` says which is which.

    Args:
        dataset: A dataset of torch's, or a loader of fastbatch with `batch_size=None`.
        workers: "thread" lets threads of this process, instead of worker processes, call a Python dataset.
        threads: Native threads; None: `num_workers`, or the CPUs available to this process if that is 0.
        prefetch: Batches gathered ahead; None: as many as fit into 4 MB, at least 2 and at most 16.

    The other arguments are torch's.
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
        workers: Literal["auto", "thread"] = "auto",
        threads: int | None = None,
        prefetch: int | None = None,
    ) -> None:
        one_of("workers", workers, ("auto", "thread"))
        if threads is not None:
            whole("threads", threads, 1, MAX_THREADS)
        if prefetch is not None:
            whole("prefetch", prefetch, 1, MAX_PREFETCH)
        if is_loader(dataset):
            if batch_size is not None or batch_sampler is not None:
                raise ValueError("batch_size: a loader of fastbatch makes its own batches; pass batch_size=None")
            dataset = as_iterable(dataset)
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
        )
        self.workers = workers
        self.threads = threads
        self.prefetch = prefetch

    def __iter__(self) -> _BaseDataLoaderIter:
        kind = self._kind()
        is_persistent = self.persistent_workers and self.num_workers > 0
        if kind is None:
            if isinstance(self._iterator, _OURS):
                self._iterator = None
            return super().__iter__()
        if is_persistent and self._iterator is not None and type(self._iterator) is kind:
            self._iterator._reset(self)
            return self._iterator
        iterator: _BaseDataLoaderIter = kind(self)
        if is_persistent:
            self._iterator = iterator
        return iterator

    def _kind(self) -> type[Any] | None:
        """Return the kind of iterator that this loader's next epoch has; None: torch's own."""
        if isinstance(self.dataset, LoaderDataset):
            return LoaderIter
        if self.workers == "thread" and self._dataset_kind == _DatasetKind.Map:
            return ThreadIter
        try:
            native_of(self)
        except NotNative:
            return None
        return NativeIter

    def explain(self) -> Explanation:
        """Return a table of what runs natively and what does not, and why."""
        return explain(self, self._kind())


_OURS = (NativeIter, LoaderIter, ThreadIter)
