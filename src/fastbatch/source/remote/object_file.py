# SPDX-License-Identifier: MIT
"""An object as a file of Python, for libraries that read ranges of files."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from .fetcher import fetcher
from .samples import read_range
from .urls import Object


class ObjectFile(io.RawIOBase):
    """A file that reads an object through the cache. Threads: one at a time.

    Args:
        ranges: Beginnings and sizes of what will be read: asked for together.
    """

    def __init__(self, one: Object, ranges: Iterable[tuple[int, int]] = ()) -> None:
        super().__init__()
        self._one, self._at = one, 0
        self._asked: list[tuple[int, int, Future[int]]] = [
            (begin, begin + size, fetcher().block(one, begin, size)) for begin, size in ranges if size > 0
        ]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._one.size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes. Raises OSError, FormatError."""
        size = max(0, min(len(buffer), self._one.size - self._at))
        buffer[:size] = self._content(self._at, size)
        self._at += size
        return size

    def _content(self, at: int, size: int) -> bytes:
        for begin, end, asked in self._asked:
            if begin <= at and at + size <= end:
                descriptor = fetcher().wait(asked)
                with open(descriptor, "rb", closefd=False) as file:
                    file.seek(at - begin)
                    return file.read(size)
        return read_range(self._one, at, size)

    def close(self) -> None:
        """Close it; what was asked for and has not come is dropped."""
        for _, _, asked in self._asked:
            asked.cancel()
            asked.add_done_callback(_close_descriptor)
        self._asked = []
        super().close()


def _close_descriptor(asked: Future[int]) -> None:
    if not asked.cancelled() and asked.exception() is None:
        os.close(asked.result())
