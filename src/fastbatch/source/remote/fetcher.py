# SPDX-License-Identifier: MIT
"""Reads blocks of objects, many at a time: one thread with an event loop, tries again, and a cache on disk."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import os
import random
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from fastbatch.errors import FormatError
from fastbatch.locks import new_lock
from fastbatch.system import in_forked_child

from .block_cache import BlockCache
from .failures import UnsteadyError
from .neighbours import Turn
from .room import Room
from .settings import Settings, settings_now
from .store import Store, open_store
from .urls import Object, root_and_key, shown_url

if TYPE_CHECKING:
    from .opening import Opening

_FIRST_WAIT_S = 0.1  # before the second try; doubled for each further one, and half of it is random
_LONGEST_WAIT_S = 10.0
_SIGNALS_S = 0.1
_FIRST_LOOK_S, _LAST_LOOK_S = 0.002, 0.02  # waits while another process reads a block


class SlowStoreError(TimeoutError):
    """A store that does not answer. A class of its own: asyncio makes its TimeoutErrors anew, without their files."""


class Fetcher:
    """The reader of this process. Threads: any may call its methods. Fork: the child gets errors."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process = os.getpid()
        self.cache = BlockCache(settings)
        self.openings: list[Opening] = []
        self._stores: dict[str, Store] = {}  # the loop's thread only
        self._loop = asyncio.new_event_loop()
        self._room = Room(settings.in_flight, settings.in_flight_bytes)
        threading.Thread(target=self._loop.run_forever, name="fastbatch store", daemon=True).start()

    def head(self, url: str) -> Object:
        """Return an object. Raises OSError."""
        asked = next((future for one in self.openings if (future := one.head(url)) is not None), None)
        found: Object = self.wait(asked or self.start(self.found(url)))
        return found

    async def found(self, url: str) -> Object:
        """Return an object; in the thread of the loop. A bucket answers as an object of no bytes would: it is none."""
        if not url.startswith("http") and root_and_key(url)[1][-1:] in ("", "/"):
            self._store(url)  # raises if there is no such store
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), shown_url(url))
        found: Object = await self._asked(url, "head", url)
        return found

    def heads(self, urls: list[str]) -> list[Object]:
        """Return objects, asked for together."""

        async def all_of_them() -> list[Object]:
            return list(await asyncio.gather(*(self.found(url) for url in urls)))

        found: list[Object] = self.wait(self.start(all_of_them()))
        return found

    def list(self, url: str) -> list[Object]:
        """Return the objects in a folder, sorted by their URLs. Raises OSError."""
        found: list[Object] = self.wait(self.start(self._asked(url, "list", url)))
        return sorted(found, key=lambda one: os.fsencode(one.url))

    def block(self, one: Object, offset: int, size: int, when: int | None = None) -> Future[int]:
        """Begin to read a range; the result is a descriptor of a file that begins with it, which the caller closes.

        Args:
            when: The number of its next use after this one, as in `future.py`; None: nothing is known.
        """
        for opening in self.openings:
            if (asked := opening.block(one.url, offset, size)) is not None:
                return asked
        return self.start(self.read_block(one, offset, size, when))

    def content(self, one: Object, offset: int, size: int) -> Future[Any]:
        """Begin to read a range as a buffer, without the cache."""
        return self.start(self._asked(one.url, "read", one, offset, size, size=size))

    def call_when_readable(self, descriptor: int, function: Callable[[], None]) -> None:
        """Call a function in the thread of the loop whenever a pipe has something to read."""
        self._loop.call_soon_threadsafe(self._loop.add_reader, descriptor, function)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine in the thread of the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def wait(self, future: Future[Any]) -> Any:
        """Return a result; signals are handled meanwhile."""
        try:
            while not future.done():
                concurrent.futures.wait([future], _SIGNALS_S)
        except BaseException:  # of a signal
            future.cancel()
            raise
        return future.result()

    async def read_block(self, one: Object, offset: int, size: int, when: int | None = None) -> int:
        """Return a descriptor as for `block`; in the thread of the loop."""
        turn = self.cache.turn_of(one, offset, size)
        if turn is not None and not turn.take():
            await self._wait_for(turn)
        try:
            found = await asyncio.to_thread(self.cache.open, one, offset, size, when)
            if found is not None:
                return found
            data = memoryview(await self._asked(one.url, "read", one, offset, size, size=size))
            is_awaited = turn is not None and turn.is_awaited()
            return await asyncio.to_thread(self.cache.write, one, offset, data, when, is_awaited)
        finally:
            if turn is not None:
                turn.give()

    async def _wait_for(self, turn: Turn) -> None:
        """Wait until another process has read a block, or for as long as this one would wait for the store."""
        wait, end = _FIRST_LOOK_S, self._loop.time() + self.settings.timeout_s
        turn.begin_to_wait()
        try:
            while not turn.take() and self._loop.time() < end:
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LAST_LOOK_S)
        finally:
            turn.end_to_wait()

    def tell_neighbours(self) -> None:
        """Tell the other processes with the same cache, in another thread, what this one will use."""
        self.start(asyncio.to_thread(self.cache.tell))

    async def _asked(self, url: str, method: str, *arguments: Any, size: int | None = None) -> Any:
        """Return what a method of the store gives. Errors that may pass are tried again, after random waits."""
        settings, last = self.settings, "nothing"
        for attempt in range(settings.tries):
            if attempt:
                wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (attempt - 1))
                await asyncio.sleep(wait * (0.5 + random.random() / 2))
            try:
                async with self._room.of(size or 0, again=attempt > 0):
                    found = await asyncio.wait_for(getattr(self._store(url), method)(*arguments), settings.timeout_s)
                if size is None or len(memoryview(found)) == size:
                    return found
                last = f"{len(memoryview(found))} of {size} bytes"
            except (asyncio.TimeoutError, TimeoutError):
                last = ""
            except UnsteadyError as error:
                last = str(error)
        name = shown_url(url)
        if not last:
            raise SlowStoreError(
                errno.ETIMEDOUT, f"No answer within {settings.timeout_s:g} s, {settings.tries} times", name
            )
        raise OSError(errno.EIO, f"The store failed {settings.tries} times (last: {last})", name)

    def _store(self, url: str) -> Store:
        root = url if "?" in url else root_and_key(url)[0]
        if root not in self._stores:
            self._stores[root] = open_store(url)
        return self._stores[root]


_lock = new_lock()
_fetcher: Fetcher | None = None
_is_forked = False  # from a process that had a fetcher, whose threads (and those of obstore) are lost


def fetcher() -> Fetcher:
    """Return the reader of this process, made on first use.

    Raises:
        OSError: The process was forked from one that has read from stores.
    """
    global _fetcher
    if _is_forked:
        what = "A process that has read from stores was forked: start others by spawn, or before the first read"
        raise OSError(errno.ECHILD, what)
    with _lock:
        if _fetcher is None:
            _fetcher = Fetcher(settings_now())
        return _fetcher


def _after_fork() -> None:
    global _fetcher, _is_forked
    _is_forked = _is_forked or _fetcher is not None
    _fetcher = None


in_forked_child(_after_fork)


def failure_of(error: BaseException) -> tuple[int, str]:
    """Return errno (0: the data are wrong) and text of an error, for the core."""
    if isinstance(error, FormatError):
        return 0, error.message
    if isinstance(error, OSError) and error.errno:
        return error.errno, error.strerror or os.strerror(error.errno)
    return errno.EIO, f"{type(error).__name__}"
