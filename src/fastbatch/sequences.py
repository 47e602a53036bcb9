# SPDX-License-Identifier: MIT
"""Samples cut from long sequences: windows of time series, contexts of tokens. They overlap, and nothing is copied.

How a window is found in memory: `csrc/source/window.h`, and `fastbatch.pure.sequences` in plain Python.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

from .decode import Field, Numbers
from .loader import Loader
from .plan import whole
from .structure import flatten, is_path, packer
from .surface import Surface, as_rows

MAX_ROWS = 2**63 - 1


@dataclass(frozen=True)
class Part:
    """Which rows of a sequence make which sample. All of them are there.

    Attributes:
        start: The first row of sample 0.
        n: Samples.
        stride: Rows from the start of one sample to the next.
        length: Rows in a sample, or None for one row without a dimension of its own.
        step: Rows from one row of a sample to the next.
    """

    start: int
    n: int
    stride: int
    length: int | None = None
    step: int = 1


class SequenceSurface(Surface):
    """A surface that serves parts of sequences too."""

    @abstractmethod
    def part(self, source: Any, part: Part) -> Any:
        """Return a source whose sample `i` is part `i` of `source`; no copy."""

    @abstractmethod
    def is_npy(self, path: bytes) -> bool:
        """Return whether a file is a .npy file, by its content."""

    @abstractmethod
    def open_raw(self, path: bytes, dtype: np.dtype[Any]) -> Any:
        """Return the elements of a file that holds nothing else."""

    def windows(
        self,
        data: Any,
        targets: Any = None,
        *,
        length: SupportsIndex,
        stride: SupportsIndex = 1,
        sampling_rate: SupportsIndex = 1,
        horizon: SupportsIndex = 0,
        dtype: DTypeLike | None = None,
        scale: Numbers | None = None,
        mean: Numbers | None = None,
        std: Numbers | None = None,
        **loader_options: Any,
    ) -> Loader:
        """Return a loader over the windows of a time series: `(x, y)`, or x alone without targets.

        Window `i` is `data[i * stride :][: length * sampling_rate : sampling_rate]`, and its target is
        `targets[i * stride + (length - 1) * sampling_rate + horizon]`.
        Only whole windows whose target is there are served.

        Args:
            data: The series, time first: anything that `arrays` takes, also several arrays of equal length.
            targets: One for each row of the data; `windows(x, x, horizon=1, ...)` forecasts the series itself.
            length: Rows in a window.
            stride: Rows from one window's start to the next one's.
            sampling_rate: Rows from one row of a window to the next.
            horizon: Rows from a window's last row to its target; 0 is the target of the last row itself.
            dtype, scale, mean, std: Conversion of the data, as for `arrays`; channels are the last dimension.
            loader_options: As for `arrays`: batch_size, shuffle, seed, drop_last, shard, threads, ... Samples are
                windows, so the parts of a `split` may share rows: cut the data themselves where that matters.

        Raises:
            ValueError: A series shorter than a window and its horizon, targets of another length, options out of range.
            TypeError, OSError, FormatError: As for `arrays`.

        Source: `csrc/source/window.cpp`.
        """
        n_window = whole("length", length, 1, MAX_ROWS)
        every = whole("stride", stride, 1, MAX_ROWS)
        step = whole("sampling_rate", sampling_rate, 1, MAX_ROWS)
        ahead = whole("horizon", horizon, 0, MAX_ROWS)
        if targets is None and ahead:
            raise ValueError("horizon: means something with targets only")
        opened = [self._open(data, partial(Field, dtype=dtype, scale=scale, mean=mean, std=std))]
        if targets is not None:
            opened.append(self._open(targets, Field))
        pairs = [flatten(datum) for datum in opened]
        fields = [[replace(field, leaf=as_rows(field.leaf)) for field in leaves] for leaves, _ in pairs]
        lengths = [field.leaf.shape[0] for leaves in fields for field in leaves]
        if not fields[0]:
            raise ValueError("expected at least one array, found none")
        if len(set(lengths)) != 1:
            raise ValueError(f"expected data and targets of equal length, found {', '.join(map(str, lengths))} rows")
        last = (n_window - 1) * step + ahead  # row of window 0's target
        if lengths[0] <= last:
            what = "a window and its horizon" if ahead else "a window"
            raise ValueError(f"series shorter than {what}: expected at least {last + 1} rows, found {lengths[0]}")
        n = (lengths[0] - 1 - last) // every + 1
        parts = [Part(0, n, every, n_window, step), Part(last, n, every)]
        served = [
            packer(structure)([replace(field, leaf=self.part(field.leaf, part)) for field in leaves])
            for leaves, (_, structure), part in zip(fields, pairs, parts, strict=False)
        ]
        return self.arrays(*served, **loader_options)

    def tokens(
        self,
        tokens: Any,
        dtype: DTypeLike | None = None,
        context: SupportsIndex = 1024,
        stride: SupportsIndex | None = None,
        *,
        targets: str | None = "next",
        out_dtype: DTypeLike | None = "int64",
        **loader_options: Any,
    ) -> Loader:
        """Return a loader over contexts of a token file for language models: `(x, y)`, y one token further on.

        `x = tokens[i * stride :][:context]` and `y = tokens[i * stride + 1 :][:context]`, both (batch, context).
        Documents are not told apart: a context may begin in one and end in the next.

        Args:
            tokens: Path of a raw file of integers (`train.bin`) or of a .npy file, a 1-d array, or a source.
            dtype: Of the elements of a raw file, "uint16" for example. A .npy file says it itself.
            context: Tokens in a sample.
            stride: Tokens from one sample's start to the next one's; None takes `context`, so that each token is in
                one sample.
            targets: "next" for `(x, y)`; None for x alone.
            out_dtype: Of the batch; None keeps the type of the file.
            loader_options: As for `arrays`: batch_size, shuffle, seed, shard, ...

        Raises:
            ValueError: No dtype for a raw file, fewer tokens than a sample needs, options out of range.
            TypeError: Elements that are not integers, more than one dimension.
            OSError, FormatError: A file that cannot be read, or is not what it says.

        Source: `csrc/source/window.cpp`, `csrc/source/raw.cpp`.
        """
        if targets not in ("next", None):
            raise ValueError(f"targets: expected 'next' or None, found {targets!r}")
        length = whole("context", context, 1, MAX_ROWS)
        every = length if stride is None else whole("stride", stride, 1, MAX_ROWS)
        source = self._open_tokens(tokens, dtype)
        if len(source.shape) != 1 or source.dtype.kind not in "iu":
            raise TypeError(f"tokens: expected integers in 1 dimension, found {source.dtype} {source.shape}")
        ahead = 0 if targets is None else 1
        needed = length + ahead
        if source.shape[0] < needed:
            place = f"{os.fsdecode(tokens)}: " if is_path(tokens) else ""
            raise ValueError(f"{place}too few tokens: expected at least {needed}, found {source.shape[0]}")
        n = (source.shape[0] - needed) // every + 1
        columns = [Field(self.part(source, Part(k, n, every, length)), out_dtype) for k in range(1 + ahead)]
        return self.arrays(*columns, **loader_options)

    def _open_tokens(self, tokens: Any, dtype: DTypeLike | None) -> Any:
        wanted = None if dtype is None else np.dtype(dtype)
        if is_path(tokens):
            path = os.fsencode(tokens)
            if not self.is_npy(path):
                if wanted is None:
                    raise ValueError(f"{os.fsdecode(path)}: dtype: a raw file needs one, such as 'uint16'")
                return self.open_raw(path, wanted)
            tokens = self.open_file(path)
        source = as_rows(tokens)
        if wanted is not None and source.dtype != wanted:
            raise ValueError(f"dtype: expected that of the tokens, {source.dtype}, found {wanted}; see out_dtype")
        return source


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

    _surface: ClassVar[SequenceSurface]

    def __init__(self, data: Any, labels: Any, seq_length: SupportsIndex) -> None:
        self._given = (data, labels)
        self._data, self._labels = (self._opened(datum) for datum in self._given)
        self.seq_length = whole("seq_length", seq_length, 1, MAX_ROWS)
        n = len(self._data)
        if len(self._labels) != n:
            raise ValueError(f"expected a label for each of {n} rows, found {len(self._labels)}")
        if n < self.seq_length:
            raise ValueError(f"series shorter than a window: expected at least {self.seq_length} rows, found {n}")

    def _opened(self, datum: Any) -> Any:
        if not is_path(datum):
            return datum
        source = self._surface.open_file(os.fsencode(datum))
        if isinstance(source, dict):
            raise TypeError(f"expected one array, found the archive {os.fsdecode(datum)}")
        return source

    def __len__(self) -> int:
        return len(self._data) - self.seq_length + 1

    def __getitem__(self, index: SupportsIndex) -> tuple[Any, Any]:
        i, n = whole("index", index, -MAX_ROWS), len(self)
        if not -n <= i < n:
            raise IndexError(f"expected an index from {-n} to {n - 1}, found {i}")
        i %= n
        data, labels = self._given
        x = self._data[i : i + self.seq_length]
        y = self._labels[i + self.seq_length - 1]
        # What is mapped cannot be written to, which torch warns of.
        return np.array(x) if is_path(data) else x, np.array(y)[()] if is_path(labels) else y

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what was given: paths stay paths, and are opened again."""
        return type(self), (*self._given, self.seq_length)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} windows of {self.seq_length} rows)"

    def loader(self, batch_size: SupportsIndex = 32, **loader_options: Any) -> Loader:
        """Return `windows` over the same samples; the options are those."""
        data, labels = self._given
        return self._surface.windows(data, labels, length=self.seq_length, batch_size=batch_size, **loader_options)
