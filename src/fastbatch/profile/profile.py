# SPDX-License-Identifier: MIT
"""`loader.profile()`: records what the threads of a loader do during a `with` block."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from fastbatch.calls import public_class
from fastbatch.checks import shown

from . import summary, trace
from .events import EVENT, Events

_SUFFIXES = (".json", ".png", ".svg", ".pdf")
MAX_SPANS = 1_000_000  # the latest

Span = tuple[str, int, int, int]  # name, begin and end of the monotonic clock in ns, number of the batch


@public_class
class Profile:
    """What the threads of a loader did, and when: as `Loader.profile` returns it.

    Recording begins with the `with` block and ends with it. Iterators that begin inside are recorded whole; of others,
    only the work of the native threads.

    Attributes:
        elapsed_s: Seconds that were recorded.
        threads: Worker threads.
        events: A structured array, one record per event: `begin_ns`, `end_ns` (monotonic clock), `kind` (0 decode,
            1 advise, 2 wait, 3 take), `thread`, `batch`, `sample`, `count`, `column`, `minor_faults`, `major_faults`.
        overwritten: Events that there was no room for; the latest ones are kept.

    Raises:
        ValueError: By the `with` statement: the profile was used before, or the loader is being profiled already.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.images("photos/train", size=64, batch_size=16)
        >>> with loader.profile() as profile:
        ...     for x, y in loader:
        ...         pass  # train
        >>> profile.summary()["batches"]
        6
        >>> profile.save("trace.json")  # for ui.perfetto.dev

    Source: `csrc/loader/timeline.cpp`.
    """

    def __init__(self, loader: Any, events: int) -> None:
        self._loader = loader
        self._capacity = events
        self._recorded: Any = None  # the engine
        self._begin_ns = self._end_ns = 0
        self.spans: deque[Span] = deque(maxlen=MAX_SPANS)  # of the consumer's thread, in Python: added by iterators
        self.events: Events = np.zeros(0, EVENT)
        self.overwritten = 0
        self.threads = 0
        self.columns: tuple[str, ...] = ()

    # ---- recording -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Profile:
        if self._begin_ns:
            raise ValueError("profile: it has been used; loader.profile() makes another")
        if getattr(self._loader, "_profile", None) is not None:
            raise ValueError("profile: this loader is being profiled already")
        self._recorded = self._loader._recorded_engine()
        self._begin_ns = time.monotonic_ns()
        self._loader._profile = self
        if self._recorded is not None:
            self._recorded.start_recording(self._capacity)
        return self

    def __exit__(self, *exception: object) -> None:
        self._end_ns = time.monotonic_ns()
        self._loader._profile = None
        stats = self._loader.stats()
        self.threads = stats["threads"]
        if self._recorded is not None:
            self.events, self.overwritten = self._recorded.stop_recording()
            self.columns = tuple(summary.column_name(column) for column in self._loader.recipe.columns)
            self._recorded = None

    # ---- results -------------------------------------------------------------------------------------------------

    @property
    def elapsed_s(self) -> float:
        return (self._end_ns - self._begin_ns) / 1e9

    @property
    def begin_ns(self) -> int:
        """Time of the monotonic clock at which recording began."""
        return self._begin_ns

    def summary(self) -> dict[str, Any]:
        """Return what it comes to, as plain numbers and text.

        `elapsed_s`, `batches`, `samples`, `threads`, `overwritten`. `next_share`: of the time, in `next()`.
        `wait_share`: of the time, waiting there for threads. `stages`: thread-seconds by stage. `busy_share`: of the
        threads' time. `ready`: batches that were ready when one was taken: `mean`, and `none_share`, of the times when
        it was the only one. `minor_faults`, `major_faults`: page faults of the threads, of memory alone and waiting for
        a disk; those of a consumer that makes short batches itself are counted once in a millisecond while there are
        none. `slowest`: seconds, index and name of the samples that took longest.
        """
        return summary.summary(self)

    def name_of(self, sample: int) -> str:
        """Return the file of a sample of the source, or its number."""
        files = getattr(getattr(self._loader, "recipe", None), "files", None)
        name = None if files is None or sample >= len(files) else files.name(sample)
        return f"sample {sample}" if name is None else os.fsdecode(name)

    def __repr__(self) -> str:
        return summary.text(self.summary()) if self._end_ns else "<profile: nothing recorded yet>"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a timeline of the threads.

        Args:
            path: `.json`: a trace for ui.perfetto.dev and chrome://tracing. `.png`, `.svg`, `.pdf`: a picture, which
                needs matplotlib (the extra `plot`).

        Raises:
            ValueError: Another suffix; or nothing was recorded.
        """
        suffix = Path(path).suffix.lower()
        if suffix not in _SUFFIXES:
            raise ValueError(
                f"save: expected a name that ends in {', '.join(_SUFFIXES)}, found {shown(os.fspath(path))}"
            )
        if not self._end_ns:
            raise ValueError("save: nothing has been recorded; use it as `with loader.profile() as profile:`")
        if suffix == ".json":
            trace.write(self, Path(path))
        else:
            from .picture import draw

            draw(self, Path(path))
