# SPDX-License-Identifier: MIT
"""The iterator of one epoch, for all kinds of loaders: its end, errors, sharing by threads, and forks."""

from __future__ import annotations

from collections.abc import Callable, Generator
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn

from fastbatch.errors import SIGNALS, ClosedError, add_note, refuse_copy, signal_error

from . import fork as process
from .bad_samples import error_of
from .keras_ready import KerasIterator

if TYPE_CHECKING:
    from .resumable import Resumable
    from .run import Progress


class Epoch:
    """The iterator of one epoch. It is exhausted after its last batch or an error.

    Threads: any; each batch goes to one caller.
    Fork: the child continues with the same batch, and starts its own threads.
    """

    def __init__(self, loader: Resumable, progress: Progress, at_end: Callable[[], Any]) -> None:
        self._run: Any = None
        self._loader = loader
        self._progress = progress
        self._at_end = at_end
        self._pack = loader._pack  # None: runs return finished batches
        self._steps = loader._steps + loader._last_steps()
        self._step_times = loader._step_times()
        self._counters = loader._counters() if loader._pack is None else None
        self._allowance = loader._make_allowance(progress)
        self._is_plain = self._allowance is None and not (self._steps and self._pack is None)
        self._end_mark, self._closed_mark = loader._marks
        self._n_finished = 0  # batches of runs without numbers, counted here
        self._process = process.current
        self._lock = process.new_lock()
        self._run = self._begin(loader._start(progress))

    def _begin(self, run: Any) -> Any:
        if self._pack is None:
            self._progress.run = run
            self._progress.reached = self._progress.start if self._steps else None
        return run

    def __iter__(self) -> Epoch:
        return self

    def __repr__(self) -> str:
        end = "" if self._run is not None else ", ended"
        return f"<iterator over epoch {self._progress.epoch} of {self._loader!r}{end}>"

    def __next__(self) -> Any:
        # One function without further calls: a batch of a few rows takes about a microsecond.
        run = self._run
        if run is None:
            raise StopIteration
        if self._process is not process.current:
            run = self._restart()
        if not self._is_plain:
            return self._next_in_turn(run)
        counters = self._counters
        begin = 0.0 if counters is None else perf_counter()
        try:
            made = run.next()
        except KeyboardInterrupt:
            raise
        except BaseException:
            self._leave(run)
            raise
        if made is self._end_mark or made is self._closed_mark:
            self._end(run, made is self._end_mark)
        if counters is not None:
            counters.wait_s += perf_counter() - begin
            return made
        number, columns, filled = made
        if filled:
            self._loader._report.add(self._progress.epoch, filled)
        batch = self._pack(columns)
        if self._steps:
            batch = self._map(batch, number)
        progress = self._progress
        if number >= progress.batches:  # threads that share an iterator may arrive out of order
            progress.batches = number + 1
        return batch

    def _next_in_turn(self, run: Any) -> Any:
        """Return the next batch, under the lock: one thread at a time.

        The allowance is then exceeded at the same batch for any number of threads, and finished batches are numbered in
        order; the numbers are passed to the user's functions.
        """
        with self._lock:
            begin = perf_counter()
            try:
                made = self._next_numbered(run)
            except KeyboardInterrupt:
                raise
            except BaseException:
                self._leave(run)
                raise
            if self._counters is not None:
                self._counters.wait_s += perf_counter() - begin
        if made is self._end_mark or made is self._closed_mark:
            self._end(run, made is self._end_mark)
        number, batch, reached = made
        if self._steps:
            batch = self._map(batch, number)
        progress = self._progress
        if number >= progress.batches:
            progress.batches, progress.reached = number + 1, reached
        return batch

    def _next_numbered(self, run: Any) -> Any:
        """Return the next nonempty batch: (number in the run, batch, position after it or None).

        At the end of the run the end mark is returned instead.
        """
        while True:
            made = run.next()
            if made is self._end_mark or made is self._closed_mark:
                return made
            if self._pack is None:
                self._n_finished += 1
                return self._n_finished - 1, made, run.position()
            number, columns, bad = made
            if bad:
                self._allow(bad)
            if len(columns[0]) > 0:
                return number, self._pack(columns), None
            self._progress.batches = max(self._progress.batches, number + 1)

    def _allow(self, bad: Any) -> None:
        """Record the bad and filled samples of a batch; raise the error of the first one beyond the allowance."""
        allowed = len(bad) if self._allowance is None else self._allowance.use(bad)
        self._loader._report.add(self._progress.epoch, bad[: allowed + 1])
        if allowed < len(bad):
            error = error_of(bad[allowed])
            add_note(error, f"fastbatch: one bad sample more than max_bad={self._progress.plan.max_bad}")
            raise error

    def _map(self, batch: Any, number: int) -> Any:
        info, stride = self._loader._batch_info(self._progress, number)
        try:
            begin = perf_counter()
            for i, step in enumerate(self._steps):
                batch = step(batch, info, stride)
                end = perf_counter()
                self._step_times[i] += end - begin
                begin = end
        except BaseException:
            if self._run is not None:
                self._leave(self._run)
            raise
        return batch

    def _end(self, run: Any, is_last: bool) -> NoReturn:
        with self._lock:
            was_over = self._progress.ended
            was_left = self._run is None  # closed by another thread
            self._progress.ended = was_over or is_last
        self._leave(run)
        if is_last and not was_over:
            self._loader._verify(self._progress)
            try:
                self._at_end()
            except SIGNALS as error:
                raise signal_error(error, f"{type(self._loader).__name__}.on_epoch_end") from error
        if is_last or was_over or (was_left and not self._loader._closed):
            raise StopIteration
        raise ClosedError("the loader was closed")

    def _leave(self, run: Any) -> None:
        self._run = None
        self._loader._leave(run)

    def _restart(self) -> Any:
        """Continue in a forked child: same epoch, same batch, own threads."""
        self._process = process.current
        self._lock = process.new_lock()  # a thread of the parent may have held it
        if self._loader._closed:
            self._run = None
            raise ClosedError("the loader was closed")
        run = self._loader._go_on_after_fork(self._run, self._progress)
        if run is not self._run:
            self._n_finished = self._progress.batches = 0
            self._run = self._begin(run)
        return run

    def __length_hint__(self) -> int:
        left = 0 if self._run is None else self._loader._batches_left(self._progress)
        return NotImplemented if left is None else left

    __reduce__ = refuse_copy

    def close(self) -> None:
        """End this pass. `next` raises StopIteration from now on."""
        if self._run is not None:
            self._leave(self._run)

    def __del__(self) -> None:
        run = getattr(self, "_run", None)
        if run is not None:
            if hasattr(run, "is_dropped"):
                run.is_dropped = True
            self.close()


class Repeated(KerasIterator):
    """The iterator of several epochs, one after another. Threads: one at a time, as for a generator."""

    def __init__(self, batches: Generator[Any, None, None], loader: Resumable, times: int | None) -> None:
        self._batches, self._loader, self._times = batches, loader, times

    def __iter__(self) -> Repeated:
        return self

    def __next__(self) -> Any:
        return next(self._batches)

    def __repr__(self) -> str:
        return f"<iterator over {'endless' if self._times is None else self._times} epochs of {self._loader!r}>"

    def _for_keras(self, batch: Any) -> Any:
        return getattr(self._loader, "_for_keras", super()._for_keras)(batch)

    __reduce__ = refuse_copy

    def close(self) -> None:
        """End the iteration. `next` raises StopIteration from now on."""
        self._batches.close()
