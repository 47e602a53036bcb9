# SPDX-License-Identifier: MIT
"""Loaders side by side: each part makes its columns in an engine of its own, and a batch has those of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastbatch.plan.mixture import Pairing
from fastbatch.plan.plan import Plan
from fastbatch.profile.events import TAKE

from . import fork as process

if TYPE_CHECKING:
    from fastbatch.batch.column import Column

    from .bad_samples import Bad
    from .engine import BatchPlan, Engine, EngineOptions, Implementation, Run

Array = np.ndarray[Any, Any]


def part_plans(plan: Plan) -> list[Plan]:
    """Return the plan of each part, with the batches and the shard of the whole."""
    assert isinstance(plan.mixture, Pairing)
    names = ("batch_size", "drop_last", "rank", "world_size", "tail", "batches")
    shared = {name: getattr(plan, name) for name in names}
    return [replace(part, **shared) for part in plan.mixture.plans]


class Zipped:
    """An implementation for loaders side by side. Immutable.

    Args:
        inner: The implementation of all parts.
        widths: Number of columns of each part.
    """

    def __init__(self, inner: Implementation, widths: Sequence[int]) -> None:
        self._inner = inner
        self._widths = tuple(widths)

    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> Array:
        """Return the first part's samples of batch `k`."""
        return self._inner.indices(part_plans(plan)[0], epoch, position, k)

    def batch_plan(self, plan: Plan, position: int) -> BatchPlan:
        """Return the division of the rest of an epoch into batches."""
        return self._inner.batch_plan(plan, position)

    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> ZipEngine:
        """Return the engine of one loader."""
        engines, first = [], 0
        for part, width in zip(part_plans(plan), self._widths, strict=True):
            engines.append(self._inner.engine(columns[first : first + width], part, options))
            first += width
        return ZipEngine(engines, self._widths)


class ZipEngine:
    """The engines of the parts. Threads: any."""

    def __init__(self, engines: Sequence[Engine], widths: Sequence[int]) -> None:
        self._engines = engines
        self._widths = widths

    def start(self, plan: Plan, epoch: int, position: int) -> ZipRun:
        """Begin a run of each part at a position within an epoch."""
        parts = zip(self._engines, part_plans(plan), strict=True)
        return ZipRun([engine.start(part, epoch, position) for engine, part in parts])

    def verify(self) -> None:
        """Raise FormatError if a mapped file was written to since it was opened."""
        for engine in self._engines:
            engine.verify()

    def stats(self) -> dict[str, Any]:
        """Return the counters: batches and samples once, the work of all parts."""
        every = [engine.stats() for engine in self._engines]
        summed: dict[str, Any] = {
            key: sum((stats[key] for stats in every), [] if key == "decode_s" else 0) for key in every[0]
        }
        once = ("batches", "samples", "ready_batches", "prefetch")
        return {**summed, **{key: min(stats[key] for stats in every) for key in once}}

    def start_recording(self, events_per_thread: int) -> None:
        """Record what the threads of all parts do."""
        for engine in self._engines:
            engine.start_recording(events_per_thread)

    def stop_recording(self) -> tuple[Array, int]:
        """Return the events of all parts, with the columns of the whole, and the number of those that were overwritten.

        Threads of different parts share their numbers.
        """
        every, lost, columns = [], 0, 0
        for engine, width in zip(self._engines, self._widths, strict=True):
            events, overwritten = engine.stop_recording()
            is_last = engine is self._engines[-1]  # with its batch, that of the whole is there
            events = events[(events["kind"] != TAKE) | is_last]
            events["column"] += columns
            every.append(events)
            lost += overwritten
            columns += width
        return np.concatenate(every), lost

    def close(self) -> None:
        """End all runs: they return False from now on."""
        for engine in self._engines:
            engine.close()


class ZipRun:
    """One pass over all parts.

    Threads: any. The lock guards the batches that some parts have returned already: when Ctrl-C interrupts the wait for
    another part, the next call goes on with it, so that the parts stay in step.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = runs
        self._ready: list[Any] = []
        self._lock = process.new_lock()

    def next(self) -> tuple[int, list[Array], Sequence[Bad]] | Literal[False] | None:
        """Return the next batch: the columns of all parts."""
        with self._lock:
            while len(self._ready) < len(self._runs):
                made = self._runs[len(self._ready)].next()
                if made is None or made is False:
                    return made
                self._ready.append(made)
            ready, self._ready = self._ready, []
        filled = [one for made in ready for one in made[2]]  # bad samples raise
        return ready[0][0], [column for made in ready for column in made[1]], filled

    def under_way(self) -> list[tuple[str, int, int, int, int]]:
        """Return what is done now by the first part: its numbers are those of the loader's samples."""
        return self._runs[0].under_way()
