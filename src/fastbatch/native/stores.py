# SPDX-License-Identifier: MIT
"""Objects in stores for the core: who brings their blocks. In C++: `csrc/source/block_space.h`."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastbatch import _core
from fastbatch.locks import new_lock
from fastbatch.source.remote.block_cache import file_name, unnamed_file
from fastbatch.source.remote.cache_files import hash_of
from fastbatch.source.remote.fetcher import Fetcher, failure_of, fetcher
from fastbatch.source.remote.settings import BLOCK_BYTES
from fastbatch.source.remote.urls import Object

if TYPE_CHECKING:
    from fastbatch.source.remote.future import Future as Uses
    from fastbatch.source.remote.samples import ObjectSamples

_PAGE = 1 << 16  # a multiple of the size of any page
MOST_BLOCKS = 8192  # mapped at once; Linux has at most 65,530 mappings


class _Blocks:
    """The blocks of a space: which range of which object each is."""

    def __init__(self, objects: Sequence[Object], block_bytes: int | None) -> None:
        self._objects, self._block_bytes = objects, block_bytes
        self._hashes: NDArray[np.uint64] | None = None

    @property
    def n(self) -> int:
        """The number of blocks."""
        return len(self._objects) if self._block_bytes is None else -(-self._objects[0].size // self._block_bytes)

    def hashes(self) -> NDArray[np.uint64]:
        """Return a number for the file of each block in the cache; computed once."""
        if self._hashes is None:
            self._hashes = np.fromiter((hash_of(file_name(*self[i])) for i in range(self.n)), np.uint64, self.n)
        return self._hashes

    def __getitem__(self, block: int) -> tuple[Object, int, int]:
        if self._block_bytes is None:
            return self._objects[block], 0, self._objects[block].size
        one, offset = self._objects[0], block * self._block_bytes
        return one, offset, min(self._block_bytes, one.size - offset)


class Pager:
    """Brings the blocks that the core waits for, and those that it will need. Threads: any."""

    def __init__(self, reader: Fetcher) -> None:
        self.reader = reader
        self._empty = unnamed_file(memoryview(b""))
        self._ear, bell = os.pipe()
        os.set_blocking(self._ear, False)
        os.set_blocking(bell, False)
        most = max(reader.settings.memory_bytes, 2 * reader.settings.ahead_bytes)
        self.core = _core.BlockPager(self._empty, bell, MOST_BLOCKS, most)
        self._lock = new_lock()  # guards what follows
        self._blocks: dict[int, _Blocks] = {}
        self._asked: dict[tuple[int, int], Future[int]] = {}
        self._n_forgotten = 0
        reader.call_when_readable(self._ear, self._listen)

    def space(self, name: str, objects: Sequence[Object], block_bytes: int | None) -> _core.BlockSpace:
        """Return the space of one object with blocks of a size, or of several, each of which is a block."""
        if block_bytes is None:
            sizes = np.array([one.size for one in objects], np.uint64)
            rooms = (sizes + np.uint64(_PAGE - 1)) // np.uint64(_PAGE) * np.uint64(_PAGE)
            starts = np.concatenate([np.zeros(1, np.uint64), np.cumsum(rooms)[:-1]])
            names = [os.fsencode(one.name) for one in objects]
        else:
            starts = np.arange(0, objects[0].size, block_bytes, dtype=np.uint64)
            sizes = np.minimum(np.uint64(block_bytes), np.uint64(objects[0].size) - starts)
            names = []
        made = _core.BlockSpace(self.core, os.fsencode(name), starts, sizes, names)
        with self._lock:
            for gone in [known for known in self._blocks if self.core.find(known) is None]:
                del self._blocks[gone]
            self._blocks[made.id] = _Blocks(objects, block_bytes)
        return made

    def ask(self, space: int, block: int, when: int | None = None) -> Future[int] | None:
        """Begin to bring a block, unless it is there or on its way; return what ends with it.

        Args:
            when: The number of its next use after this one; None: nothing is known of the future.
        """
        core = self.core.find(space)
        with self._lock:
            asked = self._asked.get((space, block))
            if asked is not None or core is None or core.is_here(block):
                return asked
            n_forgotten = self._n_forgotten
            one, offset, size = self._blocks[space][block]
            asked = self._asked[space, block] = self.reader.block(one, offset, size, when)
        asked.add_done_callback(lambda done: self._arrived(space, block, done, n_forgotten))
        return asked

    @contextlib.contextmanager
    def in_order(self, space: _core.BlockSpace, at_once: int) -> Iterator[None]:
        """While it lasts, ask for the blocks of a space in their order, a number of them at a time."""
        with self._lock:
            n = self._blocks[space.id].n
        blocks = iter(range(n))

        def ask_next(_: Future[int] | None) -> None:
            for block in blocks:
                if (asked := self.ask(space.id, block)) is not None:
                    asked.add_done_callback(ask_next)
                    return

        for _ in range(at_once):
            ask_next(None)
        try:
            yield
        finally:
            blocks = iter(())

    def size(self, space: int, block: int) -> int:
        """Return the bytes of a block."""
        with self._lock:
            return self._blocks[space][block][2]

    def note_use(self, space: int, block: int, when: int) -> None:
        """Tell the cache when a block is used next that was asked for before."""
        with self._lock:
            one, offset, size = self._blocks[space][block]
        self.reader.cache.use(one, offset, size, when)

    def foresee(self, future: Uses) -> None:
        """Tell the cache what will be used."""
        spaces = frozenset(np.unique(future.uses[:, 1]).tolist())
        with self._lock:
            known = {space: self._blocks[space] for space in spaces}

        @functools.cache
        def foreseen() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
            blocks, numbers = future.by_block()
            hashes = np.empty(len(blocks), np.uint64)
            for space in spaces:
                here = blocks[:, 0] == space
                hashes[here] = known[space].hashes()[blocks[here, 1]]
            order = np.argsort(hashes, kind="stable")
            return hashes[order], numbers[order]

        self.reader.cache.foresee(spaces, foreseen)
        self.reader.tell_neighbours()

    def forget_errors(self) -> None:
        """Ask for blocks again that have failed: at the start of an epoch, or of a read."""
        with self._lock:
            self._n_forgotten += 1
            for space in self._blocks:
                core = self.core.find(space)
                if core is not None:
                    core.forget_errors()

    def _arrived(self, space: int, block: int, done: Future[int], n_forgotten: int) -> None:
        core = self.core.find(space)
        error = done.exception() if not done.cancelled() else CancelledError()
        with self._lock:  # who asks from now on asks anew: what arrives here may be dropped or forgotten at once
            self._asked.pop((space, block), None)
            is_old = error is not None and n_forgotten != self._n_forgotten  # the error of an earlier epoch
            if error is not None and core is not None and not is_old:
                core.fail(block, *failure_of(error))
        if is_old:
            self.ask(space, block)
        if error is None:
            self._provide(core, block, done.result())

    def _provide(self, core: _core.BlockSpace | None, block: int, descriptor: int) -> None:
        try:
            if core is not None:
                core.provide(block, descriptor)
        except Exception as error:
            assert core is not None
            core.fail(block, *failure_of(error))
        finally:
            os.close(descriptor)

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._ear, 4096)
        for space, block in self.core.take_wanted():
            self.ask(space, block)


_lock = new_lock()
_pager: Pager | None = None


def pager() -> Pager:
    """Return the pager of this process."""
    global _pager
    reader = fetcher()
    with _lock:
        if _pager is None or _pager.reader is not reader:
            _pager = Pager(reader)
        return _pager


def forget_errors() -> None:
    """Ask for blocks again that have failed; do nothing in a forked child, which cannot."""
    known = _pager
    if known is not None and known.reader.process == os.getpid():
        known.forget_errors()


def open_space(url: str) -> tuple[_core.BlockSpace, Object]:
    """Return the space of an object, and the object. Raises OSError."""
    one = fetcher().head(url)
    return pager().space(one.name, [one], BLOCK_BYTES), one


def core_objects(samples: ObjectSamples) -> _core.MappedSamples:
    """Return the core's object for samples that are objects."""
    n = len(samples.objects)
    space = pager().space("", samples.objects, None)
    sizes = np.array([one.size for one in samples.objects], np.uint64)
    rooms = (sizes + np.uint64(_PAGE - 1)) // np.uint64(_PAGE) * np.uint64(_PAGE)
    starts = np.concatenate([np.zeros(1, np.uint64), np.cumsum(rooms)[:-1]])
    names = [os.fsencode(one.name) for one in samples.objects]
    return _core.MappedSamples([space], np.zeros(n, np.uint64), starts, sizes, names)
