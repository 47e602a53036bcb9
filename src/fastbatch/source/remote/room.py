# SPDX-License-Identifier: MIT
"""How many requests are made at the same time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class Room:
    """Room for requests at the same time, in the order in which they came; those that are made again come first.

    Bytes are limited too: more of them than keep the link busy only make each answer later. Threads: that of the loop.
    """

    def __init__(self, requests: int, n_bytes: int) -> None:
        self._most_requests, self._most_bytes = requests, n_bytes
        self._requests = self._bytes = 0  # taken
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @contextlib.asynccontextmanager
    async def of(self, size: int, *, again: bool = False) -> AsyncIterator[None]:
        """Wait for the room of a request of `size` bytes, and hold it."""
        if self._waiting or not self._take(size):
            turn = asyncio.get_running_loop().create_future()
            (self._waiting.appendleft if again else self._waiting.append)((size, turn))
            try:
                await turn
            except BaseException:
                if turn.done() and not turn.cancelled():
                    self._give_back(size)
                raise
        try:
            yield
        finally:
            self._give_back(size)

    def _take(self, size: int) -> bool:
        fits = self._requests < self._most_requests and self._bytes + size <= self._most_bytes
        if fits or self._requests == 0:
            self._requests += 1
            self._bytes += size
            return True
        return False

    def _give_back(self, size: int) -> None:
        self._requests -= 1
        self._bytes -= size
        while self._waiting:
            size, turn = self._waiting[0]
            if turn.cancelled():
                self._waiting.popleft()
                continue
            if not self._take(size):
                break
            self._waiting.popleft()
            turn.set_result(None)
