# SPDX-License-Identifier: MIT
"""The table that says which parts of a loader run natively, which in Python, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .batches import NativeIter, batches_read_ahead
from .engine import collate_reason, dataset_reason, native_of
from .iterable import LoaderIter
from .order import known_order
from .sharded import ShardedBatches
from .tensors import NotNative
from .threads import ThreadIter


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        part: Of the loader: "dataset", "order", "collate_fn", "batches".
        runs: "native", "threads" (of Python), or "torch": unchanged.
        why: In words.
    """

    part: str
    runs: str
    why: str


class Explanation(tuple[Row, ...]):
    """Rows, printed as a table.

    `explanation["dataset"]` is the row of that part; `explanation.native` says whether batches are made natively.
    """

    def __getitem__(self, key: Any) -> Any:
        """Return a row by its number, or by its part's name."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        for row in self:
            if row.part == key:
                return row
        raise KeyError(key)

    @property
    def native(self) -> bool:
        """Whether the core makes the batches."""
        return bool(self["batches"].runs == "native")

    def __repr__(self) -> str:
        rows = [("part", "runs", "why"), *((row.part, row.runs, row.why) for row in self)]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        return "\n".join(f"{part:{widths[0]}}  {runs:{widths[1]}}  {why}" for part, runs, why in rows)


def explain(loader: Any, kind: type[Any] | None) -> Explanation:
    """Return the table of a loader whose iterator is of this kind; None: torch's own."""
    if kind is LoaderIter:
        made = Row("dataset", "native", f"{type(loader.dataset.loader).__name__} of fastbatch")
        collated = Row("collate_fn", "torch", "called with each batch")
        return Explanation((made, collated, Row("batches", "native", "the loader's own threads")))
    rows = [_row("dataset", dataset_reason, loader), _row("collate_fn", collate_reason, loader)]
    if kind is NativeIter:
        rows += [_order(loader), Row("batches", "native", f"{native_of(loader).gather.threads} threads")]
    elif kind is ThreadIter:
        ahead = ThreadIter.batches_ahead(loader)
        rows.append(Row("order", "torch", f"{type(loader._plain_index_sampler).__name__}, read {ahead} batches ahead"))
        rows.append(Row("batches", "threads", f"{ThreadIter.n_threads(loader)} threads of Python"))
    else:
        rows.append(Row("order", "torch", "as torch reads it"))
        rows.append(Row("batches", "torch", f"{_processes(loader)}: {_why_not(loader)}"))
    return Explanation(rows)


def _order(loader: Any) -> Row:
    sampler = loader._plain_index_sampler
    order = known_order(sampler)
    if order is not None:
        return Row("order", "native", f"{order.name}, known at the first batch: gathered ahead")
    ahead = batches_read_ahead(loader)
    if isinstance(sampler, ShardedBatches):
        shuffled = "shuffled" if sampler.is_shuffled else "in order"
        why = f"{shuffled}, rank {sampler.rank} of {sampler.world_size}: gathered {ahead} batches ahead"
        return Row("order", "native", why)
    when = f"{ahead} batches ahead" if ahead else "at each next()"
    return Row("order", "torch", f"{type(sampler).__name__}, read {when}")


def _processes(loader: Any) -> str:
    return f"{loader.num_workers} processes" if loader.num_workers else "in this process"


def _why_not(loader: Any) -> str:
    try:
        native_of(loader)
    except NotNative as why:
        return str(why)
    return "unknown"


def _row(part: str, reason: Callable[[Any], str], loader: Any) -> Row:
    try:
        return Row(part, "native", reason(loader))
    except NotNative as why:
        return Row(part, "torch", str(why))
