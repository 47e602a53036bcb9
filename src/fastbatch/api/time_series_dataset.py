# SPDX-License-Identifier: MIT
"""`TimeSeriesDataset`: windows as a map-style dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, SupportsIndex

import numpy as np

from fastbatch.batch.tree import is_path
from fastbatch.calls import public_class, takes
from fastbatch.checks import n_of, refuse_masked, whole
from fastbatch.loader.samples import SampleLoader
from fastbatch.mapped import rows_of, verify
from fastbatch.source.csv.table import Table
from fastbatch.source.formats import as_rows, open_array
from fastbatch.source.window import MAX_ROWS, Part

from .backend import Backend
from .windows import windows


def _by_position(datum: Any) -> Any:
    """Return sources and tensors unchanged, other data as arrays: `[i]` of a pandas object selects by label."""
    if isinstance(datum, Table):
        datum = datum.rows
    if getattr(type(datum), "serves_rows", False) or hasattr(datum, "__torch_function__"):
        return datum
    refuse_masked("", datum)
    return np.asarray(datum)


@public_class
class TimeSeriesDataset:
    """Windows of a series, each with the label of its last row, as a map-style dataset for torch's `DataLoader`.

    Item `i` is `(data[i : i + seq_length], labels[i + seq_length - 1])`, and `len()` is `len(data) - seq_length + 1`.
    `loader()` gives the same samples in batches that are made natively.

    Args:
        data: Array, tensor, or path of a .npy or IDX file, time first.
        labels: One label per row of the data, in the same forms.
        seq_length: Rows in a window.

    Raises:
        ValueError: Labels of another length, or a series shorter than a window.
        TypeError, OSError, FormatError: As for `arrays`.
        IndexError: By `dataset[i]`: outside of `[-len(dataset), len(dataset))`.

    Example:
        >>> import fastbatch as fb
        >>> dataset = fb.TimeSeriesDataset("sensors.npy", "labels.npy", seq_length=10)
        >>> len(dataset)
        1991
        >>> x, y = dataset[0]
        >>> x.shape
        (10, 3)

    Source: `src/fastbatch/api/time_series_dataset.py`.
    """

    _backend: ClassVar[Backend]

    def __init__(self, data: Any, labels: Any, seq_length: SupportsIndex) -> None:
        self._given = (data, labels)
        self._data, self._labels = (_by_position(open_array(self._backend, datum)) for datum in self._given)
        self.seq_length = whole("seq_length", seq_length, 1, MAX_ROWS)
        n = len(self._data)
        if len(self._labels) != n:
            raise ValueError(f"expected a label for each of {n} rows, found {len(self._labels)}")
        if n < self.seq_length:
            expected = f"at least {n_of(self.seq_length, 'row')}"
            raise ValueError(f"series shorter than a window: expected {expected}, found {n}")

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
        verify(self._data)
        verify(self._labels)
        # A copy: torch warns about read-only arrays, such as mapped ones.
        return np.array(x) if is_path(data) else x, np.array(y)[()] if is_path(labels) else y

    def fastbatch_columns(self) -> tuple[Any, Any]:
        """Return two sources whose samples `i` make item `i`, for loaders that gather whole batches."""
        n = len(self)
        data, labels = as_rows(self._data), as_rows(self._labels)
        first = self.seq_length - 1
        return self._backend.part(data, Part(0, n, 1, self.seq_length)), self._backend.part(labels, Part(first, n, 1))

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the constructor arguments: paths are opened again."""
        return type(self), (*self._given, self.seq_length)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({n_of(len(self), 'window')} of {n_of(self.seq_length, 'row')})"

    @takes(windows)
    def loader(self, batch_size: SupportsIndex = 32, **options: Any) -> SampleLoader:
        """Return a loader over the same samples in batches.

        Args:
            batch_size: Windows in a batch; the last batch may be smaller.
            options: Remaining options: see `windows`.

        Example:
            >>> import fastbatch as fb
            >>> dataset = fb.TimeSeriesDataset("sensors.npy", "labels.npy", seq_length=10)
            >>> x, y = next(iter(dataset.loader(batch_size=64, shuffle=True)))
            >>> x.shape, y.shape
            ((64, 10, 3), (64,))
        """
        data, labels = self._given
        return windows(self._backend, data, labels, length=self.seq_length, batch_size=batch_size, **options)
