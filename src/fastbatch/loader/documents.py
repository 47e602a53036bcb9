# SPDX-License-Identifier: MIT
"""The loader of batches of documents of different lengths, as `documents` returns it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, Protocol, TypeVar

import numpy as np

from fastbatch.batch.column import dataset_fingerprint
from fastbatch.plan.batch_range import EVERY_BATCH
from fastbatch.plan.buckets import Buckets
from fastbatch.plan.plan import Plan

from .bucketed import AppendDocumentMask
from .engine import Recipe
from .map import BatchInfo, Step
from .run import Progress
from .samples import SampleLoader

Self = TypeVar("Self", bound="DocumentLoader")
Array = np.ndarray[Any, Any]


class Batching(Protocol):
    """What makes batches of some of the documents. Immutable.

    Attributes:
        n: Number of all documents.
        drop_last: Omit the smaller last batch of each bucket.
        is_padded: Rows of equal length; otherwise the documents one after another.
        labels: The label of each document, or None.
    """

    @property
    def n(self) -> int: ...
    @property
    def drop_last(self) -> bool: ...
    @property
    def is_padded(self) -> bool: ...
    @property
    def labels(self) -> Array | None: ...
    def make(self, items: Array, plan: Plan) -> tuple[Recipe, Buckets]:
        """Return the columns and the batches of the documents `items`."""

    def changed(self, **fields: bool) -> Batching:
        """Return the same with other fields."""

    def order(self) -> str:
        """Return the options that determine the batches, in one line."""


class DocumentLoader(SampleLoader):
    """Batches of documents of similar length. To its engine a sample is a whole batch.

    Positions in its states are numbers of batches, over all ranks; `n_samples`, `split` and `select` count documents.
    """

    def __init__(self, recipe: Recipe, plan: Plan, batching: Batching, items: Array, buckets: Buckets) -> None:
        super().__init__(recipe, plan)
        self._batching = batching
        self._items = items
        self._buckets = buckets

    @classmethod
    def of(cls: type[Self], batching: Batching, items: Array, plan: Plan) -> Self:
        """Return the loader of the documents `items`.

        Args:
            plan: Order and shard of the batches; their number is filled in.
        """
        if plan.tail == "mask" and batching.drop_last:
            raise ValueError("drop_last: expected False with tail='mask', which fills the last batch up, found True")
        recipe, buckets = batching.make(items, plan)
        return cls(recipe, replace(plan, n_source=buckets.n_batches), batching, items, buckets)

    @property
    def n_samples(self) -> int:
        """Number of documents, over all ranks, with those that `drop_last` omits."""
        return len(self._items)

    @property
    def batch_size(self) -> int:
        """Documents in the largest batch."""
        return self._buckets.max_rows

    @property
    def labels(self) -> Array | None:
        """The label of each document, before shuffling, or None."""
        labels = self._batching.labels
        return None if labels is None else labels[self._items]

    def __repr__(self) -> str:
        plan = self._plan
        parts = [f"{self.n_samples} documents in {plan.n} batches of at most {self.batch_size}"]
        return f"Loader({', '.join(parts + self._order_shown())})"

    def map(self: Self, function: Callable[..., Any], *, each: Literal["batch", "sample"] = "batch") -> Self:
        """Return a loader whose batches are the results of `function`: see `Loader.map`.

        Raises:
            TypeError: `each="sample"` of ragged batches, which have no rows.
        """
        if each == "sample" and not self._batching.is_padded:
            raise TypeError("map: each='sample' needs rows; ragged batches have none")
        return super().map(function, each=each)

    # ---- order ---------------------------------------------------------------------------------------------------

    def _numbered_plan(self, verb: str) -> Plan:
        return replace(self._plan, n_source=len(self._items), drop_last=self._batching.drop_last)

    def _with_plan(self: Self, plan: Plan) -> Self:
        if plan.subsets:  # of documents, by `split` or `select`
            items = self._items[self._places(plan)]
            batching = self._batching.changed(drop_last=plan.drop_last)
            return self._remade(batching, items, replace(self._plan, shuffle=plan.shuffle))
        if (plan.tail == "mask") != (self._plan.tail == "mask"):
            return self._remade(self._batching, self._items, plan)
        return self._derive(plan, self._recipe)

    def _remade(self: Self, batching: Batching, items: Array, plan: Plan) -> Self:
        made = type(self).of(batching, items, plan)
        return made._derive(made._plan, replace(made._recipe, steps=self._recipe.steps))

    def _derive(self: Self, plan: Plan, recipe: Recipe) -> Self:
        return type(self)(recipe, plan, self._batching, self._items, self._buckets)

    def _copy_for_preview(self: Self) -> Self:
        batching = self._batching.changed(is_padded=True)
        made = self._remade(batching, self._items, self._plan)
        made._go_to(*self._reached())
        return made.take(1)  # rows of different batches differ in length

    def _order(self) -> str:
        is_whole = np.array_equal(self._items, np.arange(self._batching.n))
        chosen = "" if is_whole else f"; {_digest(self._items)}"
        return f"{super()._order()}; {self._batching.order()}{chosen}"

    def _dataset(self) -> str:
        if self._fingerprint is None:
            self._fingerprint = dataset_fingerprint(self._recipe.columns[:1])
        return self._fingerprint

    # ---- work ----------------------------------------------------------------------------------------------------

    def _last_steps(self) -> tuple[Step, ...]:
        if self._plan.tail != "mask":
            return ()
        whole = replace(self._plan, rank=0, world_size=1, tail="pad", batches=EVERY_BATCH)
        b = self._buckets
        mask = AppendDocumentMask(self._recipe.implementation, whole, b.counts, b.rows, b.max_rows)
        return (Step(mask, each_sample=False, takes_info=True),)

    def _batch_info(self, progress: Progress, number: int) -> tuple[BatchInfo, int]:
        info, _ = super()._batch_info(progress, number)
        return replace(info, position=info.position * self._buckets.max_rows), 1


def _digest(items: Array) -> str:
    import hashlib  # slow to import, and only states need it

    return f"{len(items)} listed {hashlib.blake2b(items.astype('<u8').tobytes(), digest_size=8).hexdigest()}"
