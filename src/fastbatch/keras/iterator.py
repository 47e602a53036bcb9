# SPDX-License-Identifier: MIT
"""The endless iterator over batches under all Keras image iterators: Keras's order, seeds and quirks."""

from __future__ import annotations

import random
from collections.abc import Iterator as Iterating
from typing import Any

import numpy as np

from fastbatch.errors import SIGNALS, signal_error
from fastbatch.loader import fork as process
from fastbatch.loader.keras_batch import for_keras
from fastbatch.loader.keras_ready import KerasClass, keras_asks, keras_class

from .image_utils import Array

WHITE_LIST_FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")


def positions(index_array: Any, n: int, as_list: bool) -> Array:
    """Return the indices of a batch as an array in [0, n), from any iterable; negative ones count from the end.

    Args:
        index_array: What `_get_batches_of_transformed_samples` was called with.
        n: Number of samples.
        as_list: Wrong indices raise the errors of a list, as Keras's file names do; otherwise those of an array.
    """
    is_array = isinstance(index_array, np.ndarray) and index_array.dtype.kind in "iu" and index_array.ndim == 1
    if is_array and len(index_array) and index_array.min() >= 0 and index_array.max() < n:
        chosen: Array = index_array
        return chosen
    numbers: Any = list(range(n)) if as_list else np.arange(n)
    chosen = np.empty(len(index_array), dtype=np.intp)
    for i, j in enumerate(index_array):
        chosen[i] = numbers[j]
    return chosen


class Iterator(KerasClass):
    """Endless batches of `n` samples; `for`, `next()` and `batches[i]` as in Keras.

    Once the user has imported Keras, it is also an instance of `keras.utils.PyDataset` for `isinstance`, and so for
    `fit`. Subclasses define `_get_batches_of_transformed_samples(index_array)`.

    Args:
        n: Number of samples.
        batch_size: Samples in a batch; the last batch of an epoch may be smaller.
        shuffle: A new permutation from NumPy's global generator in each epoch.
        seed: Seed that generator with `seed + total_batches_seen` before each batch; None does not.
        workers, use_multiprocessing, max_queue_size: As for `PyDataset`.

    Raises:
        ValueError: By `batches[i]`: no such batch.

    Example:
        >>> from fastbatch.keras import Iterator
        >>> class Squares(Iterator):
        ...     def _get_batches_of_transformed_samples(self, index_array):
        ...         return index_array**2
        >>> squares = Squares(n=5, batch_size=2, shuffle=False, seed=None)
        >>> [next(squares).tolist() for _ in range(4)]
        [[0, 1], [4, 9], [16], [0, 1]]

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """

    white_list_formats = WHITE_LIST_FORMATS

    def __init__(
        self,
        n: int,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size
        self.n = n
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = process.new_lock()
        self.index_array: Array | None = None
        self.index_generator = self._flow_index()
        self._forecast = Forecast(self)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # like the base class, but without len(self), which can fail for such an iterator
        return keras_class(type(self), is_sized=True)

    def __len__(self) -> int:
        return (self.n + self.batch_size - 1) // self.batch_size

    @property
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return len(self)

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        with self.lock:
            index_array = next(self.index_generator)
        try:
            return self._get_batches_of_transformed_samples(index_array)
        except SIGNALS as error:  # of preprocessing_function, or of a subclass
            raise signal_error(error, f"{type(self).__name__}._get_batches_of_transformed_samples") from error

    def __getitem__(self, idx: int) -> Any:
        if idx >= len(self):
            raise ValueError(f"Asked to retrieve element {idx}, but the Sequence has length {len(self)}")
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1
        if self.index_array is None:
            self._set_index_array()
        self._forecast.record_index(idx)
        batch = self._get_batches_of_transformed_samples(self._batch(idx))
        return for_keras(batch) if keras_asks() else batch

    def reset(self) -> None:
        """Begin a new epoch at the next `next()`."""
        self.batch_index = 0

    def on_epoch_begin(self) -> None:
        """Note that `fit` begins an epoch."""
        self._forecast.epoch_begins()

    def on_epoch_end(self) -> None:
        """Draw the order of the next epoch of `batches[i]`."""
        self._set_index_array()

    def _batch(self, idx: int) -> Array:
        assert self.index_array is not None
        return self.index_array[self.batch_size * idx : self.batch_size * (idx + 1)]

    def _set_index_array(self) -> None:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _flow_index(self) -> Iterating[Array]:
        self.reset()
        while True:
            if self.seed is not None:
                np.random.seed(self.seed + self.total_batches_seen)
            if self.batch_index == 0:
                self._set_index_array()
            assert self.index_array is not None
            first = self.batch_index * self.batch_size % self.n if self.n else 0
            is_last = self.n <= first + self.batch_size
            self.batch_index = 0 if is_last else self.batch_index + 1
            self.total_batches_seen += 1
            self._forecast.record_next()
            yield self.index_array[first : first + self.batch_size]

    def _get_batches_of_transformed_samples(self, index_array: Array) -> Any:
        missing = NotImplementedError(f"{type(self).__name__} does not define _get_batches_of_transformed_samples()")
        raise missing


class Forecast:
    """Predicts the next batches of an iterator, for prefetching. A wrong prediction only costs time.

    `next()` follows the epoch's permutation; with a seed the next epoch's permutation is known, too. `fit` asks by
    number: in order, or, with shuffling, in the order that Python's `random.shuffle` gives at the start of the epoch.
    """

    def __init__(self, iterator: Iterator) -> None:
        self._iterator = iterator
        self._numbers: list[int] | None = None  # the next batches by number; None: `next()` is used
        self._shuffled: list[int] = []

    def record_next(self) -> None:
        """Record that a batch was requested by `next()`."""
        self._numbers = None

    def epoch_begins(self) -> None:
        """Predict the order of `fit`'s requests if it shuffles."""
        generator = random.Random()
        generator.setstate(random.getstate())
        self._shuffled = list(range(len(self._iterator)))
        generator.shuffle(self._shuffled)
        self._numbers = []

    def record_index(self, idx: int) -> None:
        """Record that batch `idx` was requested by number."""
        if self._numbers and self._numbers[0] == idx:
            self._numbers = self._numbers[1:]
        elif self._shuffled and self._shuffled[0] == idx:
            self._numbers = self._shuffled[1:]
        else:
            self._numbers = list(range(idx + 1, len(self._iterator)))
        self._shuffled = []

    def batches(self, depth: int) -> list[Array]:
        """Return the indices of up to `depth` predicted batches."""
        iterator = self._iterator
        if self._numbers is not None:
            return [iterator._batch(idx) for idx in self._numbers[:depth]]
        order, position, seen = iterator.index_array, iterator.batch_index, iterator.total_batches_seen
        size = iterator.batch_size
        coming: list[Array] = []
        while order is not None and iterator.n and size > 0 and len(coming) < depth:
            if position == 0 and iterator.shuffle:
                if iterator.seed is None:
                    break
                order = self._next_order(iterator.seed + seen)
            coming.append(order[position * size : (position + 1) * size])
            position = 0 if iterator.n <= (position + 1) * size else position + 1
            seen += 1
        return coming

    def _next_order(self, seed: int) -> Array:
        known = self.__dict__.get("_known")
        if known is None or known[0] != seed:
            known = (seed, np.random.RandomState(seed).permutation(self._iterator.n))
            self._known = known
        order: Array = known[1]
        return order
