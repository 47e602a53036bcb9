# SPDX-License-Identifier: MIT
"""Objects that are opened one after another, although a store takes long to answer: several are asked for at once."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .settings import BLOCK_BYTES
from .urls import Object, as_url

if TYPE_CHECKING:
    from concurrent.futures import Future

    from .fetcher import Fetcher


@contextlib.contextmanager
def opening(paths: Iterable[Any], *, blocks: bool = True) -> Iterator[None]:
    """While it lasts, paths are opened in their order; those that are URLs are asked for ahead.

    Args:
        paths: Paths and other things, as users give them.
        blocks: Whether the first block of each is needed, as that of a header.
    """
    urls = [url for path in paths if (url := as_url(path)) is not None]
    if len(urls) < 2:
        yield
        return
    from .fetcher import fetcher

    reader = fetcher()
    started = Opening(reader, urls, blocks)
    reader.openings.append(started)
    try:
        yield
    finally:
        reader.openings.remove(started)
        started.close()


class Opening:
    """What was asked for, and is not yet opened. Threads: one opens; others may look."""

    def __init__(self, reader: Fetcher, urls: list[str], blocks: bool) -> None:
        self._reader, self._has_blocks = reader, blocks
        self._left = deque(dict.fromkeys(urls))
        self._heads: dict[str, Future[Object]] = {}
        self._blocks: dict[str, Future[int]] = {}
        for _ in range(reader.settings.in_flight):
            self._ask()

    def _ask(self) -> None:
        if self._left:
            url = self._left.popleft()
            self._heads[url] = head = self._reader.start(self._reader.found(url))
            if self._has_blocks:
                self._blocks[url] = self._reader.start(self._first_block(head))

    async def _first_block(self, head: Future[Object]) -> int:
        import asyncio

        one = await asyncio.wrap_future(head)
        return await self._reader.read_block(one, 0, min(BLOCK_BYTES, one.size))

    def head(self, url: str) -> Future[Object] | None:
        """Return the object of a URL, if it was asked for."""
        found = self._heads.pop(url, None)
        if found is not None:
            self._ask()
        return found

    def block(self, url: str, offset: int, size: int) -> Future[int] | None:
        """Return the first block of an object, if it was asked for; the caller closes its descriptor."""
        return self._blocks.pop(url, None) if offset == 0 and size > 0 else None

    def close(self) -> None:
        """Drop what was not opened."""
        self._left.clear()
        for head in self._heads.values():
            head.cancel()
        for block in self._blocks.values():
            block.cancel()
            block.add_done_callback(_close_file)


def _close_file(block: Future[int]) -> None:
    if not block.cancelled() and block.exception() is None:
        os.close(block.result())
