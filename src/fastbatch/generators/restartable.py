# SPDX-License-Identifier: MIT
"""`restartable`: generator functions as loaders. One call of the function is one epoch."""

from __future__ import annotations

import functools
import inspect
import types
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any, Literal, SupportsIndex

from fastbatch.checks import MAX_INT64, shown, whole
from fastbatch.errors import SIGNALS, StateError, add_note, name_of, signal_error
from fastbatch.loader.epoch import Epoch
from fastbatch.loader.loader import Loader, unnumbered
from fastbatch.loader.map import BatchInfo
from fastbatch.loader.run import CLOSED, END, Progress
from fastbatch.loader.state import State, checked_position
from fastbatch.plan.batch_range import dealt
from fastbatch.plan.plan import Plan
from fastbatch.plan.ranks import rank_and_size, shown_shard

from .generator_run import GeneratorRun, Reached


class RestartableGeneratorWrapper(Loader):
    """A generator function as a loader: each `for` calls the function anew, so that every epoch has all of its batches.

    `restartable` makes the same with options. An exception in the function is raised by `next()` with its own type and
    traceback and, from Python 3.11 on, a note with the batch's number, from 0. A StopIteration or GeneratorExit that
    leaves the function becomes a RuntimeError (PEP 479) and does not end the epoch.

    Threads: any; an iterator that several threads share gives each batch to one of them.

    Args:
        generator_func: A generator function, any other callable that returns an iterable (`functools.partial`, a
            class), or an iterable that can be iterated again.
        args, kwargs: Arguments of the function.

    Raises:
        TypeError: Not callable and not iterable again, or arguments that do not fit the function.
        ClosedError: By `iter()` and `next()`, after `close()`.

    Example:
        >>> import fastbatch as fb
        >>> def squares(n):
        ...     for i in range(n):
        ...         yield i * i
        >>> data = fb.RestartableGeneratorWrapper(squares, 3)
        >>> list(data), list(data)
        ([0, 1, 4], [0, 1, 4])

    Source: `src/fastbatch/generators/restartable.py`.
    """

    _start_of_epoch = Reached()
    _resume_at = Reached()
    _marks = (END, CLOSED)

    def __init__(self, generator_func: Callable[..., Any] | Iterable[Any], *args: Any, **kwargs: Any) -> None:
        self._function = _function_of(generator_func, bool(args or kwargs))
        self._args, self._kwargs = args, kwargs
        self._name = name_of(generator_func)
        self._takes_start = _takes_start(self._function, self._name, args, kwargs)
        self._declared: int | None = None  # the option `length`
        self._observed: int | None = None  # length of a pass that ended
        self._prefetch = 0
        self._plan: Plan = Plan(MAX_INT64, batch_size=1, tail="uneven")
        self._last: weakref.ref[Any] | None = None  # the latest generator

    def _length(self) -> int | None:
        """Return the number of items of an epoch over all ranks, before `take` and `skip`."""
        return self._observed if self._declared is None else self._declared

    def __len__(self) -> int:
        """Return the number of batches in an epoch on this rank.

        Raises:
            TypeError: `length` was not given, and no pass has ended yet.
        """
        if self._length() is None:
            raise TypeError(f"{self._name} has no length before a pass has come to its end; tell it by length=")
        return super().__len__()

    def __bool__(self) -> bool:
        return self._length() != 0

    def __repr__(self) -> str:
        plan = self._plan
        options = {"length": self._declared, "prefetch": self._prefetch or None}
        parts = [self._name, *(f"{key}={value}" for key, value in options.items() if value is not None)]
        parts += shown_shard(plan)
        if str(plan.batches):
            parts.append(str(plan.batches))
        if self._closed:
            parts.append("closed")
        return f"{type(self).__name__}({', '.join(parts)})"

    def _numbered_plan(self, verb: str) -> Any:
        unnumbered(self._name, verb, "a generator function is read in order")

    # ---- restart -------------------------------------------------------------------------------------------------

    def _kind(self) -> str:
        return "restartable"

    def _state(self, epoch: int, position: Reached) -> State:
        items = position.items if self._declared is None else min(position.items, self._declared)
        world_size = max(self._plan.world_size, position.slack + 1)
        return State(self._kind(), self._plan.seed, epoch, items, world_size=world_size)

    def _load(self, state: State) -> None:
        most = MAX_INT64 if self._declared is None else self._declared
        items = checked_position(state.position, most, self._kind())
        self._go_to(state.epoch, Reached(items, (state.world_size or 1) - 1))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_last": None}

    # ---- work ----------------------------------------------------------------------------------------------------

    def _first_position(self, position: Reached) -> Reached:
        skipped = max(0, self._plan.first_position - position.items)
        return Reached(position.items + skipped, position.slack + skipped)

    def _batches_from(self, position: Reached) -> int | None:
        n, plan = self._length(), self._plan
        if n is None:
            return None
        mine = dealt(n - position.items, plan.rank, plan.world_size)
        most = plan.max_batches(position.items)
        return mine if most is None else min(mine, most)

    def _batch_info(self, progress: Progress, number: int) -> tuple[BatchInfo, int]:
        plan, start = progress.plan, progress.start.items
        position = start + number * plan.world_size + plan.rank
        number += plan.batches_before(start)
        return BatchInfo(plan.seed, progress.epoch, number, position, plan.world_size), 1

    def _start(self, progress: Progress) -> GeneratorRun:
        plan, start = progress.plan, progress.start
        run = GeneratorRun(self._items_from(plan, start), start, plan.world_size, self._prefetch)
        self._live_runs().add(run)
        return run

    def _go_on_after_fork(self, run: GeneratorRun, progress: Progress) -> GeneratorRun:
        if run.go_on_after_fork():
            return run
        again: GeneratorRun = super()._go_on_after_fork(run, progress)  # drops the items up to here
        return again

    def _counted(self) -> dict[str, Any]:
        return {**super()._counted(), "threads": min(self._prefetch, 1), "prefetch": self._prefetch}

    def _items_from(self, plan: Plan, start: Reached) -> Generator[Any, None, None]:
        """Call the function, and yield the items of this rank from a position."""
        kwargs = {**self._kwargs, "start": start.items} if self._takes_start else self._kwargs
        try:
            made = self._function(*self._args, **kwargs)
            source = iter(made) if _is_iterable(made) else None
        except SIGNALS as error:
            raise signal_error(error, self._name, " when it was called") from error
        if source is None:
            raise TypeError(f"{self._name}: expected it to return an iterable, found {type(made).__name__}")
        if isinstance(source, types.GeneratorType):
            if self._last is not None and self._last() is source:
                raise TypeError(f"{self._name} returned the generator of the pass before, which can be read once only")
            self._last = weakref.ref(source)
        return self._items(source, plan, start)

    def _note(self, number: int) -> str:
        return f"fastbatch: raised by {self._name} for batch {number}"

    def _items(self, source: Iterator[Any], plan: Plan, reached: Reached) -> Generator[Any, None, None]:
        rank, world, start = plan.rank, plan.world_size, reached.items
        most, declared = plan.max_batches(start), self._declared
        served = MAX_INT64 if most is None else start + most * world  # items below this number are served
        stop = served if declared is None else min(served, declared)
        number = start if self._takes_start else 0  # of the next item
        try:
            while number < stop:
                try:
                    item = next(source)
                except StopIteration:
                    break
                except GeneratorExit as error:
                    stopped = signal_error(error, self._name)
                    add_note(stopped, self._note(number))
                    raise stopped from error
                except BaseException as error:
                    add_note(error, self._note(number))
                    raise
                if number >= start and (number - start) % world == rank:
                    yield item
                del item  # the caller holds the only reference
                number += 1
            if number == served:
                return
            if declared is not None and number < declared:
                raise ValueError(f"{self._name} ended early: expected length={declared} batches, found {number}")
            if number < start - reached.slack:
                what = f"{self._name} ended before the saved position"
                raise StateError(what, expected=f"at least {start - reached.slack} batches", found=number)
            if not (self._takes_start and start):
                self._observed = number
        finally:
            close = getattr(source, "close", None)
            if isinstance(source, (types.GeneratorType, Epoch)) and close is not None:
                close()


def restartable(
    function: Callable[..., Any] | Iterable[Any],
    /,
    *args: Any,
    length: SupportsIndex | None = None,
    prefetch: SupportsIndex | None = None,
    shard: tuple[int, int] | Literal["auto"] | None = None,
    **kwargs: Any,
) -> RestartableGeneratorWrapper:
    """Return a loader that calls `function(*args, **kwargs)` anew for each epoch.

    Args:
        function: A generator function, another callable that returns an iterable, or an iterable that can be iterated
            again: see `RestartableGeneratorWrapper`.
        args, kwargs: Arguments of the function. Use `functools.partial` for arguments with the name of an option below.
        length: Items in an epoch. An endless function is stopped there; one that ends earlier raises ValueError. None:
            `len()` is known once a pass has ended.
        prefetch: Items that a thread prepares ahead. The function then runs in this thread, which ends with the pass:
            when the iterator ends, is dropped or closed. None: no thread.
        shard: `(rank, world_size)`: every world_size-th item, starting at `rank`. Ranks may differ by one item. "auto"
            finds both: see `LoaderOptions`.

    Returns:
        A loader of the function's items.

    Raises:
        TypeError: Not callable and not iterable again, or arguments that do not fit the function.
        ValueError: An option out of range. By `next()`: fewer items than `length`.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> def batches(n, seed=0):
        ...     rng = np.random.default_rng(seed)
        ...     for _ in range(n):
        ...         yield rng.normal(size=(8, 4))
        >>> data = fb.restartable(batches, 3, seed=1, length=3, prefetch=2)
        >>> len(data), [x.shape for x in data]
        (3, [(8, 4), (8, 4), (8, 4)])

    Source: `src/fastbatch/generators/restartable.py`.
    """
    wrapper = RestartableGeneratorWrapper(function, *args, **kwargs)
    wrapper._declared = None if length is None else whole("length", length, 0, MAX_INT64)
    wrapper._prefetch = 0 if prefetch is None else whole("prefetch", prefetch, 0, 65536)
    if shard is not None:
        wrapper._plan = wrapper._plan.sharded(*rank_and_size(shard))
    return wrapper


def _function_of(function: Any, has_arguments: bool) -> Callable[..., Any]:
    if callable(function):
        called: Callable[..., Any] = function
        return called
    if isinstance(function, str | bytes):  # most likely a name, not a sequence of characters
        raise TypeError(f"expected a generator function or an iterable, found {shown(function)}")
    if not _is_iterable(function):
        raise TypeError(f"expected a generator function or an iterable, found {type(function).__name__}")
    if has_arguments:
        raise TypeError(f"arguments are for a function, found an object of type {type(function).__name__}")
    # An iterator returns itself from iter(). One written in Python may restart there; built-in ones do not.
    if isinstance(function, Iterator) and not isinstance(type(function).__iter__, types.FunctionType):
        kind = type(function).__name__
        raise TypeError(f"expected a function, or an iterable that starts afresh; a {kind} can be read once only")
    return functools.partial(iter, function)


def _is_iterable(thing: Any) -> bool:
    return isinstance(thing, Iterable) or hasattr(type(thing), "__getitem__")  # the old sequence protocol


def _takes_start(function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Return whether the function has a free parameter `start`; raise TypeError if the arguments do not fit."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have no signature
        return False
    try:
        start = signature.parameters.get("start")
        free = start is not None and start.name not in signature.bind_partial(*args, **kwargs).arguments
        named = start is not None and start.kind in (start.POSITIONAL_OR_KEYWORD, start.KEYWORD_ONLY)
        fresh = start is not None and (start.default is start.empty or (type(start.default), start.default) == (int, 0))
        takes_start = free and named and fresh
        signature.bind(*args, **({"start": 0} if takes_start else {}), **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    return takes_start
