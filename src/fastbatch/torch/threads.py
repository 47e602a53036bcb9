# SPDX-License-Identifier: MIT
"""The iterator of `workers="thread"`: threads call a Python dataset, each for a whole batch; the order is kept."""

from __future__ import annotations

import concurrent.futures
import weakref
from collections import deque
from typing import Any

import torch
from torch.utils.data import _utils
from torch.utils.data.dataloader import _BaseDataLoaderIter

from fastbatch.source.pool import submit

from .errors import fetch

_pin_memory: Any = _utils.pin_memory.pin_memory


class ThreadIter(_BaseDataLoaderIter):
    """Iterates once over a map-style dataset whose batches are fetched and collated by threads.

    The sampler is read on the consumer's thread. A batch's error is raised by the `next()` that would return it.
    """

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._pool = concurrent.futures.ThreadPoolExecutor(self.n_threads(loader), "fastbatch-torch")
        self._closing = weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)
        self._begin(loader)

    def _reset(self, loader: Any, first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        for future in self._ahead:
            future.cancel()
        self._begin(loader)

    @staticmethod
    def n_threads(loader: Any) -> int:
        """Return how many threads fetch the batches of a loader."""
        return int(loader.threads or loader.num_workers or torch._utils.cpu_count() or 1)

    @classmethod
    def batches_ahead(cls, loader: Any) -> int:
        """Return how many batches are read of the sampler ahead of the consumer: as many as torch reads."""
        return int(loader.num_workers * (loader.prefetch_factor or 0) or 2 * cls.n_threads(loader))

    def _begin(self, loader: Any) -> None:
        self._fetcher = _utils.fetch._MapDatasetFetcher(
            self._dataset, self._auto_collation, self._collate_fn, self._drop_last
        )
        self._ahead: deque[concurrent.futures.Future[Any]] = deque()
        self._asked = 0
        self._over = False
        for _ in range(self.batches_ahead(loader)):
            self._ask()

    def _ask(self) -> None:
        """Give one more batch to the threads."""
        if self._over:
            return
        try:
            index = next(self._sampler_iter)
        except StopIteration:
            self._over = True
            return
        self._ahead.append(submit(self._pool, fetch, self._fetcher, index, self._asked))
        self._asked += 1

    def _next_data(self) -> Any:
        if not self._ahead:
            raise StopIteration
        future = self._ahead.popleft()
        if not concurrent.futures.wait([future], self._timeout or None).done:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        self._ask()
        data = future.result()
        return _pin_memory(data, self._pin_memory_device) if self._pin_memory else data
