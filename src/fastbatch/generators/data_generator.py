# SPDX-License-Identifier: MIT
"""`DataGenerator`: a base class for user-defined data that is read by index."""

from __future__ import annotations

import functools
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, SupportsIndex, TypeVar

from fastbatch.calls import public_class
from fastbatch.checks import MAX_SEED, whole
from fastbatch.errors import StateError
from fastbatch.loader.epoch import Epoch
from fastbatch.loader.keras_ready import keras_asks
from fastbatch.loader.loader import Loader
from fastbatch.loader.map import BatchInfo
from fastbatch.loader.run import CLOSED, END, Progress
from fastbatch.loader.state import State, checked_position
from fastbatch.plan.batch_range import EVERY_BATCH, dealt
from fastbatch.plan.plan import Plan

from .index_run import IndexRun

Self = TypeVar("Self", bound="DataGenerator")

_asked = threading.local()  # depth: number of active user methods in this thread


def _asked_depth() -> int:
    depth: int = getattr(_asked, "depth", 0)
    return depth


@contextmanager
def _as_written() -> Iterator[None]:
    """Make `len(data)` return the user's `__len__`, also after `take`: the user's methods rely on it."""
    _asked.depth = _asked_depth() + 1
    try:
        yield
    finally:
        _asked.depth -= 1


@public_class
class DataGenerator(Loader):
    """Base class of loaders whose batches are made by a user-defined method: define `__len__` and `__getitem__`.

    `__getitem__(index)` returns batch `index`, 0 to `len(self) - 1`. Each `for` is one epoch, which visits each index
    once. Keras's `fit` takes it as it is. `on_epoch_end` may be overridden; it is called after each whole epoch. A
    subclass that does not call `super().__init__()` has the default options. Errors of `__getitem__` keep their type
    and traceback; from Python 3.11 on a note names the batch.

    `take`, `skip`, `shard`, `split`, `select` and `map` return a shallow copy with another order, whose attributes are
    the same objects. Its `len()` is the number of batches that it serves; within the class's own methods it stays the
    result of `__len__`.

    Threads: any; an iterator that several threads share gives each batch to one of them.

    Args:
        shuffle: A new order of the batches in each epoch.
        seed: Together with the epoch, determines the order.
        threads: Threads that call `__getitem__` ahead, which must be thread-safe if there are several. 0: the
            consumer's.
        prefetch: Batches prepared ahead.

    Raises:
        ValueError, TypeError: An option out of range, or a missing method.
        ClosedError: By `iter()` and `next()`, after `close()`.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> class Frames(fb.DataGenerator):
        ...     def __len__(self):
        ...         return 10
        ...
        ...     def __getitem__(self, index):
        ...         return np.full((4, 8), index), np.arange(4)
        >>> frames = Frames(shuffle=True, seed=1, threads=2)
        >>> sorted(int(x[0, 0]) for x, y in frames)
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

    Source: `src/fastbatch/generators/data_generator.py`.
    """

    _backend: ClassVar[Any]  # has `indices(plan, epoch, position, k)`
    _marks = (END, CLOSED)
    __copy__: Any = None  # copy.copy() uses the subclass's __reduce__, __getstate__ and __slots__
    __deepcopy__: Any = None

    shuffle: bool = False
    seed: int = 0
    threads: int = 1
    prefetch: int = 2
    _order_plan: Plan = Plan(0, batch_size=1, tail="uneven")

    def __init__(
        self,
        *,
        shuffle: bool = False,
        seed: SupportsIndex = 0,
        threads: SupportsIndex = 1,
        prefetch: SupportsIndex = 2,
    ) -> None:
        self.shuffle = bool(shuffle)
        self.seed = whole("seed", seed, 0, MAX_SEED)
        self.threads = whole("threads", threads, 0, 1024)
        self.prefetch = whole("prefetch", prefetch, 1, 65536)

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        raise TypeError(f"{type(self).__name__}: write __len__, which returns the number of batches of an epoch")

    @abstractmethod
    def __getitem__(self, index: int) -> Any:
        """Return batch `index`."""
        raise TypeError(f"{type(self).__name__}: write __getitem__(self, index), which returns batch `index`")

    def __init_subclass__(cls, **options: Any) -> None:
        """Wrap the user's methods: Keras gets prefetched batches, and `take` changes `len()`."""
        super().__init_subclass__(**options)
        if "__getitem__" in cls.__dict__:
            cls.__getitem__ = _made_ahead(cls.__dict__["__getitem__"])  # type: ignore[method-assign]
        if "__len__" in cls.__dict__:
            cls.__len__ = _narrowed(cls.__dict__["__len__"])  # type: ignore[method-assign]

    # ---- order ---------------------------------------------------------------------------------------------------

    @property
    def _plan(self) -> Plan:
        """The order of the batches: `shuffle`, `seed` and the length may change between epochs."""
        with _as_written():
            n = len(self)
        return replace(self._order_plan, n_source=n, shuffle=self.shuffle, seed=self.seed)

    def _with_plan(self: Self, plan: Plan) -> Self:
        return self._changed(_order_plan=plan)

    def _numbered_plan(self, verb: str) -> Plan:
        return self._plan

    def split(self: Self, validation: float = 0.2, **options: Any) -> Any:
        train, held_out = super().split(validation, **options)
        held_out.shuffle = False
        return train, held_out

    split.__doc__ = Loader.split.__doc__

    def _indices(self, plan: Plan, epoch: int, position: int) -> list[int]:
        """Return the batches of this rank from a position within an epoch."""
        if plan.n == 0:
            return []
        if plan.shuffle or plan.subsets:
            order = replace(plan, batch_size=plan.n, rank=0, world_size=1, batches=EVERY_BATCH)
            indices: list[int] = self._backend.indices(order, epoch, 0, 0).tolist()
        else:
            indices = list(range(plan.n))
        return indices[position + plan.rank :: plan.world_size][: self._batches_of(plan, position)]

    def _batches_of(self, plan: Plan, position: int) -> int:
        mine, most = dealt(plan.n - position, plan.rank, plan.world_size), plan.max_batches(position)
        return mine if most is None else min(mine, most)

    # ---- restart -------------------------------------------------------------------------------------------------

    def _kind(self) -> str:
        return "DataGenerator"

    def _state(self, epoch: int, position: int) -> State:
        plan = self._plan
        return State(self._kind(), plan.seed, epoch, position, plan.order(), length=plan.n_source)

    def _load(self, state: State) -> None:
        plan = self._plan
        own, found = (plan.n_source, plan.seed), (state.length, state.seed)
        if found != own:
            raise StateError("state of other data: length, seed", expected=own, found=found)
        state.refuse_other(self._kind(), plan.order(), "")
        self._go_to(state.epoch, checked_position(state.position, plan.n, self._kind()))

    # ---- work ----------------------------------------------------------------------------------------------------

    def _at_epoch_end(self) -> Any:
        self.on_epoch_end()

    def _begin_epoch(self) -> Epoch:
        return self._begin(lambda: None)  # Keras calls `on_epoch_end` itself

    def _batches_from(self, position: int) -> int:
        return self._batches_of(self._plan, position)

    def _batches_left(self, progress: Progress) -> int:
        return self._batches_of(progress.plan, self._position_of(progress))

    def _batch_info(self, progress: Progress, number: int) -> tuple[BatchInfo, int]:
        plan = progress.plan
        position = progress.start + number * plan.world_size + plan.rank
        number += plan.batches_before(progress.start)
        return BatchInfo(plan.seed, progress.epoch, number, position, plan.world_size), 1

    def _start(self, progress: Progress) -> IndexRun:
        indices = self._indices(progress.plan, progress.epoch, progress.start)
        run = IndexRun(self, progress.plan, progress.start, indices)
        self._live_runs().add(run)
        return run

    def _go_on_after_fork(self, run: IndexRun, progress: Progress) -> IndexRun:
        run.forget_threads()
        again: IndexRun = super()._go_on_after_fork(run, progress)
        return again

    def _counted(self) -> dict[str, Any]:
        ready = sum(run.n_ready() for run in self._live_runs().all())
        return {**super()._counted(), "ready_batches": ready, "threads": self.threads, "prefetch": self.prefetch}


def _made_ahead(own: Callable[[Any, int], Any]) -> Callable[[Any, int], Any]:
    """Return a `__getitem__` that gives the prefetched batch if Keras is the caller."""

    @functools.wraps(own)
    def getitem(self: Any, index: int) -> Any:
        if keras_asks():
            return self._keras().next()
        if self._order_plan is DataGenerator._order_plan:
            return own(self, index)
        with _as_written():
            return own(self, index)

    return getitem


def _narrowed(own: Callable[[Any], int]) -> Callable[[Any], int]:
    """Return a `__len__` for the number of batches after `take`, `skip`, `shard`, `split` or `select`."""

    @functools.wraps(own)
    def length(self: Any) -> int:
        if self._order_plan is DataGenerator._order_plan or _asked_depth():
            return own(self)
        plan: Plan = self._plan
        return int(self._batches_of(plan, plan.first_position))

    return length
