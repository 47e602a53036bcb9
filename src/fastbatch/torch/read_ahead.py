# SPDX-License-Identifier: MIT
"""Reading ahead under torch's own loader, which tells a dataset no more than the batch that it wants now.

The order of an epoch is a list that torch's sampler has drawn before its first batch. It is found by way of the
iterator, which is the caller's caller; nothing is taken from the sampler. What was gathered ahead is only used for a
batch of exactly these indices, so that a sampler that does otherwise gets its batches gathered when it asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType, GeneratorType
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import BatchSampler
from torch.utils.data.dataloader import _SingleProcessDataLoaderIter

if TYPE_CHECKING:
    from .engine import Native

_SEQUENCES = (list, range)


class ReadAhead:
    """The batches that torch's loader will ask for next. Threads: one at a time."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._expected: Iterator[list[int]] = iter(())
        self._run: Any = None
        self._versions: list[int] = []
        self._finder = OrderFinder()

    def take(self, indices: Any) -> Any:
        """Return the batch of these indices if it was gathered ahead, else None."""
        if self._run is None:
            return None
        expected = next(self._expected, None)
        if expected is not None and expected == indices and self._versions == self._native.versions():
            return self._native.batch(next(self._run))
        self._run = None
        return None

    def look(self, frame: FrameType) -> None:
        """Begin to gather what comes after the batch that a loader asks for, as its sampler's order says.

        Args:
            frame: Of torch's fetcher.
        """
        found = self._finder.find(frame)
        if found is None:
            return
        order, batch_size = found
        rows = self._native.samples.rows_of(np.asarray(order, np.int64))
        if rows.min() < 0 or rows.max() >= self._native.samples.n_rows:
            return
        self._versions = self._native.versions()
        self._expected = batches_of(order, batch_size)
        self._run = self._native.gather.batches(rows, batch_size)


class OrderFinder:
    """Finds what a loader will ask for next. Threads: one at a time."""

    def __init__(self) -> None:
        self._blind: Any = None  # the iterator whose order was not found

    def find(self, frame: FrameType) -> tuple[Any, int] | None:
        """Return the rest of the order, and the batch size; None if they are not known.

        Args:
            frame: Of torch's fetcher, which the loader's iterator called.
        """
        caller = frame.f_back
        iterator = None if caller is None else caller.f_locals.get("self")
        if iterator is None or iterator is self._blind:
            return None
        found = _upcoming(iterator)
        if found is None:
            self._blind = iterator
        return found


def batches_of(order: Any, batch_size: int) -> Iterator[list[int]]:
    """Return the batches of an order, the last of which may be smaller."""
    return (list(order[i : i + batch_size]) for i in range(0, len(order), batch_size))


def _upcoming(iterator: Any) -> tuple[Any, int] | None:
    """Return the rest of the order of a loader's iterator, and the batch size; None if they are not known or few."""
    batches = getattr(iterator, "_sampler_iter", None)
    if type(iterator) is not _SingleProcessDataLoaderIter or not isinstance(batches, GeneratorType):
        return None
    if batches.gi_code is not BatchSampler.__iter__.__code__ or batches.gi_frame is None:
        return None
    names = batches.gi_frame.f_locals
    sampler: Any = names.get("self")
    indices: Any = names.get("sampler_iter")
    if isinstance(indices, GeneratorType):
        indices = indices.gi_yieldfrom
    if type(sampler) is not BatchSampler or type(indices) not in (type(iter([])), type(iter(range(0)))):
        return None
    reduced = indices.__reduce__()
    sequence, position = reduced[1][0], reduced[2] if len(reduced) > 2 and reduced[2] else 0
    if type(sequence) not in _SEQUENCES:
        return None
    rest = sequence[position:]
    return (rest, sampler.batch_size) if len(rest) > sampler.batch_size else None
