# SPDX-License-Identifier: MIT
"""The iterator over batches of data that keep arriving."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NoReturn, SupportsIndex

import numpy as np

from fastbatch.calls import public_class
from fastbatch.checks import MAX_INT64
from fastbatch.errors import SIGNALS, add_note, signal_error
from fastbatch.loader import fork as process
from fastbatch.loader.loader import Loader, unnumbered
from fastbatch.loader.map import BatchInfo, Step, stack
from fastbatch.loader.resumable import Resumable
from fastbatch.loader.run import CLOSED, END, Progress
from fastbatch.plan.batch_range import BatchRange
from fastbatch.plan.plan import Plan

from .stream_feed import Feed
from .stream_options import StreamOptions


def collect(samples: list[Any]) -> Any:
    """Return the batch of samples: stacked arrays, or the list itself if they are not numbers."""
    first = samples[0]
    if isinstance(first, tuple | dict | np.ndarray | np.generic | int | float):
        return stack(samples)
    return samples


class StreamRun:
    """The batches of a stream that one iterator returns.

    Threads: any; one waits for a batch, the others for the lock.
    """

    def __init__(self, feed: Any, batches: BatchRange) -> None:
        self._feed = feed  # with `take` and `close`
        self._batches = batches
        self._lock = process.new_lock()
        self._n_read = 0  # batches read, including skipped ones
        self._n_samples = 0

    def next(self) -> Any:
        """Return the next batch, or END."""
        with self._lock:
            batches = self._batches
            while batches.left(self._n_read) != 0:
                try:
                    samples = self._feed.take()
                    batch = collect(samples) if samples and self._n_read >= batches.first else None
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    note = f"fastbatch: raised for batch {self._n_read}"
                    if isinstance(error, SIGNALS):  # of a source, or of a sample's __array__
                        raised = signal_error(error, "the stream's source")
                        add_note(raised, note)
                        raise raised from error
                    add_note(error, note)
                    raise
                if not samples:
                    break
                self._n_read += 1
                if self._n_read > batches.first:
                    self._n_samples += len(samples)
                    return batch
            return END

    def position(self) -> int:
        """Return the number of batches read."""
        return self._n_read

    def counts(self) -> tuple[int, int]:
        """Return the numbers of returned batches and of samples in them."""
        return max(0, self._n_read - self._batches.first), self._n_samples

    def close(self) -> None:
        """Do nothing: other iterators may continue to read."""

    def go_on_after_fork(self) -> None:
        """Replace the lock in a forked child: a thread of the parent may have held it. The feed itself raises."""
        self._lock = process.new_lock()


class _Pass(Resumable):
    """The part of a stream that its iterator needs. It does not refer to the `Stream`: dropping that ends the thread.

    Threads: any.
    """

    _marks = (END, CLOSED)

    def __init__(self, feed: Any, plan: Plan, steps: tuple[Step, ...]) -> None:
        self._feed = feed
        self._plan = plan
        self._map_steps = steps

    def _first_position(self, position: int) -> int:
        return position

    def _start(self, progress: Progress) -> StreamRun:
        run = StreamRun(self._feed, self._plan.batches)
        self._live_runs().add(run)
        return run

    def _go_on_after_fork(self, run: StreamRun, progress: Progress) -> StreamRun:
        run.go_on_after_fork()
        return run

    def _batch_info(self, progress: Progress, number: int) -> tuple[BatchInfo, int]:
        plan = self._plan
        number += plan.batches.first
        return BatchInfo(plan.seed, 0, number, number * plan.batch_size), 1


@public_class
class Stream(Loader):
    """Iterator over the batches of a stream: see `stream`. It stays at its end once it has ended or is closed.

    `take`, `skip` and `map` return another iterator that continues at this one's position; each batch goes to one of
    the two.

    Threads: any; each batch goes to one of them. `close` may be called while another thread waits.
    """

    _feed_class: ClassVar[type[Any]] = Feed

    def __init__(self, source: Any, options: StreamOptions) -> None:
        self._options = options
        self._feed = self._feed_class(source, options)
        self._parent: Stream | None = None
        self._read_with(Plan(MAX_INT64, batch_size=options.batch_size, seed=options.seed), ())

    def _read_with(self, plan: Plan, steps: tuple[Step, ...]) -> None:
        reading = _Pass(self._feed, plan, steps)
        self._plan, self._map_steps = plan, steps
        self.__dict__["_counters_"], self.__dict__["_live_runs_"] = reading._counters(), reading._live_runs()
        self.__dict__["_step_times_"] = reading._step_times()
        self._batches = iter(reading)

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        if self._since is None:
            self._since = time.monotonic()
        profile = self._profile
        if profile is None:
            return next(self._batches)
        begin = time.monotonic_ns()
        batch = next(self._batches)
        profile.spans.append(("next", begin, time.monotonic_ns(), len(profile.spans)))
        return batch

    @property
    def batch_size(self) -> int:
        """Records in a full batch."""
        return int(self._plan.batch_size)

    def __len__(self) -> int:
        """Raise TypeError: the length is not known in advance."""
        raise TypeError("a stream has no length: it ends when its source does")

    def __bool__(self) -> bool:
        return True

    def _with_plan(self, plan: Plan) -> Stream:
        return self._derived(plan, self._map_steps)

    def _with_steps(self, steps: tuple[Step, ...]) -> Stream:
        return self._derived(self._plan, steps)

    def _derived(self, plan: Plan, steps: tuple[Step, ...]) -> Stream:
        derived: Stream = object.__new__(type(self))
        derived._options, derived._feed = self._options, self._feed
        derived._parent = self  # dropping the parent ends the thread
        derived._read_with(plan, steps)
        return derived

    def shard(
        self, rank: SupportsIndex | Literal["auto"], world_size: SupportsIndex | None = None, tail: str | None = None
    ) -> NoReturn:
        """Raise TypeError: a stream is read once, so ranks cannot share it."""
        raise TypeError("a stream is read once: ranks cannot share it")

    def _numbered_plan(self, verb: str) -> NoReturn:
        unnumbered("stream", verb, "a stream is read in order")

    @property
    def epoch(self) -> int:
        """Always 0."""
        return 0

    def set_epoch(self, epoch: SupportsIndex) -> NoReturn:
        """Raise TypeError: there is one epoch."""
        raise TypeError("a stream is read once: it has no epochs")

    def repeat(self, times: SupportsIndex | None = None) -> NoReturn:
        """Raise TypeError: there is one epoch."""
        raise TypeError("a stream is read once: it cannot be repeated")

    def state_dict(self) -> NoReturn:
        """Raise TypeError: a stream cannot be read again."""
        raise TypeError("a stream is read once: it has no state")

    def load_state_dict(self, state: Mapping[str, Any]) -> NoReturn:
        """Raise TypeError: a stream cannot be read again."""
        raise TypeError("a stream is read once: it has no state")

    def __reduce__(self) -> Any:
        raise TypeError("a stream cannot be copied or pickled: what it reads comes only once")

    def __copy__(self) -> Any:
        return self.__reduce__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.__reduce__()

    def _counted(self) -> dict[str, Any]:
        feed = {"ready_batches": self._feed.n_ready() // self._plan.batch_size, "prefetch": self._options.prefetch}
        return {**super()._counted(), **feed, "threads": self._feed.n_threads}

    def close(self) -> None:
        """End the stream. A `next()` that waits, in any thread, and all later ones raise StopIteration."""
        self._feed.close()

    def __del__(self) -> None:
        if self.__dict__.get("_parent", self) is None:  # the first of those that share the feed
            self._feed.close()
