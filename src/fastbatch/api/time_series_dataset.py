# SPDX-License-Identifier: MIT
"""`TimeSeriesDataset`: windows as a map-style dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, SupportsIndex

import numpy as np

from fastbatch.batch.tree import is_path
from fastbatch.calls import public_class, takes
from fastbatch.checks import whole
from fastbatch.loader.loader import Loader
from fastbatch.mapped import rows_of
from fastbatch.source.formats import open_array
from fastbatch.source.window import MAX_ROWS

from .backend import Backend
from .windows import windows


@public_class
class TimeSeriesDataset:
    """Windows of a series with the label of each one's last step, as a map-style dataset for torch's `DataLoader`.

    `len()` is `len(data) - seq_length + 1`; item `i` is `(data[i : i + seq_length], labels[i + seq_length - 1])`.
    `loader()` gives the same samples in batches that are gathered natively.

    Args:
        data, labels: Arrays, tensors, or paths of .npy or IDX files, of equal length.
        seq_length: Rows in a window.

    Raises:
        ValueError: Labels of another length, a series shorter than a window.
    """

    _backend: ClassVar[Backend]

    def __init__(self, data: Any, labels: Any, seq_length: SupportsIndex) -> None:
        self._given = (data, labels)
        self._data, self._labels = (open_array(self._backend, datum) for datum in self._given)
        self.seq_length = whole("seq_length", seq_length, 1, MAX_ROWS)
        n = len(self._data)
        if len(self._labels) != n:
            raise ValueError(f"expected a label for each of {n} rows, found {len(self._labels)}")
        if n < self.seq_length:
            raise ValueError(f"series shorter than a window: expected at least {self.seq_length} rows, found {n}")

    def __len__(self) -> int:
        return len(self._data) - self.seq_length + 1

    def __getitem__(self, index: SupportsIndex) -> tuple[Any, Any]:
        i, n = whole("index", index, -MAX_ROWS), len(self)
        if not -n <= i < n:
            raise IndexError(f"expected an index from {-n} to {n - 1}, found {i}")
        i %= n
        data, labels = self._given
        last = i + self.seq_length - 1
        x, y = rows_of(self._data, i, last + 1), rows_of(self._labels, last, last + 1)[0]
        # What is mapped cannot be written to, which torch warns of.
        return np.array(x) if is_path(data) else x, np.array(y)[()] if is_path(labels) else y

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what was given: paths stay paths, and are opened again."""
        return type(self), (*self._given, self.seq_length)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} windows of {self.seq_length} rows)"

    @takes(windows)
    def loader(self, batch_size: SupportsIndex = 32, **options: Any) -> Loader:
        """Return `windows` over the same samples; the options are those."""
        data, labels = self._given
        return windows(self._backend, data, labels, length=self.seq_length, batch_size=batch_size, **options)
