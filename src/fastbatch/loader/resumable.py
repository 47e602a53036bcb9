# SPDX-License-Identifier: MIT
"""Which epoch comes next, and where it begins: what loaders of arrays and loaders of text have in common."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, SupportsIndex, TypeVar

from fastbatch.checks import whole
from fastbatch.errors import StateError
from fastbatch.plan.plan import MAX_SEED

from .keras_ready import KerasReady

Self = TypeVar("Self", bound="EpochCounter")


class EpochCounter(KerasReady):
    """Data that is iterated once an epoch, may go on in the middle of one, and is copied as it stands.

    A place is where in an epoch an iterator begins or stands. A progress has an `epoch`, and says whether it `ended`.
    """

    _start_of_epoch: ClassVar[Any]  # the place

    def __init__(self) -> None:
        self._closed = False
        self._since: float | None = None  # when the first iterator was made, by the monotonic clock
        self._next_epoch = 0
        self._resume_at = self._start_of_epoch  # where the next iterator begins
        self._progress: Any = None  # of the latest iterator

    @abstractmethod
    def _iterator(self, epoch: int, place: Any) -> tuple[Iterator[Any], Any]:
        """Return an iterator over (the rest of) an epoch, and its progress."""

    @abstractmethod
    def _place_of(self, progress: Any) -> Any:
        """Return the place after the latest batch that was handed out."""

    def __iter__(self) -> Iterator[Any]:
        """Begin the next epoch; after `load_state_dict`, once, the rest of the one that was saved."""
        if self._since is None:
            self._since = time.monotonic()
        iterator, progress = self._iterator(self._next_epoch, self._resume_at)
        self._go_to(self._next_epoch + 1, self._start_of_epoch)
        self._progress = progress
        return iterator

    @property
    def epoch(self) -> int:
        """The epoch that the latest iterator is in, or the next one to begin if it came to its end."""
        if self._progress is None or self._progress.ended:
            return self._next_epoch
        epoch: int = self._progress.epoch
        return epoch

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Let the next `for` be epoch `epoch`, from its start. Iterators at work are not disturbed."""
        self._go_to(whole("epoch", epoch, 0, MAX_SEED), self._start_of_epoch)

    def _go_to(self, epoch: int, place: Any) -> None:
        self._next_epoch, self._resume_at, self._progress = epoch, place, None

    def _stands_at(self) -> tuple[int, Any]:
        """Return the epoch and place at which a copy goes on."""
        progress = self._progress
        if progress is None or progress.ended:
            return self._next_epoch, self._resume_at
        return progress.epoch, self._place_of(progress)

    def repeat(self, times: SupportsIndex | None = None) -> Iterator[Any]:
        """Return an iterator over `times` epochs, or over epochs without end.

        Without `times` it ends after a whole epoch that had no batches.
        """
        return self._repeat(None if times is None else whole("times", times, 0))

    def _repeat(self, times: int | None) -> Iterator[Any]:
        done = 0
        while times is None or done < times:
            is_whole, is_empty = self._resume_at == self._start_of_epoch, True
            for batch in self:
                is_empty = False
                yield batch
            if times is None and is_whole and is_empty:
                return  # an endless loop over nothing
            done += 1

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles stand where this one does, and go their own way, with threads and counters of their own.

        What stands in memory is shared by copies, and goes along in pickles; files are opened again.
        """
        epoch, place = self._stands_at()
        own = {"_next_epoch": epoch, "_resume_at": place, "_progress": None, "_since": None}
        return {**{key: value for key, value in self.__dict__.items() if key != "_keras_passes"}, **own}

    def __copy__(self: Self) -> Self:
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__getstate__())
        return copied

    def __deepcopy__(self: Self, memo: dict[int, Any]) -> Self:
        return self.__copy__()  # data and plans do not change

    @abstractmethod
    def _order(self) -> str:
        """Return what decides the order besides seed, epoch and data, in one line."""

    @abstractmethod
    def _dataset(self) -> str:
        """Return what tells this data from other data."""

    def _refuse_other(self, order: Any, dataset: Any) -> None:
        """Raise StateError when a state is one of other data, or another order."""
        if dataset != self._dataset():
            raise StateError("state of another data set", expected=self._dataset(), found=dataset)
        if order != self._order():
            raise StateError("state of a loader with another order", expected=self._order(), found=order)

    @abstractmethod
    def close(self) -> None:
        """End all work and join the threads. Iterators raise ClosedError from now on. May be called twice."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
