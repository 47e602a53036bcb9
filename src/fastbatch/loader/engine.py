# SPDX-License-Identifier: MIT
"""The protocols between a loader of samples and an implementation: engines that make batches, runs over an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from fastbatch.batch.column import Column
from fastbatch.batch.tree import Pack
from fastbatch.plan.plan import Plan
from fastbatch.plan.subset import Overlap

from .bad_samples import Bad
from .map import Step


class Run(Protocol):
    """One pass over an epoch from some position on: `loader.run.Run` with columns. Dropping it ends the work ahead.

    Threads: any may call `next`; each batch goes to one of them.
    """

    def next(self) -> tuple[int, list[np.ndarray[Any, Any]], Sequence[Bad]] | Literal[False] | None:
        """Return the batch's number in this run, its columns and its bad samples, in order.

        None after the last batch; False when the loader was closed. A batch whose samples are all skipped is empty.
        """


class Engine(Protocol):
    """Makes batches of some columns: threads in native code, or a plain generator. Threads: any."""

    def start(self, plan: Plan, epoch: int, position: int) -> Run:
        """Begin a run at a position of an epoch."""

    def stats(self) -> dict[str, Any]:
        """Return counters, with keys of `loader.counters.NO_STATS`."""

    def close(self) -> None:
        """End all work. `next` of its runs returns False from now on."""


class BatchPlan(Protocol):
    """How the rest of an epoch falls into batches. Immutable."""

    @property
    def n_batches(self) -> int: ...
    @property
    def n_samples(self) -> int: ...
    def position_after(self, k: int) -> int: ...


class Implementation(Protocol):
    """One way of doing the work: `fastbatch` and `fastbatch.pure` are the two. Threads: any."""

    def batch_plan(self, plan: Plan, position: int) -> BatchPlan: ...
    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> Engine: ...


@dataclass(frozen=True)
class EngineOptions:
    """Options that change speed and memory only, never which batches come.

    Attributes:
        threads: None takes the CPUs that this process may use.
        prefetch: Batches in work or ready; None takes as many as fit 4 MB, 2 to 16.
        prefetch_bytes: Most memory they may take together, or None.
    """

    threads: int | None = None
    prefetch: int | None = None
    prefetch_bytes: int | None = None


@dataclass(frozen=True)
class Recipe:
    """What a loader is made from, and what its shards and splits share.

    Attributes:
        pack: Puts the columns of a batch into the structure that the user gave.
        class_names: Names of the labels 0, 1, ..., if there are any.
        steps: Functions applied to each packed batch, in order, by the thread that asks for it.
        overlap: The samples that share rows, or None.
        kind: Of the states of its loaders: one of `loader.state.SAMPLES`.
    """

    implementation: Implementation
    columns: tuple[Column, ...]
    pack: Pack
    options: EngineOptions
    class_names: tuple[str, ...] | None = None
    steps: tuple[Step, ...] = ()
    kind: str = "arrays"
    overlap: Overlap | None = None
