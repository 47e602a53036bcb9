# SPDX-License-Identifier: MIT
"""The engine: wraps the core's loader and converts plans to the core's objects."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch import _core
from fastbatch.batch.column import parts_of, verify_columns
from fastbatch.errors import FastbatchError
from fastbatch.plan.mixture import Mixture
from fastbatch.plan.sampling import cumulative, listed
from fastbatch.plan.subset import Selection, Subset

from .columns import ArrayColumn, ImageColumn, MaskColumn
from .lazy_loader import close_loader

if TYPE_CHECKING:
    from fastbatch.loader.engine import EngineOptions
    from fastbatch.plan.mixture import Pairing
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
            plan.largest_batch,
            options.prefetch or 0,
            options.prefetch_bytes or 0,
            advise=os.environ.get("FASTBATCH_READAHEAD") != "0",
            on_error=plan.on_error,
        )

    def start(self, plan: Plan, epoch: int, position: int) -> Any:
        self.verify()
        order, batches = core_order(plan, epoch), core_batch_plan(plan, position)
        if "fastbatch.native.stores" in sys.modules:
            self._forget_errors()
        run = self._loader.start(order, batches, plan.seed, epoch)
        if "fastbatch.native.stores" not in sys.modules:
            return run
        return self._ahead(run, (order, batches), plan, epoch)

    def _forget_errors(self) -> None:
        """Try blocks of objects in stores again that have failed in an earlier epoch."""
        from .stores import forget_errors

        forget_errors()

    def _ahead(self, run: _core.Run, now: tuple[_core.Order, _core.BatchPlan], plan: Plan, epoch: int) -> Any:
        """Return a run that asks for blocks of objects in stores ahead, if there are any."""
        from .ahead import AheadRun

        decoders = [column.decoder for column in self._columns]
        try:
            if len(_core.block_uses(decoders, *now, 0, 1)) == 0:
                return run
        except (FastbatchError, OSError):  # of a row group that is loaded ahead; its batch has the error
            return run
        try:
            after = core_order(plan, epoch + 1), core_batch_plan(plan, 0)
        except ValueError:  # of a mixture, which may have a last epoch
            after = None
        return AheadRun(run, decoders, now, after)

    def verify(self) -> None:
        """Raise FormatError if a mapped file was written to since it was opened."""
        verify_columns(self._columns, self._may_be_bad)

    def stats(self) -> dict[str, Any]:
        inner = list(innermost(self._columns))
        images = [column.decoder for column in inner if isinstance(column, ImageColumn)]
        jpegs = [column.decoder for column in inner if isinstance(column, ImageColumn | MaskColumn)]
        return {
            **self._loader.stats(),
            "through_pillow": sum(decoder.through_pillow for decoder in images),
            "jpeg_own": sum(decoder.jpeg_own for decoder in jpegs),
            "jpeg_library": sum(decoder.jpeg_library for decoder in jpegs),
            "jpeg_indexed": sum(decoder.jpeg_indexed for decoder in images),
        }

    def start_recording(self, events_per_thread: int) -> None:
        self._loader.start_recording(events_per_thread)

    def stop_recording(self) -> tuple[np.ndarray[Any, Any], int]:
        return self._loader.stop_recording()

    def close(self) -> None:
        close_loader(self._loader)


def innermost(columns: Iterable[Any]) -> Iterator[Any]:
    """Yield columns, and in place of those that are made of others, these."""
    for column in columns:
        parts = parts_of(column)
        yield from innermost(parts) if parts else [column]


def expect_random_access(column: Any) -> None:
    """Tell the arrays of a column that their rows are read in random order."""
    if isinstance(column, ArrayColumn):
        column.expect_random_access()
    for inside in parts_of(column):
        expect_random_access(inside)


def core_order(plan: Plan, epoch: int) -> _core.Order:
    """Return the core's object for the order of an epoch."""
    subsets = [core_subset(part) for part in plan.subsets]
    mixture = None if plan.mixture is None else core_mixture(plan.mixture, epoch)
    kind = "block" if plan.shuffle == "block" else "full" if plan.shuffle else "none"
    if plan.draw is None:
        blocks = plan.item_blocks if kind == "block" else None
        ends = None if blocks is None else blocks.ends
        order = (kind, plan.block_size, plan.window, plan.seed, epoch)
        return _core.Order(plan.n_source, subsets, *order, block_ends=ends, mixture=mixture)
    plain = _core.Order(plan.n_source, subsets, "none", 1, 1, 0, 0)
    weights = plan.draw.of_items(plan.subsets, plan.n_items, plain.at)
    if plan.draw.replacement or plan.n == 0:
        drawn: dict[str, Any] = {"cumulative": cumulative(weights)}
    else:
        drawn = {"listed": listed(weights, plan.seed, epoch, plan.n)}
    return _core.Order(plan.n_source, subsets, "none", 1, 1, plan.seed, epoch, plan.n, **drawn, mixture=mixture)


def core_mixture(mixture: Mixture | Pairing, epoch: int) -> _core.Mixture:
    """Return the core's object for a mixture that serves an epoch."""
    assert isinstance(mixture, Mixture)  # the parts of a pairing have their own engines
    mixture.refuse_epoch(epoch)
    orders = [core_order(plan, 0) for plan in mixture.plans]
    return _core.Mixture(list(zip(orders, mixture.firsts, strict=True)), np.array(mixture.turns(), "u8"), mixture.n)


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
