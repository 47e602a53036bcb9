# SPDX-License-Identifier: MIT
"""Which epoch comes next, where it begins, and how that is saved and copied: the same for every kind of loader."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, SupportsIndex, TypeVar

from fastbatch.calls import public_class
from fastbatch.checks import whole
from fastbatch.errors import ClosedError
from fastbatch.plan.plan import MAX_SEED

from .bad_samples import Allowance, Report
from .counters import Counters
from .epoch import Epoch
from .map import BatchInfo, Step
from .run import LiveRuns, Progress
from .state import State, read_state

Self = TypeVar("Self", bound="Resumable")

_OF_THIS_OBJECT = ("_keras_passes", "_progress", "_since", "_counters_", "_live_runs_", "_report_")  # not of its copies


@public_class
class Resumable:
    """Data that is iterated once an epoch, may go on in the middle of one, and is copied with its position.

    A position is where in an epoch an iterator begins, or how far it is: a number of samples, or what a kind of loader
    needs besides. Attributes have defaults in the class: subclasses of users may forget `super().__init__()`.

    Threads: any may call its methods.
    """

    _start_of_epoch: ClassVar[Any] = 0  # the first position
    _marks: ClassVar[tuple[Any, Any]] = (None, False)  # what runs return after the last batch, and once closed
    _next_epoch: int = 0
    _resume_at: Any = 0  # where the next iterator begins
    _closed: bool = False
    _since: float | None = None  # when the first iterator was made, by the monotonic clock
    _progress: Progress | None = None  # of the latest iterator
    _map_steps: tuple[Step, ...] = ()

    # ---- what each kind of loader has to say ---------------------------------------------------------------------

    _plan: Any  # what decides the batches

    @property
    def _pack(self) -> Any:
        """What puts the columns of a batch into the user's structure; None if runs hand out finished batches."""
        return None

    @property
    def _steps(self) -> tuple[Step, ...]:
        """Functions of the user's own, for each batch."""
        return self._map_steps

    def _start(self, progress: Progress) -> Any:
        """Begin a run at `progress.start`."""
        raise TypeError(f"{type(self).__name__} has no batches")

    def _batch_info(self, progress: Progress, number: int) -> tuple[BatchInfo, int]:
        """Return the info of batch `number` of a run, and how many positions lie between two of its samples."""
        raise TypeError(f"{type(self).__name__} has no batches")

    def _batches_from(self, position: Any) -> int | None:
        """Return the batches from a position to the end of the epoch on this rank, or None if that is not known."""
        return None

    def _batches_left(self, progress: Progress) -> int | None:
        """Return the batches that an iterator has still to come, or None if that is not known."""
        return self._batches_from(self._position_of(progress))

    def _state(self, epoch: int, position: Any) -> State:
        raise TypeError(f"{type(self).__name__} has no state")

    def _kind(self) -> str:
        """Return the kind of its states."""
        raise TypeError(f"{type(self).__name__} has no state")

    def _load(self, state: State) -> None:
        """Check a state of this kind, and go there."""
        raise TypeError(f"{type(self).__name__} has no state")

    # ---- epochs --------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        """Begin the next epoch; after `load_state_dict`, once, the rest of the one that was saved."""
        return self._begin(self._at_epoch_end)

    def _at_epoch_end(self) -> Any:
        """Do what is to be done when an iterator has come to the end of its epoch."""

    def _begin(self, at_end: Callable[[], Any]) -> Epoch:
        if self._closed:
            raise ClosedError("the loader is closed")
        if self._since is None:
            self._since = time.monotonic()
        progress = Progress(self._plan, self._next_epoch, self._first_position(self._resume_at))
        iterator = Epoch(self, progress, at_end)
        self._go_to(self._next_epoch + 1, self._start_of_epoch)
        self._progress = progress
        return iterator

    def _first_position(self, position: Any) -> Any:
        """Return where a run begins that is to go on at a position: not before the batches that `skip` leaves out."""
        return max(position, self._plan.first_position)

    @property
    def epoch(self) -> int:
        """The epoch that the latest iterator is in, or the next one to begin if it came to its end."""
        if self._progress is None or self._progress.ended:
            return self._next_epoch
        return self._progress.epoch

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Let the next `for` be epoch `epoch`, from its start. Iterators under way are not disturbed."""
        self._go_to(whole("epoch", epoch, 0, MAX_SEED), self._start_of_epoch)

    def _go_to(self, epoch: int, position: Any) -> None:
        self._next_epoch, self._resume_at, self._progress = epoch, position, None

    def _reached(self) -> tuple[int, Any]:
        """Return the epoch and position at which a copy goes on."""
        progress = self._progress
        if progress is None or progress.ended:
            return self._next_epoch, self._resume_at
        return progress.epoch, self._position_of(progress)

    def _position_of(self, progress: Progress) -> Any:
        """Return the position after the latest batch that was handed out."""
        return progress.run.position() if progress.reached is None else progress.reached

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

    # ---- restart -------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return where the latest iterator is: small, JSON, the same for any number of threads and ranks.

        A batch counts once `next()` has returned it. On ranks that are equally far, the states are equal.
        """
        return self._state(*self._reached()).to_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next `for` go on where `state` was taken.

        Ranks, threads and prefetch may differ from those of the loader that it was taken of; so may the batch size
        where samples are numbered. The seed is the state's, except for a `DataGenerator`, whose own must be the same.
        A `restartable` calls its function, and drops what came before: the function must give the same again. When it
        has a parameter `start` (default 0 or none) that the arguments leave free, it gets the number of items to leave
        out instead. All other kinds read nothing of what came before.

        Raises:
            StateError: It is no state of this kind and version, or one of another data set, shuffle or split.
        """
        self._load(read_state(state, self._kind()))

    # ---- copies --------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles begin where this one is, with threads and counters of their own.

        Data in memory are shared by copies, and are part of pickles; files are opened again.
        """
        epoch, position = self._reached()
        kept = {key: value for key, value in self.__dict__.items() if key not in _OF_THIS_OBJECT}
        return {**kept, "_next_epoch": epoch, "_resume_at": position}

    def __copy__(self: Self) -> Self:
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__getstate__())
        return copied

    def __deepcopy__(self: Self, memo: dict[int, Any]) -> Self:
        return self.__copy__()  # data and plans do not change

    # ---- life ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End all work and join the threads. Iterators raise ClosedError from now on. May be called twice."""
        self._closed = True
        for run in self._live_runs().all():
            run.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _make_allowance(self, progress: Progress) -> Allowance | None:
        """Return how many bad samples a pass may have; None: the first one raises."""
        return None

    @property
    def _report(self) -> Report:
        """The bad samples that were met."""
        report: Report = self.__dict__.setdefault("_report_", Report())
        return report

    def _counters(self) -> Counters:
        """Return what was handed out, of a loader whose runs count."""
        counters: Counters = self.__dict__.setdefault("_counters_", Counters())
        return counters

    def _live_runs(self) -> LiveRuns:
        """Return the runs that `close` has to end: those that count their batches themselves."""
        runs: LiveRuns = self.__dict__.setdefault("_live_runs_", LiveRuns())
        return runs

    def _leave(self, run: Any) -> None:
        """End a run that an iterator needs no more."""
        try:
            run.close()
        finally:
            if self._live_runs().remove(run):
                n_batches, n_samples = run.counts()
                counters = self._counters()
                counters.batches += n_batches
                counters.samples += n_samples

    def _go_on_after_fork(self, run: Any, progress: Progress) -> Any:
        """Return the run with which an iterator goes on in a forked child."""
        progress.start = self._position_of(progress)
        self.__dict__["_live_runs_"] = LiveRuns()  # its lock may have been held
        return self._start(progress)
