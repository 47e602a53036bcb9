# SPDX-License-Identifier: MIT
"""Keras's `pad_sequences`, `TimeseriesGenerator` and `timeseries_dataset_from_array`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from fastbatch.api.arrays import arrays
from fastbatch.checks import shown
from fastbatch.loader.keras_ready import KerasClass, keras_class
from fastbatch.native.backend import NativeBackend
from fastbatch.source.formats import as_rows
from fastbatch.source.window import Part

from .dataset import KerasDataset
from .directory_index import as_tensorflow
from .image_utils import Array


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Return sequences of different lengths as one array, padded with `value` or cut to `maxlen`.

    Args:
        sequences: Sequences of numbers, or of arrays of one shape.
        maxlen: Length of the result; None: that of the longest sequence.
        dtype: Type of the result.
        padding: Pad "pre" (at the start) or "post" (at the end).
        truncating: Cut "pre" (at the start) or "post" (at the end).
        value: The padding value.

    Returns:
        An array of shape (sequences, maxlen, ...).

    Raises:
        ValueError: No sequences; elements of different shapes; a value that the dtype cannot hold; an unknown side.

    Example:
        >>> from fastbatch.keras import pad_sequences
        >>> pad_sequences([[1, 2, 3], [4]], maxlen=2)
        array([[2, 3],
               [0, 4]], dtype=int32)

    Source: Keras's `keras/src/utils/sequence_utils.py`.
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable.")
    lengths = []
    for sequence in sequences:
        if not hasattr(sequence, "__len__"):
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {sequence}")
        lengths.append(len(sequence))
    shape: tuple[int, ...] = next((np.asarray(one).shape[1:] for one in sequences if len(one)), ())
    if maxlen is None:
        maxlen = int(np.max(lengths))
    is_text = np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_)
    if isinstance(value, str) and dtype is not object and not is_text:
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}. "
            "You should set `dtype=object` for variable length strings."
        )
    padded: Array = np.full((len(sequences), maxlen, *shape), value, dtype=dtype)
    if any(lengths):
        for name, given in (("Truncating", truncating), ("Padding", padding)):
            if given not in ("pre", "post"):
                raise ValueError(f'{name} type "{given}" not understood')
    for i, sequence in enumerate(sequences):
        if not len(sequence):
            continue
        kept = np.asarray(sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen], dtype=dtype)
        if kept.shape[1:] != shape:
            raise ValueError(
                f"Shape of sample {kept.shape[1:]} of sequence at position {i} is different from expected shape {shape}"
            )
        if padding == "post":
            padded[i, : len(kept)] = kept
        else:
            padded[i, -len(kept) :] = kept
    return padded


class TimeseriesGenerator(KerasClass):
    """Batches of windows of a series, each with the target of the row after it; item `i` is batch `i`.

    Args:
        data: The series, time first: an array or a list.
        targets: One target per row of the data.
        length: Rows that a window spans; its target is that of the next row.
        sampling_rate: Rows from one row of a window to the next.
        stride: Rows from one window to the next.
        start_index, end_index: First and last row to use; None is the last row.
        shuffle: Draw windows at random, with replacement, from NumPy's global generator.
        reverse: Reverse the rows of each window.
        batch_size: Windows in a batch; the last batch may be smaller.

    Raises:
        ValueError: Data and targets of different lengths; no row is left to be a target.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import TimeseriesGenerator
        >>> batches = TimeseriesGenerator(np.arange(10), np.arange(10), length=3, batch_size=2)
        >>> x, y = batches[0]
        >>> x, y
        (array([[0, 1, 2],
               [1, 2, 3]]), array([3, 4]))

    Source: Keras's `keras/src/legacy/preprocessing/sequence.py`.
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ) -> None:
        if len(data) != len(targets):
            raise ValueError(
                "Data and targets have to be of same length. "
                f"Data length is {len(data)} while target length is {len(targets)}"
            )
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        self.workers, self.use_multiprocessing, self.max_queue_size = 1, False, 10
        if self.start_index > self.end_index:
            raise ValueError(
                f"`start_index+length={self.start_index} > end_index={self.end_index}` is disallowed, "
                "as no part of the sequence would be left to be used as current step."
            )

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return keras_class(type(self), is_sized=True)

    def __len__(self) -> int:
        per_batch = self.batch_size * self.stride
        return (self.end_index - self.start_index + per_batch) // per_batch

    @property
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return len(self)

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            stop = min(first + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(first, stop, self.stride)
        if isinstance(self.data, np.ndarray) and len(rows) and rows.min() >= self.length:
            back = np.arange(-self.length, 0, self.sampling_rate)
            samples: Array = self.data[rows[:, np.newaxis] + back]
        else:
            samples = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        targets = self.targets[rows] if isinstance(self.targets, np.ndarray) else [self.targets[row] for row in rows]
        return samples[:, ::-1, ...] if self.reverse else samples, np.array(targets)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as a dict, the data as JSON.

        Raises:
            TypeError: The data cannot be written as JSON.
        """
        config = {name: _as_json(name, getattr(self, name)) for name in ("data", "targets")}
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse", "batch_size")
        return config | {name: getattr(self, name) for name in names}

    def to_json(self, **kwargs: Any) -> str:
        """Return the configuration as JSON."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def _as_json(name: str, data: Any) -> str:
    try:
        return json.dumps(data.tolist() if isinstance(data, (np.ndarray, np.generic)) else data)
    except TypeError as error:
        raise TypeError(f"{name.capitalize()} not JSON Serializable: {shown(data)}") from error


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> KerasDataset:
    """Return a loader over windows of a series: `(x, y)`, or x alone without targets.

    Window `i` starts at row `start_index + i * sequence_stride`; its target is that of its first row.

    Args:
        data: The series, time first: an array.
        targets: One target per start of a window, or None.
        sequence_length: Rows in a window.
        sequence_stride: Rows from the start of one window to the start of the next.
        sampling_rate: Rows from one row of a window to the next.
        batch_size: Windows in a batch; the last batch may be smaller. None gives single windows.
        shuffle: A new order in each epoch. (Keras shuffles once, and then within 8 batches.)
        seed: Determines the order; None draws a seed from NumPy's global generator if `shuffle` is set, as Keras does.
        start_index, end_index: Use only the rows from `start_index` to before `end_index`.
        format: "tf" or "grain". The batches are NumPy arrays in both cases; see `KerasDataset.to_tf`.

    Returns:
        A `KerasDataset` of batches of shape (batch, sequence_length, ...).

    Raises:
        ValueError: An argument out of range; targets for fewer rows than there are windows.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import timeseries_dataset_from_array
        >>> x, y = next(iter(timeseries_dataset_from_array(np.arange(10), np.arange(10), 3, batch_size=2)))
        >>> x, y
        (array([[0, 1, 2],
               [1, 2, 3]]), array([0, 1]))

    Source: Keras's `keras/src/utils/timeseries_dataset_utils.py`.
    """
    n_rows = len(data)
    _check_rows(n_rows, start_index, end_index, sampling_rate, sequence_stride)
    if format not in ("tf", "grain"):
        raise ValueError(f'`format` should be either "tf" or "grain". Received: format={format}')
    start, end = start_index or 0, n_rows if end_index is None else end_index
    start, end, _ = slice(start, end).indices(n_rows)
    n_starts = end - start - (sequence_length - 1) * sampling_rate
    if targets is not None:
        n_starts = min(n_starts, len(targets))
    n = max(0, -(-n_starts // sequence_stride))
    seed = int(np.random.randint(1_000_000)) if seed is None and shuffle else seed
    backend = NativeBackend()
    if format == "tf":
        data, targets = (as_tensorflow(one) if isinstance(one, list | tuple) else one for one in (data, targets))
    x = as_rows(data)
    part = Part(start, n, sequence_stride, sequence_length, sampling_rate)
    served = [backend.part(x, part) if n else np.zeros((1, sequence_length, *x.shape[1:]), x.dtype)]
    if targets is not None:
        y = as_rows(targets)
        last = start + (n - 1) * sequence_stride
        if n and last >= len(y):
            raise ValueError(f"`targets`: expected at least {last + 1}, one for each window's start, found {len(y)}")
        served.append(backend.part(y, Part(start, n, sequence_stride)) if n else np.zeros((1, *y.shape[1:]), y.dtype))
    loader = arrays(
        backend, *served, batch_size=128 if batch_size is None else batch_size, shuffle=shuffle, seed=seed or 0
    )
    return KerasDataset.of(loader if n else loader.select([]), is_batched=batch_size is not None)


def _check_rows(n_rows: int, start: int | None, end: int | None, rate: int, stride: int) -> None:
    of = f"for data of length {n_rows}"
    if start and start < 0:
        raise ValueError(f"`start_index` must be 0 or greater. Received: start_index={start}")
    if start and start >= n_rows:
        raise ValueError(f"`start_index` must be lower than the length of the data. Received: {start}, {of}")
    if end and start and end <= start:
        raise ValueError(f"`end_index` must be higher than `start_index`. Received: {end} and {start}")
    if end and end >= n_rows:
        raise ValueError(f"`end_index` must be lower than the length of the data. Received: {end}, {of}")
    if end and end <= 0:
        raise ValueError(f"`end_index` must be higher than 0. Received: end_index={end}")
    for name, number in (("sampling_rate", rate), ("sequence_stride", stride)):
        if number <= 0:
            raise ValueError(f"`{name}` must be higher than 0. Received: {name}={number}")
        if number >= n_rows:
            raise ValueError(f"`{name}` must be lower than the length of the data. Received: {number}, {of}")
