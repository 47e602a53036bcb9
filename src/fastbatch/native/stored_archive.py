# SPDX-License-Identifier: MIT
"""Tar archives in stores, whose members the core reads as the rows of arrays: from blocks that arrive in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch import _core
from fastbatch.source.remote.failures import require_same

from .stores import open_space, pager

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastbatch.source.ranges import RangeSamples
    from fastbatch.source.remote.urls import Object
    from fastbatch.source.tar.groups import Members

_AT_ONCE = 16  # blocks on their way while the members are listed


class NativeStoredArchive:
    """One archive; see `StoredArchive`. It is pickled by its URL, and must then still be the same object."""

    def __init__(self, url: str, expected: Object | None = None) -> None:
        self.space, self.one = open_space(url)
        if expected is not None:
            require_same(expected, self.one)
        self.path = self.one.name
        self._view = self.space.raw("|u1", [self.one.size], 0)

    def members(self) -> Members:
        """Return the regular files in it: all blocks are read, or those with headers where members are larger."""
        from fastbatch.source.tar.groups import Members

        with pager().in_order(self.space, _AT_ONCE):
            names, offsets, sizes = _core.tar_members(self.space)
        return Members(names.split(b"\0")[:-1], offsets, sizes)

    def read(self, offset: int, size: int) -> bytes:
        """Return a range; waits for its blocks."""
        return self._view.every(offset, size, 1).read().tobytes() if size else b""

    def __reduce__(self) -> Any:
        return NativeStoredArchive, (self.one.url, self.one)


def core_members(samples: RangeSamples, archives: Sequence[Any]) -> _core.MappedSamples:
    """Return the core's object for members of archives in stores."""
    spaces = [archive.space for archive in archives]
    file, offsets, sizes = (
        np.ascontiguousarray(one, np.uint64) for one in (samples.file, samples.offsets, samples.sizes)
    )
    return _core.MappedSamples(spaces, file, offsets, sizes, samples.names)
