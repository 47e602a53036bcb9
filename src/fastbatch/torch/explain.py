# SPDX-License-Identifier: MIT
"""The table that says which parts of a loader run natively, which in Python, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch.utils.data import default_collate
from torch.utils.data.dataloader import _DatasetKind

from fastbatch.checks import n_of

from .batches import NativeIter, batches_read_ahead
from .engine import collate_reason, dataset_reason, native_of
from .image_batches import ImageIter, image_work_of
from .image_sets import image_set
from .iterable import LoaderIter
from .order import known_order
from .sharded import ShardedBatches
from .tensors import NotNative
from .threads import ThreadIter
from .transforms import name_of


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        part: Of the loader: "dataset", "transform", "order", "random", "collate_fn", "batches".
        runs: "native", "python" (what follows native steps), "threads" (of Python), or "torch": unchanged.
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
    if kind is ImageIter:
        return _images(loader)
    rows = [_row("dataset", _dataset, loader), _row("collate_fn", collate_reason, loader)]
    if kind is NativeIter:
        rows += [_order(loader), Row("batches", "native", n_of(native_of(loader).gather.threads, "thread"))]
    elif kind is ThreadIter:
        ahead = n_of(ThreadIter.batches_ahead(loader), "batch", "batches")
        rows.append(Row("order", "torch", f"{type(loader._plain_index_sampler).__name__}, read {ahead} ahead"))
        rows.append(Row("batches", "threads", n_of(ThreadIter.n_threads(loader), "thread") + " of Python"))
    else:
        rows.append(Row("order", "torch", "as torch reads it"))
        rows.append(Row("batches", "torch", f"{_processes(loader)}: {_why_not(loader)}"))
    return Explanation(rows)


def _dataset(loader: Any) -> str:
    """Return what is known of the dataset, or raise NotNative."""
    if loader._dataset_kind == _DatasetKind.Map and image_set(loader.dataset) is not None:
        return f"images of {type(loader.dataset).__name__}"
    return dataset_reason(loader)


def _images(loader: Any) -> Explanation:
    work = image_work_of(loader)
    assert work is not None
    rows = image_rows(work)
    runs_python = work.has_rest or loader.collate_fn is not default_collate
    is_ahead = loader.num_workers > 0 or loader.rng == "philox" or not (work.recipe.draws or runs_python)
    collated = _row("collate_fn", collate_reason, loader)
    rows += [replace(collated, runs="python") if collated.runs == "torch" else collated, _order(loader, is_ahead)]
    if work.recipe.draws:
        rows.append(Row("random", "native", _random(loader)))
    pixels = "torchvision's pixels" if loader.exact else "exact=False"
    rows.append(Row("batches", "native", f"{n_of(work.drawn.threads, 'thread')}, {pixels}"))
    return Explanation(rows)


def image_rows(work: Any) -> list[Row]:
    """Return the rows of a dataset of images and of its transforms."""
    images, recipe = work.images, work.recipe
    n = images.n_rows if images.rows is None else len(images.rows)
    kind = "files" if images.size is None else f"images of an array, {images.size[0]} x {images.size[1]}"
    rows = [Row("dataset", "native", f"{images.name}: {n} {kind}")]
    if recipe.steps:
        rows.append(Row("transform", "native", recipe.names()))
    if recipe.rest:
        rows.append(Row("transform", "python", f"{', '.join(map(name_of, recipe.rest))}: {recipe.why}"))
    if images.target_transform is not None:
        rows.append(Row("target", "python", name_of(images.target_transform)))
    return rows


def _random(loader: Any) -> str:
    if loader.rng == "philox":
        return "a Philox stream per sample"
    if loader.num_workers == 0:
        return "torch's default generator, at each next()"
    return f"the generators of {n_of(loader.num_workers, 'worker')}, as torch would seed them"


def _order(loader: Any, is_ahead: bool = True) -> Row:
    sampler = loader._plain_index_sampler
    order = known_order(sampler)
    if order is not None:
        return Row("order", "native", f"{order.name}, known at the first batch{': gathered ahead' * is_ahead}")
    ahead = batches_read_ahead(loader)
    batches = n_of(ahead, "batch", "batches")
    if isinstance(sampler, ShardedBatches):
        how = f"{'shuffled' if sampler.is_shuffled else 'in order'}, rank {sampler.rank} of {sampler.world_size}"
        return Row("order", "native", f"{how}{f': gathered {batches} ahead' * is_ahead}")
    when = f"{batches} ahead" if ahead else "at each next()"
    return Row("order", "torch", f"{type(sampler).__name__}, read {when}")


def _processes(loader: Any) -> str:
    return n_of(loader.num_workers, "process", "processes") if loader.num_workers else "in this process"


def _why_not(loader: Any) -> str:
    try:
        image_work_of(loader)
        native_of(loader)
    except NotNative as why:
        return str(why)
    return "unknown"


def _row(part: str, reason: Callable[[Any], str], loader: Any) -> Row:
    try:
        return Row(part, "native", reason(loader))
    except NotNative as why:
        return Row(part, "torch", str(why))
