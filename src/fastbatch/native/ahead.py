# SPDX-License-Identifier: MIT
"""Blocks of coming batches, asked for while earlier ones are used; and when each is used next, for the caches."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from concurrent.futures import Future as Done
from typing import Any

import numpy as np

from fastbatch import _core
from fastbatch.locks import new_lock
from fastbatch.source.remote.future import Future

from .stores import MOST_BLOCKS, pager

Block = tuple[int, int]  # space, number
Pass = tuple[_core.Order, _core.BatchPlan]
Given = tuple[Sequence[Any], Pass, Pass | None]  # columns, this epoch, the next one
Listed = tuple[int, int, Future]  # batches, their uses, and these with those of the next epoch

_MOST_AHEAD = MOST_BLOCKS // 2
_NEEDED = 0  # in place of the number of a use: for the core
_WHOLE_BATCHES = 2  # whose blocks are asked for in any case
_LISTED_SAMPLES = 1 << 18  # of this epoch, and of the next one, whose uses are known
_FIRST_SAMPLES = 1 << 11  # listed at once, and the others in another thread, if there are many
_MANY = 16  # times as many


class AheadRun:
    """A run of the core over objects in stores, and what it will read until the end of the next epoch.

    Threads: as for the core's run.
    """

    def __init__(self, run: _core.Run, decoders: Sequence[Any], now: Pass, after: Pass | None) -> None:
        self._run = run
        self._given: Given = (decoders, now, after)
        self._pager = pager()
        self._lock = new_lock()  # guards what follows
        self._listed = 0  # batches of this run whose uses are known
        self._listing: Done[Listed] | None = None  # the same batches and more
        self._future = Future(np.empty((0, 4), np.uint64), 0)
        self._at = self._end = (
            0  # of the uses in `_future`, the next one to ask for, and the first one of the next epoch
        )
        self._needed: dict[Block, tuple[int, int]] = {}  # the last batch that uses each, and its next use
        self._ends: list[tuple[int, Block]] = []  # a heap of (batch, block): the same, with earlier batches
        self._waiting = 0  # bytes of the blocks that are needed
        self._ask(-1)

    def __del__(self) -> None:
        for block, (_, then) in getattr(self, "_needed", {}).items():
            self._foresee(block, then)

    def next(self) -> Any:
        """Return the next batch, as the core's run."""
        made = self._run.next()
        if made:
            self._ask(made[0])
        return made

    def under_way(self) -> list[tuple[str, int, int, int, int]]:
        """Return what is done now, as the core's run."""
        return self._run.under_way()

    def _ask(self, returned: int) -> None:
        """Ask for blocks of further batches; those of batches that were returned are needed no more."""
        with self._lock:
            if self._listing is not None and self._listing.done():
                self._take_listed(self._listing.result())
            while self._ends and self._ends[0][0] <= returned:
                batch, block = heapq.heappop(self._ends)
                if self._needed.get(block, (-1,))[0] == batch:
                    self._waiting -= self._pager.size(*block)
                    self._foresee(block, self._needed.pop(block)[1])
            while self._at < self._end or self._list(returned):
                first, space, number, last = self._future.uses[self._at].tolist()
                block = space, number
                if block not in self._needed and self._is_full() and first > returned + _WHOLE_BATCHES:
                    break
                self._use(block, last)

    def _is_full(self) -> bool:
        most = self._pager.reader.settings.ahead_bytes
        return self._waiting >= most or len(self._needed) >= _MOST_AHEAD

    def _use(self, block: Block, last: int) -> None:
        """Ask for the block of the next use."""
        then = int(self._future.next[self._at])
        self._at += 1
        self._pager.reader.cache.count_use()
        if block in self._needed:
            self._pager.note_use(*block, then)
        else:
            self._foresee(block, _NEEDED)
            if self._pager.ask(*block, then) is None:
                self._pager.note_use(*block, then)
            self._waiting += self._pager.size(*block)
        self._needed[block] = last, then
        heapq.heappush(self._ends, (last, block))

    def _foresee(self, block: Block, number: int) -> None:
        space = self._pager.core.find(block[0])
        if space is not None:
            space.foresee(block[1], number)

    def _list(self, returned: int) -> bool:
        """List the uses of further batches; return False if there are none, or none that are needed now."""
        order, plan = self._given[1]
        while self._at == self._end and self._listed < plan.n_batches:
            if self._listing is not None:
                if not self._listing.done() and self._listed > returned + 1 + _WHOLE_BATCHES:
                    return False
                self._take_listed(self._pager.reader.wait(self._listing))
                continue
            batch_size, first = max(1, plan.batch_size(self._listed)), self._pager.reader.cache.clock + 1
            n = max(1, _LISTED_SAMPLES // batch_size)
            self._at = 0
            if self._listed == 0 and min(n, plan.n_batches) * batch_size > _MANY * _FIRST_SAMPLES:
                self._listing = self._pager.reader.start(asyncio.to_thread(_listed, self._given, 0, n, first))
                n = max(1, _FIRST_SAMPLES // batch_size)
                uses = _core.block_uses(self._given[0], order, plan, 0, n)
                self._listed, self._end, self._future = n, len(uses), Future(uses, first)
            else:
                self._take_listed(_listed(self._given, self._listed, n, first))
        return self._at < self._end

    def _take_listed(self, listed: Listed) -> None:
        self._listed, self._end, self._future = listed
        self._listing = None
        self._pager.foresee(self._future)


def _listed(given: Given, begin: int, n: int, first: int) -> Listed:
    """Return the uses of `n` batches, and of as many of the next epoch if this one ends with them.

    Args:
        begin: The first of the batches.
        first: The number of their first use.
    """
    decoders, (order, plan), after = given
    uses = _core.block_uses(decoders, order, plan, begin, n)
    end = len(uses)
    if after is not None and begin + n >= plan.n_batches:
        uses = np.concatenate([uses, _core.block_uses(decoders, *after, 0, n)])
    return begin + n, end, Future(uses, first)
