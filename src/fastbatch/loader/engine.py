# SPDX-License-Identifier: MIT
"""The protocols between a loader of samples and an implementation: engines that make batches, runs over an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from fastbatch.batch.column import Column
    from fastbatch.batch.tree import Pack
    from fastbatch.plan.plan import Plan
    from fastbatch.plan.subset import Overlap
    from fastbatch.source.samples import SampleSource

    from .bad_samples import Bad
    from .map import Step


class Run(Protocol):
    """One pass over an epoch from a position: `loader.run.Run` with columns. Dropping it stops the prefetch.

    Threads: any may call `next`; each batch goes to one of them.
    """

    def next(self) -> tuple[int, list[np.ndarray[Any, Any]], Sequence[Bad]] | Literal[False] | None:
        """Return the batch's number in this run, its columns, and its bad and filled samples, in order.

        None after the last batch; False when the loader was closed. A batch whose samples are all skipped is empty.
        """

    def under_way(self) -> list[tuple[str, int, int, int, int]]:
        """Return what is done now: (stage, number of the batch in this run, first slot, slots, number of the thread).

        The stages are "decode", which includes the reading of a file, and "read ahead".
        """


class Engine(Protocol):
    """Makes batches of some columns: threads in native code, or a plain generator. Threads: any."""

    def start(self, plan: Plan, epoch: int, position: int) -> Run:
        """Begin a run at a position within an epoch."""

    def verify(self) -> None:
        """Raise FormatError if a mapped file was written to since it was opened. `start` also checks this."""

    def stats(self) -> dict[str, Any]:
        """Return counters, with keys of `loader.counters.NO_STATS`."""

    def start_recording(self, events_per_thread: int) -> None:
        """Record what the threads do, the latest events of each, until `stop_recording`."""

    def stop_recording(self) -> tuple[np.ndarray[Any, Any], int]:
        """Return the events, as `profile.events.EVENT`, and the number of those that were overwritten."""

    def close(self) -> None:
        """Stop all work. `next` of its runs returns False from now on."""


class BatchPlan(Protocol):
    """The division of the rest of an epoch into batches. Immutable."""

    @property
    def n_batches(self) -> int: ...
    @property
    def n_samples(self) -> int: ...
    def position_after(self, k: int) -> int: ...


class Implementation(Protocol):
    """A backend, of `fastbatch` or of `fastbatch.pure`. Threads: any."""

    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> np.ndarray[Any, Any]: ...
    def batch_plan(self, plan: Plan, position: int) -> BatchPlan: ...
    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> Engine: ...


@dataclass(frozen=True)
class EngineOptions:
    """Options that change speed and memory, but no batch.

    Attributes:
        threads: Worker threads; None: the CPUs available to this process.
        prefetch: Batches prepared ahead; None: as many as fit into 5 MB, at least 2 and at most 16.
        prefetch_bytes: Upper bound of the memory of prefetched batches, or None.
    """

    threads: int | None = None
    prefetch: int | None = None
    prefetch_bytes: int | None = None


@dataclass(frozen=True)
class Recipe:
    """The parts of a loader that its shards and splits share.

    Attributes:
        pack: Builds the structure of a batch from its columns.
        class_names: Names of the labels 0, 1, ..., or None.
        steps: Functions applied to each packed batch, in order, in the consumer's thread.
        overlap: The samples that share rows, or None.
        kind: Kind of the loader's states: one of `loader.state.SAMPLES`.
        column_names: Names of the columns of the table that the first part of a batch is made of, or None.
        files: The encoded samples, whose names are the loader's `paths`, or None.
        labels: The label of each sample of the source, or None.
        index_column: Makes the last column, from the index of each sample of the source; None: no `with_index`.
    """

    implementation: Implementation
    columns: tuple[Column, ...]
    pack: Pack
    options: EngineOptions
    class_names: tuple[str, ...] | None = None
    steps: tuple[Step, ...] = ()
    kind: str = "arrays"
    overlap: Overlap | None = None
    column_names: tuple[str, ...] | None = None
    files: SampleSource | None = None
    labels: Any = None
    index_column: Callable[[np.ndarray[Any, Any]], Column] | None = None
