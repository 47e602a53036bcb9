# SPDX-License-Identifier: MIT
"""Epochs, positions, saved states and copies: the same for all kinds of loaders."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, SupportsIndex, TypeVar

from fastbatch.calls import public_class
from fastbatch.checks import MAX_SEED, whole
from fastbatch.errors import ClosedError

from .bad_samples import Allowance, Report
from .counters import Counters
from .epoch import Epoch, Repeated
from .map import BatchInfo, Step
from .run import LiveRuns, Progress
from .state import State, read_state

if TYPE_CHECKING:
    from fastbatch.profile.profile import Profile

Self = TypeVar("Self", bound="Resumable")

_OF_THIS_OBJECT = frozenset(  # not of its copies
    ["_keras_passes", "_profile", "_progress", "_since", "_counters_", "_live_runs_", "_report_", "_step_times_"]
)


@public_class
class Resumable:
    """Data that is iterated once per epoch, resumed within an epoch, and copied with its position.

    A position within an epoch is a number of samples, or another value that the kind of loader defines. Attributes have
    defaults in the class, since subclasses of users may omit `super().__init__()`.

    Threads: any may call its methods.
    """

    _start_of_epoch: ClassVar[Any] = 0  # the first position
    _marks: ClassVar[tuple[Any, Any]] = (None, False)  # results of a run after the last batch, and when closed
    _next_epoch: int = 0
    _resume_at: Any = 0  # position at which the next iterator begins
    _closed: bool = False
    _since: float | None = None  # time of the first iterator, by the monotonic clock
    _progress: Progress | None = None  # of the latest iterator
    _map_steps: tuple[Step, ...] = ()
    _profile: Profile | None = None  # that is being recorded

    # ---- to be implemented by each kind of loader ----------------------------------------------------------------

    _plan: Any  # determines the batches

    @property
    def _pack(self) -> Any:
        """The function that builds the structure of a batch from its columns; None if runs return finished batches."""
        return None

    @property
    def _steps(self) -> tuple[Step, ...]:
        """The user's functions for each batch."""
        return self._map_steps

    def _last_steps(self) -> tuple[Step, ...]:
        """Return our own functions for each batch, which follow those of the user."""
        return ()

    def _start(self, progress: Progress) -> Any:
        """Begin a run at `progress.start`."""
        raise TypeError(f"{type(self).__name__} has no batches")

    def _batch_info(self, progress: Progress, number: int) -> tuple[BatchInfo, int]:
        """Return the info of batch `number` of a run, and the distance of its samples' positions."""
        raise TypeError(f"{type(self).__name__} has no batches")

    def _batches_from(self, position: Any) -> int | None:
        """Return the number of batches from a position to the end of the epoch on this rank, or None."""
        return None

    def _batches_left(self, progress: Progress) -> int | None:
        """Return the number of batches that an iterator has left; None if it is not known."""
        return self._batches_from(self._position_of(progress))

    def _state(self, epoch: int, position: Any) -> State:
        raise TypeError(f"{type(self).__name__} has no state")

    def _kind(self) -> str:
        """Return the kind of its states."""
        raise TypeError(f"{type(self).__name__} has no state")

    def _load(self, state: State) -> None:
        """Check a state of this kind, and continue at its position."""
        raise TypeError(f"{type(self).__name__} has no state")

    # ---- epochs --------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        """Begin the next epoch; the first time after `load_state_dict`, the rest of the saved epoch."""
        return self._begin(self._at_epoch_end)

    def _at_epoch_end(self) -> Any:
        """Called when an iterator has reached the end of its epoch."""

    def _begin(self, at_end: Callable[[], Any]) -> Epoch:
        if self._closed:
            raise ClosedError("the loader is closed")
        if self._since is None:
            self._since = time.monotonic()
        progress = Progress(self._plan, self._next_epoch, self._first_position(self._resume_at))
        iterator = self._epoch_class()(self, progress, at_end)
        self._go_to(self._next_epoch + 1, self._start_of_epoch)
        self._progress = progress
        return iterator

    def _epoch_class(self) -> type[Epoch]:
        if self._profile is None:
            return Epoch
        from .profiled import ProfiledEpoch

        return ProfiledEpoch

    def _first_position(self, position: Any) -> Any:
        """Return the start of a run that continues at a position: not before the batches that `skip` omits."""
        return max(position, self._plan.first_position)

    @property
    def epoch(self) -> int:
        """The epoch of the latest iterator, or the next epoch if that iterator has ended."""
        if self._progress is None or self._progress.ended:
            return self._next_epoch
        return self._progress.epoch

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Let the next `for` be epoch `epoch`, from its start. Existing iterators are not affected."""
        self._go_to(whole("epoch", epoch, 0, MAX_SEED), self._start_of_epoch)

    def _go_to(self, epoch: int, position: Any) -> None:
        self._next_epoch, self._resume_at, self._progress = epoch, position, None

    def _reached(self) -> tuple[int, Any]:
        """Return the epoch and position at which a copy continues."""
        progress = self._progress
        if progress is None or progress.ended:
            return self._next_epoch, self._resume_at
        return progress.epoch, self._position_of(progress)

    def _position_of(self, progress: Progress) -> Any:
        """Return the position after the latest returned batch."""
        return progress.run.position() if progress.reached is None else progress.reached

    def repeat(self, times: SupportsIndex | None = None) -> Iterator[Any]:
        """Return an iterator over `times` epochs, or over epochs without end.

        Without `times` it ends after a whole epoch without batches.
        """
        n = None if times is None else whole("times", times, 0)
        return Repeated(self._repeat(n), self, n)

    def _repeat(self, times: int | None) -> Generator[Any, None, None]:
        done = 0
        while times is None or done < times:
            is_whole, is_empty = self._resume_at == self._start_of_epoch, True
            for batch in self:
                is_empty = False
                yield batch
            if times is None and is_whole and is_empty:
                return  # otherwise an endless loop without batches
            done += 1

    # ---- restart -------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the latest iterator: small, JSON, independent of the number of threads and ranks.

        A batch is counted once `next()` has returned it. Ranks that are equally far have equal states.

        Example:
            >>> import fastbatch as fb
            >>> loader = fb.arrays("x.npy", batch_size=64, shuffle=True, seed=1)
            >>> batches = iter(loader)
            >>> first, second = next(batches), next(batches)
            >>> state = loader.state_dict()
            >>> resumed = fb.arrays("x.npy", batch_size=64, shuffle=True, seed=1)
            >>> resumed.load_state_dict(state)
            >>> bool((next(iter(resumed)) == next(batches)).all())
            True
        """
        return self._state(*self._reached()).to_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next `for` resume at the position of `state`.

        Ranks, threads and prefetch may differ from those of the saved loader; so may the batch size if samples are
        numbered. The seed is taken from the state; a `DataGenerator` must have the same seed. A `restartable` calls its
        function and drops the items before the position, so the function must give the same items again. If the
        function has a free parameter `start` (default 0 or none), it gets the number of items to omit instead. All
        other loaders read nothing before the position.

        Raises:
            StateError: The state is of another kind or version, or of another data set, shuffle or split.
        """
        self._load(read_state(state, self._kind()))

    # ---- copies --------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles continue at the same position, with their own threads and counters.

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

    # ---- end -----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop all work and join the threads. Iterators raise ClosedError from then on. May be called twice."""
        self._closed = True
        for run in self._live_runs().all():
            run.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _make_allowance(self, progress: Progress) -> Allowance | None:
        """Return the number of bad samples that a pass may have; None: the first one raises."""
        return None

    @property
    def _report(self) -> Report:
        """The bad samples so far."""
        report: Report = self.__dict__.setdefault("_report_", Report())
        return report

    def _counters(self) -> Counters:
        """Return the counters of a loader whose runs count their batches."""
        counters: Counters = self.__dict__.setdefault("_counters_", Counters())
        return counters

    def _step_times(self) -> list[float]:
        """Return the seconds spent in each of the user's functions. Not locked: threads may lose some of them."""
        times: list[float] = self.__dict__.setdefault("_step_times_", [0.0] * len(self._steps + self._last_steps()))
        return times

    def _live_runs(self) -> LiveRuns:
        """Return the active runs, which `close` ends."""
        runs: LiveRuns = self.__dict__.setdefault("_live_runs_", LiveRuns())
        return runs

    def _under_way(self, run: Any, progress: Progress) -> list[str]:
        """Return in words what a run is reading and decoding now, the most urgent first; empty if it cannot tell."""
        return []

    def _verify(self, progress: Progress) -> None:
        """Raise FormatError, at the end of a pass, if the data changed meanwhile."""

    def _leave(self, run: Any) -> None:
        """End a run whose iterator has ended."""
        try:
            run.close()
        finally:
            if self._live_runs().remove(run):
                n_batches, n_samples = run.counts()
                counters = self._counters()
                counters.batches += n_batches
                counters.samples += n_samples

    def _go_on_after_fork(self, run: Any, progress: Progress) -> Any:
        """Return the run that an iterator continues in a forked child."""
        progress.start = self._position_of(progress)
        self.__dict__["_live_runs_"] = LiveRuns()  # its lock may have been held
        return self._start(progress)
