# SPDX-License-Identifier: MIT
"""`DataLoader`: torch's own, whose batches are made by native threads where the work is recognised."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch.utils.data
from torch.utils.data import Dataset, Sampler, default_collate
from torch.utils.data._utils import collate
from torch.utils.data.dataloader import _BaseDataLoaderIter, _DatasetKind

from fastbatch.checks import one_of, whole
from fastbatch.loader.options import MAX_PREFETCH, MAX_THREADS
from fastbatch.native.gather import Gather

from .batches import Native, NativeIter
from .explain import Explanation, Row
from .order import known_order
from .samples import check, samples_of
from .tensors import NotNative

# Kept out of the loaders themselves: frameworks copy a loader's attributes onto another one with another sampler.
_NATIVE: weakref.WeakKeyDictionary[Any, Native] = weakref.WeakKeyDictionary()
_COLLATE = dict(collate.default_collate_fn_map)


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
        try:
            native = self._native()
        except NotNative:
            if isinstance(self._iterator, NativeIter):
                self._iterator = None
            return super().__iter__()
        if not (self.persistent_workers and self.num_workers > 0):
            return NativeIter(self, native)
        if isinstance(self._iterator, NativeIter):
            self._iterator.use(native)
            self._iterator._reset(self)
        else:
            self._iterator = NativeIter(self, native)
        return self._iterator

    def explain(self) -> Explanation:
        """Return a table of what runs natively and what does not, and why."""
        rows = [_row("dataset", self._dataset_reason), _row("collate_fn", self._collate_reason)]
        try:
            native = self._native()
        except NotNative as why:
            how = f"{self.num_workers} processes" if self.num_workers else "in this process"
            return Explanation(
                (*rows, Row("order", "torch", "as torch reads it"), Row("batches", "torch", f"{how}: {why}"))
            )
        order = known_order(self._index_sampler)
        if order is not None:
            rows.append(Row("order", "native", f"{order.name}, known at the first batch: gathered ahead"))
        else:
            ahead = self.num_workers * (self.prefetch_factor or 0)
            when = f"{ahead} batches ahead" if ahead else "at each next()"
            rows.append(Row("order", "torch", f"{type(self._index_sampler).__name__}, read {when}"))
        rows.append(Row("batches", "native", f"{native.gather.threads} threads"))
        return Explanation(rows)

    def _dataset_reason(self) -> str:
        if self._dataset_kind != _DatasetKind.Map:
            raise NotNative("an IterableDataset")
        samples = samples_of(self.dataset)
        return f"{samples.name}: {len(samples.sources)} arrays of {samples.n_rows} rows"

    def _collate_reason(self) -> str:
        if not self._auto_collation:
            raise NotNative("batch_size=None: samples, not batches")
        if self.collate_fn is not default_collate:
            raise NotNative(f"{_name(self.collate_fn)} is called with a list of samples")
        if collate.default_collate_fn_map != _COLLATE:
            raise NotNative("torch's default_collate_fn_map was changed")
        return "default_collate"

    def _native(self) -> Native:
        """Return what gathers this loader's batches, or raise NotNative."""
        if self._dataset_kind != _DatasetKind.Map:
            raise NotNative("an IterableDataset")
        if self.workers == "thread":
            raise NotNative("workers='thread'")
        self._collate_reason()
        samples = samples_of(self.dataset)
        known = _NATIVE.get(self)
        if known is not None and known.samples.key() == samples.key():
            return known.of(samples)
        gather = Gather(samples.sources, threads=self.threads or self.num_workers or None, prefetch=self.prefetch)
        check(self.dataset, samples, gather)
        made = _NATIVE[self] = Native(samples, gather)
        return made


def _row(part: str, reason: Callable[[], str]) -> Row:
    try:
        return Row(part, "native", reason())
    except NotNative as why:
        return Row(part, "torch", str(why))


def _name(function: Any) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__
