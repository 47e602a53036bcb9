# SPDX-License-Identifier: MIT
"""Generator functions of the user's own, as data that can be read again: one call of the function is one epoch."""

from __future__ import annotations

import functools
import inspect
import threading
import types
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, SupportsIndex

from fastbatch.checks import whole
from fastbatch.errors import ClosedError, StateError, add_note, reading_state, refuse_copy
from fastbatch.loader import fork as process
from fastbatch.loader.keras_ready import KerasReady
from fastbatch.plan.plan import MAX_SEED, MAX_WORLD_SIZE

from .prefetch import Prefetch

STATE_VERSION = 1
MAX_ITEMS = 2**63 - 1


@dataclass
class _Progress:
    """How far one pass is. Outlives it, since the state may be asked for after the loop was left."""

    epoch: int
    start: int  # items of the function that came before this pass
    slack: int = 0  # of these, how many the function may lack: ranks of an earlier pass may have gone past its end
    items: int = 0  # that this rank has handed out since
    ended: bool = False


class RestartableGeneratorWrapper(KerasReady):
    """Calls a generator function anew for each `for`, so that every epoch sees all of its batches.

    `restartable` makes the same with options. All arguments go to the function.

    Args:
        generator_func: A generator function, anything else that returns an iterable when called (`functools.partial`, a
            class), or an iterable that starts afresh by itself.

    An exception in the function's code comes out with its own type and traceback and, from Python 3.11 on, a note with
    the batch's number, counted from 0. A StopIteration or GeneratorExit that escapes from it becomes a RuntimeError, as
    in PEP 479, and does not pass for the end of the epoch.

    Threads: any; an iterator that several threads share gives each batch to one of them.
    """

    def __init__(self, generator_func: Callable[..., Any] | Iterable[Any], *args: Any, **kwargs: Any) -> None:
        self._function = _function_of(generator_func, bool(args or kwargs))
        self._args, self._kwargs = args, kwargs
        self._name = _name_of(generator_func)
        self._takes_start = _takes_start(self._function, self._name, args, kwargs)
        self._told: int | None = None
        self._measured: int | None = None
        self._prefetch = 0
        self._rank, self._world_size = 0, 1
        self._next_epoch = 0
        self._resume_at = 0  # items of the function that the next pass leaves out
        self._slack = 0  # see _Progress
        self._progress: _Progress | None = None  # of the latest pass
        self._last: weakref.ref[Any] | None = None  # the latest generator
        self._passes: weakref.WeakSet[Pass] = weakref.WeakSet()
        self._closed = False

    def __len__(self) -> int:
        """Return the batches of an epoch on this rank.

        Raises:
            TypeError: It was not told, and no pass has come to its end yet.
        """
        n = self._measured if self._told is None else self._told
        if n is None:
            raise TypeError(f"{self._name} has no length before a pass has come to its end; tell it by length=")
        return max(0, -(-(n - self._rank) // self._world_size))

    def _next_length(self) -> int | None:
        n = self._measured if self._told is None else self._told
        return None if n is None else max(0, -(-(n - self._resume_at - self._rank) // self._world_size))

    def __bool__(self) -> bool:
        return (self._measured if self._told is None else self._told) != 0

    def __iter__(self) -> Pass:
        """Call the function anew; after `load_state_dict`, once, go on with the rest of the epoch that was saved."""
        if self._closed:
            raise ClosedError("the loader is closed")
        progress = _Progress(self._next_epoch, self._resume_at, self._slack)
        started = Pass(self, progress)
        self._passes.add(started)
        self._progress = progress
        self._next_epoch += 1
        self._resume_at = self._slack = 0
        return started

    def __repr__(self) -> str:
        options = {"length": self._told, "prefetch": self._prefetch or None}
        parts = [self._name, *(f"{key}={value}" for key, value in options.items() if value is not None)]
        if self._world_size > 1:
            parts.append(f"shard=({self._rank}, {self._world_size})")
        if self._closed:
            parts.append("closed")
        return f"{type(self).__name__}({', '.join(parts)})"

    @property
    def epoch(self) -> int:
        """The epoch that the latest iterator is in, or the next one to begin if it came to its end."""
        if self._progress is None or self._progress.ended:
            return self._next_epoch
        return self._progress.epoch

    def state_dict(self) -> dict[str, Any]:
        """Return where the latest iterator stands, in JSON; equal on ranks that are equally far."""
        epoch, position, slack = self._next_epoch, self._resume_at, self._slack
        progress = self._progress
        if progress is not None and not progress.ended:
            epoch, position = progress.epoch, progress.start + progress.items * self._world_size
            slack = progress.slack
            if self._told is not None:
                position = min(position, self._told)
        state = {"version": STATE_VERSION, "kind": "restartable", "epoch": epoch, "position": position}
        return {**state, "world_size": max(self._world_size, slack + 1)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next `for` go on where `state` was taken. Ranks and prefetch may be others.

        This calls the function and drops what came before: the function must give the same again. When it has a
        parameter `start` (default 0 or none) that the arguments leave free, it gets the number of items to leave out
        instead, which takes no time.

        Raises:
            StateError: It is no state of a `restartable`. Or, by `next`, the function ends before it gets there.
        """
        with reading_state("the state of a restartable"):
            if (state["version"], state["kind"]) != (STATE_VERSION, "restartable"):
                raise StateError("not the state of a restartable of this version")
            epoch = whole("epoch", state["epoch"], 0, MAX_SEED)
            position = whole("position", state["position"], 0, MAX_ITEMS if self._told is None else self._told)
            slack = whole("world_size", state["world_size"], 1, MAX_WORLD_SIZE) - 1
        self._next_epoch, self._resume_at, self._slack = epoch, position, slack
        self._progress = None

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles stand where this one does, and go their own way."""
        state = self.state_dict()
        own = {"_next_epoch": state["epoch"], "_resume_at": state["position"], "_slack": state["world_size"] - 1}
        return {**self.__dict__, **own, "_progress": None, "_last": None, "_passes": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._passes = weakref.WeakSet()

    def close(self) -> None:
        """End all passes, and the threads that work ahead. Iterators raise ClosedError from now on."""
        self._closed = True
        for started in list(self._passes):
            started.close()

    def __enter__(self) -> RestartableGeneratorWrapper:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ---- one pass ------------------------------------------------------------------------------------------------

    def _begin(self, position: int, slack: int) -> Generator[Any, None, None]:
        """Call the function, and return the items of this rank from a position on."""
        kwargs = {**self._kwargs, "start": position} if self._takes_start else self._kwargs
        try:
            made = self._function(*self._args, **kwargs)
            source = iter(made) if _is_iterable(made) else None
        except (StopIteration, GeneratorExit) as error:
            raise RuntimeError(f"{self._name} raised {type(error).__name__} when it was called") from error
        if source is None:
            raise TypeError(f"{self._name}: expected it to return an iterable, found {type(made).__name__}")
        if isinstance(source, types.GeneratorType):
            if self._last is not None and self._last() is source:
                raise TypeError(f"{self._name} returned the generator of the pass before, which can be read once only")
            self._last = weakref.ref(source)
        return self._items(source, position, slack)

    def _note(self, number: int) -> str:
        return f"fastbatch: raised by {self._name} for batch {number}"

    def _items(self, source: Iterator[Any], start: int, slack: int) -> Generator[Any, None, None]:
        rank, world, length = self._rank, self._world_size, self._told
        number = start if self._takes_start else 0  # of the next item
        try:
            while length is None or number < length:
                try:
                    item = next(source)
                except StopIteration:
                    break
                except GeneratorExit as error:
                    stopped = RuntimeError(f"{self._name} raised GeneratorExit")
                    add_note(stopped, self._note(number))
                    raise stopped from error
                except BaseException as error:
                    add_note(error, self._note(number))
                    raise
                if number >= start and (number - start) % world == rank:
                    yield item
                del item  # the caller's alone
                number += 1
            if length is not None and number < length:
                raise ValueError(f"{self._name} ended early: expected length={length} batches, found {number}")
            if number < start - slack:
                what = f"{self._name} ended before the saved position"
                raise StateError(what, expected=f"at least {start - slack} batches", found=number)
            if not (self._takes_start and start):
                self._measured = number
        finally:
            close = getattr(source, "close", None)
            if isinstance(source, (types.GeneratorType, Pass)) and close is not None:
                close()


def restartable(
    function: Callable[..., Any] | Iterable[Any],
    /,
    *args: Any,
    length: SupportsIndex | None = None,
    prefetch: SupportsIndex | None = None,
    shard: tuple[int, int] | None = None,
    **kwargs: Any,
) -> RestartableGeneratorWrapper:
    """Return data that calls `function(*args, **kwargs)` anew for each epoch.

    Args:
        function, args, kwargs: As for `RestartableGeneratorWrapper`. An argument of the function that is called like
            an option below is given by `functools.partial`.
        length: Items of one epoch: a function that goes on for ever ends there, one that ends earlier is a ValueError.
            Without it `len()` is known once a pass has come to its end.
        prefetch: Items that a thread makes ahead. The function's code then runs in that thread, which ends with the
            pass: when the iterator is dropped or closed, or the program ends.
        shard: `(rank, world_size)`: every world_size-th item, from rank on. The ranks may differ by one item.

    Raises:
        TypeError: Nothing that can be called or started afresh, arguments that do not fit the function.
        ValueError: Options out of range.
    """
    wrapper = RestartableGeneratorWrapper(function, *args, **kwargs)
    wrapper._told = None if length is None else whole("length", length, 0, MAX_ITEMS)
    wrapper._prefetch = 0 if prefetch is None else whole("prefetch", prefetch, 0, 65536)
    if shard is not None:
        try:
            rank, world_size = shard
        except (TypeError, ValueError):
            raise TypeError(f"shard: expected (rank, world_size), found {shard!r}") from None
        wrapper._world_size = whole("world_size", world_size, 1, MAX_WORLD_SIZE)
        wrapper._rank = whole("rank", rank, 0, wrapper._world_size - 1)
    return wrapper


class Pass:
    """The iterator of one epoch. After its last item, or an error, it stays at its end."""

    def __init__(self, wrapper: RestartableGeneratorWrapper, progress: _Progress) -> None:
        self._wrapper = wrapper
        self._progress = progress
        self._items: Generator[Any, None, None] | Prefetch | None = None
        self._ahead = wrapper._prefetch > 0
        self._start()

    def _start(self) -> None:
        self._lock = threading.RLock()
        self._process = process.current
        items = self._wrapper._begin(self._progress.start, self._progress.slack)
        if not self._ahead:
            self._items = items
            return
        ahead = Prefetch(items, self._wrapper._prefetch)
        self._items = ahead
        self._finalizer = weakref.finalize(self, ahead.close)

    def __iter__(self) -> Pass:
        return self

    def __next__(self) -> Any:
        if self._ahead and self._process is not process.current:
            self._restart()
        with self._lock:
            items = self._items
            if items is None:
                self._end()
            try:
                item = next(items)
            except StopIteration:
                if self._items is None:  # closed by another thread
                    self._end()
                self._progress.ended, self._items = True, None
                raise
            except BaseException as error:
                # Ctrl-C while a thread works ahead interrupts the wait, not the work.
                if not (self._ahead and isinstance(error, KeyboardInterrupt)):
                    self._items = None
                raise
            self._progress.items += 1
            return item

    def _end(self) -> NoReturn:
        if self._wrapper._closed and not self._progress.ended:
            raise ClosedError("the loader was closed")
        raise StopIteration

    def _restart(self) -> None:
        """Go on in a forked child, where no thread works ahead: call the function again, up to here."""
        self._finalizer.detach()
        progress = self._progress
        progress.start += progress.items * self._wrapper._world_size
        progress.items, progress.slack = 0, max(progress.slack, self._wrapper._world_size - 1)
        self._start()

    __reduce__ = refuse_copy

    def close(self) -> None:
        """End this pass, and the thread that works ahead; `next` raises StopIteration from now on."""
        items, self._items = self._items, None
        if isinstance(items, Prefetch):
            self._finalizer.detach()
            items.close()
        elif items is not None:
            with self._lock:
                items.close()


def _function_of(function: Any, has_arguments: bool) -> Callable[..., Any]:
    if callable(function):
        called: Callable[..., Any] = function
        return called
    if isinstance(function, str | bytes):  # a name, most likely, and not its characters
        raise TypeError(f"expected a generator function or an iterable, found {function!r}")
    if not _is_iterable(function):
        raise TypeError(f"expected a generator function or an iterable, found {type(function).__name__}")
    if has_arguments:
        raise TypeError(f"arguments are for a function, found an object of type {type(function).__name__}")
    # An iterator is its own iter(). One written in Python may well start afresh there; the built-in ones do not.
    if isinstance(function, Iterator) and not isinstance(type(function).__iter__, types.FunctionType):
        kind = type(function).__name__
        raise TypeError(f"expected a function, or an iterable that starts afresh; a {kind} can be read once only")
    return functools.partial(iter, function)


def _is_iterable(thing: Any) -> bool:
    return isinstance(thing, Iterable) or hasattr(type(thing), "__getitem__")  # the older protocol of sequences


def _takes_start(function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Return whether the function can begin at any item; raise TypeError when the arguments do not fit it."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
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


def _name_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__qualname__", None) or type(function).__name__)
