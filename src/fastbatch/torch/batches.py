# SPDX-License-Identifier: MIT
"""The iterator of a loader whose dataset is recognised: the core's threads gather the batches.

Where the sampler's order is known at the first batch, batches are gathered ahead. Other samplers are read when torch
reads them: with `num_workers=0` at each `next()`, else `num_workers * prefetch_factor` batches ahead.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import _utils
from torch.utils.data.dataloader import _BaseDataLoaderIter

from fastbatch.native.gather import Batches

from .engine import Native, native_of
from .errors import fetch
from .order import KnownOrder, known_order
from .sharded import ShardedBatches
from .state import PENDING, rewound, start_in, start_of

if TYPE_CHECKING:
    from .samples import Samples

_AHEAD = 4  # batches of a sharded order
_STRETCH = 1 << 20  # samples whose gathering is begun at once
_pin_memory: Any = _utils.pin_memory.pin_memory


class NativeIter(_BaseDataLoaderIter):
    """Iterates once over a recognised dataset, as its sampler says."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._begin(loader)

    def _reset(self, loader: Any, first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        self._begin(loader)

    def _begin(self, loader: Any) -> None:
        self._native = native_of(loader)
        self._fetcher = _utils.fetch._MapDatasetFetcher(
            self._dataset, self._auto_collation, self._collate_fn, self._drop_last
        )
        self._order = known_order(loader._plain_index_sampler)
        self._requests = 0  # batches that were asked of the sampler
        self._saved = None if self._order is None else PENDING.pop(loader, None)
        self._loader = weakref.ref(loader)  # whose generators the order is drawn from
        self._ahead = batches_read_ahead(loader)
        self._ready: deque[Any] = deque()  # of the sampler's batches that were read ahead
        self._known: _KnownBatches | None = None
        for _ in range(self._ahead):
            self._ask()

    def _ask(self) -> None:
        """Ask the sampler for one more batch."""
        self._requests += 1
        if self._order is None:
            try:
                self._ready.append(self._started(next(self._sampler_iter)))
            except StopIteration:
                self._ready.append(None)
            return
        if self._known is None:
            self._draw(self._order)
        self._order.ask(self._requests)

    def _draw(self, order: KnownOrder) -> None:
        """Draw the order, or that of the epoch that was saved."""
        saved, self._saved = self._saved, None
        loader = self._loader()
        if saved is None:
            if loader is not None:
                order.start = start_of(loader, is_fresh=False)
            self._known = _KnownBatches(self._native, order)
            return
        order.seed, order.start = saved["seed"], start_in(saved)
        with rewound(loader, saved):
            self._known = _KnownBatches(self._native, order, saved["batches"])
        for request in range(1, saved["batches"] + 1):
            order.ask(request)
        self._requests += saved["batches"]

    def _next_data(self) -> Any:
        if not self._ahead:
            self._ask()
        if self._order is None:
            data = self._read(self._ready.popleft())
        else:
            assert self._known is not None
            data = self._known.next(self._fetcher)
        if self._ahead:
            self._ask()
        if self._pin_memory:
            data = _pin_memory(data, self._pin_memory_device)
        return data

    def _started(self, index: Any) -> tuple[Any, Any, list[int]]:
        """Return a batch of indices, its rows (or the gathering of them, ahead), and the versions of the data."""
        rows = rows_of(self._native.samples, index)
        versions = self._native.versions()
        if rows is None or not self._ahead:
            return index, rows, versions
        return index, self._native.gather.batches(rows, len(rows)), versions

    def _read(self, asked: tuple[Any, Any, list[int]] | None) -> Any:
        if asked is None:
            self._ready.append(None)  # the sampler has ended
            raise StopIteration
        index, rows, versions = asked
        if rows is None:
            return fetch(self._fetcher, index, self._num_yielded)
        if not isinstance(rows, Batches):
            return self._native.now(rows)
        if versions != self._native.versions():
            return self._native.now(rows_of(self._native.samples, index))  # type: ignore[arg-type]
        return self._native.batch(next(rows))


def batches_read_ahead(loader: Any) -> int:
    """Return how many batches of an unknown sampler are read ahead: as many as torch reads, or of ours a few."""
    ahead = int(loader.num_workers * (loader.prefetch_factor or 0))
    return ahead or (_AHEAD if isinstance(loader._plain_index_sampler, ShardedBatches) else 0)


def reads_ahead(loader: Any) -> bool:
    """Return whether batches may be taken ahead: the sampler shares no generator with the training step."""
    return batches_read_ahead(loader) > 0 or known_order(loader._plain_index_sampler) is not None


class _KnownBatches:
    """The batches of an epoch whose order is known, gathered ahead in stretches of it."""

    def __init__(self, native: Native, order: KnownOrder, first: int = 0) -> None:
        self._native = native
        self._indices = order.draw()
        self._size = order.batch_size
        n = len(self._indices)
        self._n_batches = n // self._size if order.drop_last else -(-n // self._size)
        self._stretch = _STRETCH
        self._k = first
        self._end = first  # of the stretch
        self._odd: set[int] = set()  # batches of the stretch that are left to torch
        self._run = Batches(None)
        self._versions: list[int] = []
        self._start()

    def _start(self) -> None:
        """Begin to gather batch `_k` and those after it, up to the next one that is left to torch."""
        begin, size = self._k, self._size
        end = min(begin + max(1, self._stretch // size), self._n_batches)
        rows = self._native.samples.rows_of(np.asarray(self._indices[begin * size : end * size], np.int64))
        outside = (rows < 0) | (rows >= self._native.samples.n_rows)
        self._odd = set((begin + np.flatnonzero(outside) // size).tolist())
        self._end = min(self._odd, default=end)
        self._versions = self._native.versions()
        self._run = self._native.gather.batches(rows[: (self._end - begin) * size], size)

    def next(self, fetcher: Any) -> Any:
        if self._k >= self._n_batches:
            self._run = Batches(None)
            raise StopIteration
        k = self._k
        if k in self._odd:
            self._k += 1
            self._start()
            return fetch(fetcher, np.asarray(self._indices[k * self._size : (k + 1) * self._size]).tolist(), k)
        written = self._versions != self._native.versions()
        if written:  # what was gathered ahead is of yesterday, and will be again
            self._stretch = self._size
        if written or k >= self._end:
            self._start()
            if k in self._odd:
                return self.next(fetcher)
        arrays = next(self._run)
        self._k = k + 1
        return self._native.batch(arrays)


def rows_of(samples: Samples, index: Any) -> NDArray[np.int64] | None:
    """Return the rows of a sampler's batch, or None where it is left to torch: no list of indices of samples."""
    if not isinstance(index, (list, tuple, np.ndarray, torch.Tensor)):
        return None
    try:
        indices = np.asarray(index)
    except (ValueError, TypeError, RuntimeError):
        return None
    if indices.ndim != 1 or len(indices) == 0 or indices.dtype.kind not in "iu":
        return None
    rows = samples.rows_of(indices.astype(np.int64, copy=False))
    return None if rows.min() < 0 or rows.max() >= samples.n_rows else rows
