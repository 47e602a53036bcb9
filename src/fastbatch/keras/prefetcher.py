# SPDX-License-Identifier: MIT
"""The thread pool of an image iterator: it decodes upcoming batches and parallelises work on the current one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from fastbatch.loader import fork as process
from fastbatch.native import kernels
from fastbatch.source.pool import submit, thread_pool

from .file_decoder import FileDecoder, Images
from .image_utils import Array

CHUNK = 4  # images per task


@dataclass
class _Batch:
    images: Images
    tasks: list[Future[None]]

    def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()


class Prefetcher:
    """Prefetches batches and runs work in parallel. Threads: any; a forked child starts its own pool."""

    def __init__(self) -> None:
        self._pool: Any = None
        self._process: object = None
        self._lock = process.new_lock()
        self._decoder: FileDecoder | None = None
        self._pending: dict[bytes, _Batch] = {}  # keyed by the bytes of the batch's indices

    def take(self, decoder: FileDecoder, indices: Array, forecast: Sequence[Array]) -> Images:
        """Return a batch of decoded images and start decoding the batches of the forecast.

        Raises:
            OSError: A file cannot be read or decoded.
        """
        wanted = {order.tobytes(): order for order in forecast}
        with self._lock:
            pool = self._threads()
            if self._decoder is not decoder:
                self._drop(self._pending)
                self._decoder = decoder
            batch = self._pending.pop(indices.tobytes(), None) or self._start(pool, decoder, indices)
            self._drop([key for key in self._pending if key not in wanted])
            for key, order in wanted.items():
                if key not in self._pending:
                    self._pending[key] = self._start(pool, decoder, order)
        for task in batch.tasks:
            task.result()
        return batch.images

    def run(self, work: Callable[[int, int], None], n: int) -> None:
        """Call `work(start, stop)` on parts of range(n) in parallel; raise the error of the first part that failed."""
        with self._lock:
            pool = self._threads()
        n_parts = min(n, 2 * pool._max_workers)
        if n_parts <= 1:
            work(0, n)
            return
        edges = [i * n // n_parts for i in range(n_parts + 1)]
        tasks = [submit(pool, work, start, stop) for start, stop in itertools.pairwise(edges)]
        errors = [error for error in [task.exception() for task in tasks] if error is not None]
        if errors:
            raise errors[0]

    def _start(self, pool: Any, decoder: FileDecoder, indices: Array) -> _Batch:
        images = decoder.empty(len(indices))
        tasks = [submit(pool, decoder.decode, indices[i : i + CHUNK], images, i) for i in range(0, len(indices), CHUNK)]
        return _Batch(images, tasks)

    def _drop(self, keys: Any) -> None:
        for key in list(keys):
            self._pending.pop(key).cancel()

    def _threads(self) -> Any:
        if self._pool is None or self._process is not process.current:
            self._pool = thread_pool(kernels.available_cpus(), "fastbatch images")
            self._process = process.current
            self._pending = {}
        return self._pool
