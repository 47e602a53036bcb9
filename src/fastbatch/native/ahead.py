# SPDX-License-Identifier: MIT
"""Blocks of coming batches, asked for while earlier ones are used; and when each is used next, for the caches."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastbatch import _core
from fastbatch.locks import new_lock
from fastbatch.source.remote.future import Future

from .stores import MOST_BLOCKS, pager

Block = tuple[int, int]  # space, number
Pass = tuple[_core.Order, _core.BatchPlan]

_MOST_AHEAD = MOST_BLOCKS // 2
_NEEDED = 0  # in place of the number of a use: for the core
_WHOLE_BATCHES = 2  # whose blocks are asked for in any case
_LISTED_SAMPLES = 1 << 18  # of this epoch, and of the next one, whose uses are known


class AheadRun:
    """A run of the core over objects in stores, and what it will read until the end of the next epoch.

    Threads: as for the core's run.
    """

    def __init__(self, run: _core.Run, decoders: Sequence[Any], now: Pass, after: Pass | None) -> None:
        self._run = run
        self._given = (decoders, now, after)
        self._pager = pager()
        self._lock = new_lock()  # guards what follows
        self._listed = 0  # batches of this run whose uses are known
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
            while self._ends and self._ends[0][0] <= returned:
                batch, block = heapq.heappop(self._ends)
                if self._needed.get(block, (-1,))[0] == batch:
                    self._waiting -= self._pager.size(*block)
                    self._foresee(block, self._needed.pop(block)[1])
            while self._at < self._end or self._list():
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

    def _list(self) -> bool:
        """List the uses of further batches; return False if there are none."""
        decoders, (order, plan), after = self._given
        while self._at == self._end and self._listed < plan.n_batches:
            n = max(1, _LISTED_SAMPLES // max(1, plan.batch_size(self._listed)))
            uses = _core.block_uses(decoders, order, plan, self._listed, n)
            self._listed += n
            self._at, self._end = 0, len(uses)
            if after is not None and self._listed >= plan.n_batches:
                uses = np.concatenate([uses, _core.block_uses(decoders, *after, 0, n)])
            self._future = Future(uses, self._pager.reader.cache.clock + 1)
            self._pager.foresee(self._future)
        return self._at < self._end
