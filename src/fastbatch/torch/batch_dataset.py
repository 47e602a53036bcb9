# SPDX-License-Identifier: MIT
"""`dataset(...)`: the speed in the dataset itself, for loaders that frameworks build anew as torch's own class."""

from __future__ import annotations

import concurrent.futures
import sys
from collections.abc import Sequence
from typing import Any, SupportsIndex

import torch
from torch.utils.data import Dataset, get_worker_info

from fastbatch.checks import flag, n_of, shown, whole
from fastbatch.loader import fork as process
from fastbatch.loader.options import MAX_THREADS
from fastbatch.native.gather import Gather
from fastbatch.source.pool import submit

from .batches import rows_of
from .engine import Native
from .errors import listed, no_end
from .explain import Explanation, Row
from .gathered_samples import GatheredSamples
from .image_dataset import ImageDataset
from .image_sets import image_set
from .read_ahead import ReadAhead
from .samples import check, samples_of
from .tensors import NotNative


class GatheredDataset(Dataset[Any]):
    """A recognised dataset whose batches are gathered by native threads: see `dataset`.

    Attributes:
        source: The dataset.
        threads: As it was given.
    """

    is_gathered = True

    def __init__(self, source: Any, threads: int | None) -> None:
        self.source = source
        self.threads = threads
        samples = samples_of(source)
        n_threads = 1 if get_worker_info() is not None else threads
        self._native = Native(samples, Gather(samples.sources, threads=n_threads))
        check(source, samples, self._native.gather)
        self._ahead = None if get_worker_info() is not None else ReadAhead(self._native)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: Any) -> Any:
        return self.source[index]

    def __getitems__(self, indices: list[Any]) -> Sequence[Any]:
        """Return the samples of a batch, gathered as a whole; ahead, where the sampler's order is known."""
        structure = self._native.samples.structure
        if self._ahead is not None:
            batch = self._ahead.take(indices)
            if batch is not None:
                return GatheredSamples(batch, structure)
            self._ahead.look(sys._getframe(1))
        rows = rows_of(self._native.samples, indices)
        if rows is None:
            return [self.source[index] for index in indices]
        return GatheredSamples(self._native.now(rows), structure)

    def __reduce__(self) -> Any:
        return type(self), (self.source, self.threads)

    def explain(self) -> Explanation:
        """Return what makes the batches of this dataset."""
        samples, threads = self._native.samples, self._native.gather.threads
        made = f"{samples.name}: {n_of(len(samples.sources), 'array')} of {n_of(samples.n_rows, 'row')}"
        return Explanation((Row("dataset", "native", made), Row("batches", "native", n_of(threads, "thread"))))

    def __repr__(self) -> str:
        return f"fastbatch.torch.dataset({self.source!r})"


class ThreadedDataset(Dataset[Any]):
    """A Python dataset whose samples are made by threads, all of a batch at once: see `dataset`.

    Attributes:
        source: The dataset.
        threads: As it was given.
    """

    def __init__(self, source: Any, threads: int | None, why: str) -> None:
        self.source = source
        self.threads = threads
        self._why = why
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        self._process: object = None

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: Any) -> Any:
        return self.source[index]

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        """Return the samples of a batch, in order; the first error in that order is raised."""
        many = getattr(self.source, "__getitems__", None)
        if many is not None:
            try:
                return list(many(indices))
            except StopIteration as error:
                raise no_end(error, listed(indices)) from error
        if self._pool is None or self._process is not process.current:
            self._pool = concurrent.futures.ThreadPoolExecutor(self._n_threads(), "fastbatch-torch")
            self._process = process.current
        futures = [submit(self._pool, self._sample, index) for index in indices]
        return [future.result() for future in futures]

    def _sample(self, index: Any) -> Any:
        try:
            return self.source[index]
        except StopIteration as error:  # would end the epoch
            raise no_end(error, f"index {shown(index)}") from error

    def _n_threads(self) -> int:
        return int(self.threads or torch._utils.cpu_count() or 1)

    def __reduce__(self) -> Any:
        return type(self), (self.source, self.threads, self._why)

    def explain(self) -> Explanation:
        """Return what makes the batches of this dataset."""
        made = Row("batches", "threads", n_of(self._n_threads(), "thread") + " of Python")
        return Explanation((Row("dataset", "torch", self._why), made))

    def __repr__(self) -> str:
        return f"fastbatch.torch.dataset({self.source!r})"


def dataset(
    source: Any, *, threads: SupportsIndex | None = None, exact: bool = True
) -> GatheredDataset | ImageDataset | ThreadedDataset:
    """Return a dataset that makes a whole batch at once, for torch's own `DataLoader` with `num_workers=0`.

    Use it where a framework builds the loader itself, or builds it anew: Accelerate, the Hugging Face Trainer, Ray.

    Args:
        source: A dataset. One that `DataLoader` recognises is gathered natively: its samples are then tensors, and the
            arrays are those that it has now. The samples of any other are made by threads of Python.
        threads: None: the CPUs available to this process.
        exact: Of images: as for `DataLoader`.
    """
    n_threads = None if threads is None else whole("threads", threads, 1, MAX_THREADS)
    flag("exact", exact)
    try:
        if image_set(source) is not None:
            return ImageDataset(source, n_threads, exact)
        return GatheredDataset(source, n_threads)
    except NotNative as why:
        return ThreadedDataset(source, n_threads, str(why))
