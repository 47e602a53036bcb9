# SPDX-License-Identifier: MIT
"""The engine: wraps the core's loader and converts plans to the core's objects."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastbatch import _core
from fastbatch.batch.column import parts_of, verify_columns
from fastbatch.plan.sampling import cumulative, listed
from fastbatch.plan.subset import Selection, Subset

from .columns import ArrayColumn, ImageColumn
from .lazy_loader import close_loader

if TYPE_CHECKING:
    from fastbatch.loader.engine import EngineOptions
    from fastbatch.plan.plan import Plan


class NativeEngine:
    """The core's loader in one process. FASTBATCH_READAHEAD=0 in the environment disables its readahead advice."""

    def __init__(self, columns: Sequence[Any], plan: Plan, options: EngineOptions) -> None:
        if plan.is_random_access:
            for column in columns:
                expect_random_access(column)
        self._columns = columns
        self._may_be_bad = plan.on_error != "raise"
        self._loader = _core.Loader(
            [column.decoder for column in columns],
            [column.dtype for column in columns],
            [column.shape for column in columns],
            options.threads or _core.available_cpus(),
            max(1, min(plan.batch_size, plan.n)),
            options.prefetch or 0,
            options.prefetch_bytes or 0,
            advise=os.environ.get("FASTBATCH_READAHEAD") != "0",
            on_error=plan.on_error,
        )

    def start(self, plan: Plan, epoch: int, position: int) -> _core.Run:
        self.verify()
        return self._loader.start(core_order(plan, epoch), core_batch_plan(plan, position), plan.seed, epoch)

    def verify(self) -> None:
        """Raise FormatError if a mapped file was written to since it was opened."""
        verify_columns(self._columns, self._may_be_bad)

    def stats(self) -> dict[str, Any]:
        inner = [getattr(column, "inner", column) for column in self._columns]
        images = [column.decoder for column in inner if isinstance(column, ImageColumn)]
        return {
            **self._loader.stats(),
            "through_pillow": sum(decoder.through_pillow for decoder in images),
            "jpeg_own": sum(decoder.jpeg_own for decoder in images),
            "jpeg_library": sum(decoder.jpeg_library for decoder in images),
        }

    def close(self) -> None:
        close_loader(self._loader)


def expect_random_access(column: Any) -> None:
    """Tell the arrays of a column that their rows are read in random order."""
    if isinstance(column, ArrayColumn):
        column.expect_random_access()
    for inside in parts_of(column):
        expect_random_access(inside)


def core_order(plan: Plan, epoch: int) -> _core.Order:
    """Return the core's object for the order of an epoch."""
    subsets = [core_subset(part) for part in plan.subsets]
    kind = "block" if plan.shuffle == "block" else "full" if plan.shuffle else "none"
    if plan.draw is None:
        return _core.Order(plan.n_source, subsets, kind, plan.block_size, plan.window, plan.seed, epoch)
    plain = _core.Order(plan.n_source, subsets, "none", 1, 1, 0, 0)
    weights = plan.draw.of_items(plan.subsets, plan.n_items, plain.at)
    if plan.draw.replacement or plan.n == 0:
        drawn: dict[str, Any] = {"cumulative": cumulative(weights)}
    else:
        drawn = {"listed": listed(weights, plan.seed, epoch, plan.n)}
    return _core.Order(plan.n_source, subsets, "none", 1, 1, plan.seed, epoch, plan.n, **drawn)


def core_subset(subset: Subset | Selection) -> tuple[bool, int, int, int, int] | tuple[int, _core.IndexList]:
    """Return the core's form of a part of the data; a list of indices is copied once, and shared by all epochs."""
    if isinstance(subset, Subset):
        return subset.shuffled, subset.seed, subset.n, subset.start, subset.count
    if subset.core is None:
        subset.core = _core.IndexList(subset.items)
    return subset.n, subset.core


def core_batch_plan(plan: Plan, position: int) -> _core.BatchPlan:
    """Return the core's batch plan for the rest of an epoch."""
    return _core.BatchPlan(
        plan.n,
        position,
        plan.rank,
        plan.world_size,
        plan.tail,
        plan.batch_size,
        plan.drop_last,
        plan.max_batches(position),
    )
