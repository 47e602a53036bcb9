# SPDX-License-Identifier: MIT
"""The core's loader for batches that the caller orders one by one, and the end of any of the core's loaders."""

from __future__ import annotations

import _thread
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from fastbatch import _core
from fastbatch.loader import fork as process


def close_loader(loader: _core.Loader) -> None:
    """End the work of a loader and join its threads, unless it is one of them that calls."""
    if not loader.is_own_thread():
        loader.close()
        return
    # The garbage collector ran in it, and it cannot join itself.
    with suppress(RuntimeError):  # Python starts no threads any more: the core ends the loader after its last run
        _thread.start_new_thread(loader.close, ())  # a `Thread` takes locks, which others may hold


def _close_if_alive(loader: weakref.ref[_core.Loader]) -> None:
    alive = loader()
    if alive is not None:
        close_loader(alive)


class LazyLoader:
    """A loader of the core that is made when it is first used, and again for larger batches and in a forked child.

    Args:
        decoders, dtypes, shapes: One for each array of a batch.
        threads: Worker threads.
        prefetch: Batches kept in memory; 0: the core's choice.
        advise: Announce to the kernel what will be read.
        in_turns: Serve the batches under way in turns; False: the oldest first.

    Threads: any.
    """

    def __init__(
        self,
        decoders: Sequence[_core.Decoder],
        dtypes: Sequence[np.dtype[Any]],
        shapes: Sequence[tuple[int, ...]],
        threads: int,
        prefetch: int,
        *,
        advise: bool,
        in_turns: bool = True,
    ) -> None:
        self._made_of = (decoders, dtypes, shapes, threads)
        self._prefetch = prefetch
        self._advise = advise
        self._in_turns = in_turns
        self._most = 0  # samples that a buffer holds
        self._loader: _core.Loader | None = None
        self._process: object = None
        self._finalizer: weakref.finalize[Any, Any] | None = None

    def get(self, batch_size: int, at_most: int) -> _core.Loader:
        """Return this process's loader, whose buffers hold at least `batch_size` samples.

        Args:
            at_most: A larger number of samples that no batch exceeds.
        """
        if self._loader is None or self._process is not process.current or batch_size > self._most:
            if self._loader is not None and self._finalizer is not None:
                self._finalizer.detach()
                # The earlier loader lives as long as its runs, or until the interpreter ends.
                weakref.finalize(self._loader, _close_if_alive, weakref.ref(self._loader))
            self._most = max(batch_size, min(2 * self._most, at_most))
            self._loader = _core.Loader(
                *self._made_of, self._most, self._prefetch, 0, self._advise, "raise", self._in_turns
            )
            self._process = process.current
            self._finalizer = weakref.finalize(self, close_loader, self._loader)
        return self._loader

    def close(self) -> None:
        """End all work and join the threads; may be called twice."""
        if self._finalizer is not None:
            self._finalizer()
