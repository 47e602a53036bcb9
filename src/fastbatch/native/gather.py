# SPDX-License-Identifier: MIT
"""Batches of samples that the caller chooses: the core's threads gather them, in the caller's order.

A loader of this package works out its own order. A caller that has one already, as the door to PyTorch has a sampler's,
gives the indices instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch import _core
from fastbatch.api.arrays import column_of
from fastbatch.batch.column import verify_columns
from fastbatch.decode.conversion import Field
from fastbatch.errors import ClosedError

from .backend import NativeBackend
from .engine import expect_random_access
from .lazy_loader import LazyLoader


class Batches:
    """The batches of one list of indices, in order; dropping it ends the work ahead.

    Each is a list of arrays, one per column, that are the caller's.

    Threads: any; each batch goes to one caller.
    """

    def __init__(self, run: _core.Run | None) -> None:
        self._run = run

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> list[NDArray[Any]]:
        if self._run is None:
            raise StopIteration
        batch = self._run.next()
        if batch is False:
            raise ClosedError("the gather was closed")
        if batch is None:
            self._run = None
            raise StopIteration
        return batch[1]


class Gather:
    """Gathers rows of arrays, windows of series and other samples into batches.

    Args:
        sources: One for each array of a batch: arrays, mapped files, parts or series of them, all of one length. A
            `field` is converted on the way.
        threads: Worker threads; None: the CPUs available to this process.
        prefetch: Batches prepared ahead; None: as many as fit into 5 MB, at least 2 and at most 16.

    Attributes:
        n_samples: Samples in the sources.
        dtypes, shapes: Of one sample, for each source.
        threads: Worker threads.

    Threads: any. Fork: works in the child, which starts threads of its own.
    """

    def __init__(self, sources: Sequence[Any], *, threads: int | None = None, prefetch: int | None = None) -> None:
        backend = NativeBackend()
        fields = [source if isinstance(source, Field) else Field(source) for source in sources]
        self._columns: list[Any] = [column_of(backend, field) for field in fields]
        lengths = {column.n_samples for column in self._columns}
        if len(lengths) != 1:
            raise ValueError(f"expected sources of one length, found {sorted(lengths)}")
        self.n_samples: int = lengths.pop()
        self.dtypes: list[np.dtype[Any]] = [column.dtype for column in self._columns]
        self.shapes: list[tuple[int, ...]] = [column.shape for column in self._columns]
        for column in self._columns:
            expect_random_access(column)
        self.threads: int = threads or _core.available_cpus()
        self._loader = LazyLoader(
            [column.decoder for column in self._columns],
            self.dtypes,
            self.shapes,
            self.threads,
            prefetch or 0,
            advise=True,
        )

    def batches(self, indices: NDArray[np.int64], batch_size: int, drop_last: bool = False) -> Batches:
        """Return the batches of a list of indices, whose gathering begins at once.

        Args:
            indices: Of samples, in the order in which they are wanted; any of them more than once.

        Raises:
            IndexError: An index outside of [0, n_samples).
            FormatError: A mapped file was written to since it was opened.
        """
        verify_columns(self._columns, False)
        n = len(indices)
        if n == 0:
            return Batches(None)
        if indices.min() < 0 or indices.max() >= self.n_samples:
            wrong = indices[(indices < 0) | (indices >= self.n_samples)][0]
            raise IndexError(f"expected indices from 0 to {self.n_samples - 1}, found {wrong}")
        loader = self._loader.get(min(batch_size, n), self.n_samples)
        order = _core.Order(self.n_samples, [], "none", 1, 1, 0, 0, n, listed=indices)
        return Batches(loader.start(order, _core.BatchPlan(n, 0, 0, 1, "pad", batch_size, drop_last), 0, 0))

    def batch(self, indices: NDArray[np.int64]) -> list[NDArray[Any]]:
        """Return one batch, gathered now. Raises IndexError as `batches` does."""
        if len(indices) == 0:
            return [np.empty((0, *shape), dtype) for shape, dtype in zip(self.shapes, self.dtypes, strict=True)]
        return next(self.batches(indices, len(indices)))

    def close(self) -> None:
        """End all work and join the threads; may be called twice."""
        self._loader.close()
