# SPDX-License-Identifier: MIT
"""The loader of numbered samples: rows, images, windows, tokens. An engine makes its batches from columns."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from fastbatch.batch.column import dataset_fingerprint, for_evaluation
from fastbatch.calls import public_class
from fastbatch.checks import n_of
from fastbatch.mapped import elements
from fastbatch.plan.plan import Plan
from fastbatch.plan.subset import Overlap

from . import fork as process
from .bad_samples import Allowance
from .engine import BatchPlan, Engine, Recipe, Run
from .keras_batch import without_index
from .loader import Loader
from .map import BatchInfo, Step
from .masked import AppendMask, mask_as_weights
from .run import Progress
from .slow import thread_state
from .state import State, checked_position

Self = TypeVar("Self", bound="SampleLoader")

_OF_THIS_PROCESS = ("_engine_", "_engine_process", "_finalizer")


@public_class
class SampleLoader(Loader):
    """Batches of numbered samples, as returned by `arrays`, `images`, `windows` and `tokens`.

    It has all methods of `Loader`. Positions in its states are numbers of samples, over all ranks.

    Args:
        recipe, plan: The columns, their structure and steps; the order. Users call the functions above instead.

    Raises:
        OSError, DecodeError: By `next()`: a sample cannot be read or decoded, unless `on_error` says otherwise.
        ClosedError: By `iter()` and `next()`, after `close()`.

    Threads: any thread may use a loader; an iterator that several threads share gives each batch to one of them.
    Fork: works in the child, which starts its own threads.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.images("photos/train", size=64, batch_size=16)
        >>> loader.n_samples, loader.batch_size, len(loader), loader.class_names
        (96, 16, 6, ('cat', 'dog', 'owl'))
        >>> loader
        Loader(96 samples of float32 (3, 64, 64), int64 (), batch_size=16, epoch=0)

    Source: `csrc/loader/loader.cpp`.
    """

    _deals_samples = True
    _engine_: Engine | None = None
    _engine_process: object = None  # process that made the engine
    _finalizer: weakref.finalize[Any, Any] | None = None
    _fingerprint: str | None = None

    def __init__(self, recipe: Recipe, plan: Plan) -> None:
        self._recipe = recipe
        self._plan: Plan = plan

    # ---- attributes ----------------------------------------------------------------------------------------------

    @property
    def recipe(self) -> Recipe:
        """The columns, their structure and the steps of the loader, for modules that build another loader from them."""
        return self._recipe

    @property
    def plan(self) -> Plan:
        """The order and the batches of the loader, for modules that build another loader from them."""
        return self._plan

    @property
    def n_samples(self) -> int:
        """Number of samples in an epoch, over all ranks, before `take` and `skip`."""
        return self._plan.n

    @property
    def batch_size(self) -> int:
        """Samples in a full batch."""
        return self._plan.batch_size

    @property
    def seed(self) -> int:
        """The seed of the order and of all random draws."""
        return self._plan.seed

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the labels 0, 1, ..., or None."""
        return self._recipe.class_names

    @property
    def column_names(self) -> tuple[str, ...] | None:
        """Names of the columns, if the (first) data are a table, a data frame or a CSV file of `csv`; or None."""
        return self._recipe.column_names

    @property
    def classes(self) -> list[str] | None:
        """`class_names` as a list, as torchvision's data sets have it, or None."""
        names = self.class_names
        return None if names is None else list(names)

    @property
    def class_to_idx(self) -> dict[str, int] | None:
        """The number of each class by its name, as torchvision's data sets have it, or None."""
        names = self.class_names
        return None if names is None else {name: i for i, name in enumerate(names)}

    @property
    def paths(self) -> list[str] | None:
        """The file (or the name in memory) of each sample, before shuffling; None if samples have no names.

        After `split` and `select`, and on a shard, those of the loader's samples over all ranks, as in `n_samples`.
        """
        files = self._recipe.files
        if files is None or (len(files) and files.name(0) is None):
            return None
        return [str(files.name(i)) for i in self._places(self._plan).tolist()]

    @property
    def labels(self) -> np.ndarray[Any, Any] | None:
        """The label of each sample, in the order of `paths`; None if the second part of a batch is not one array."""
        given = self._recipe.labels
        if given is None:
            return None
        labels: np.ndarray[Any, Any] = elements(given)[self._places(self._plan)]
        return labels

    def __repr__(self) -> str:
        plan = self._plan
        columns = ", ".join(f"{column.dtype} {column.shape}" for column in self._recipe.columns)
        parts = [f"{n_of(plan.n, 'sample')} of {columns}", f"batch_size={plan.batch_size}"]
        name = "Loader" if type(self) is SampleLoader else type(self).__name__
        return f"{name}({', '.join(parts + self._order_shown())})"

    # ---- order ---------------------------------------------------------------------------------------------------

    def _with_plan(self: Self, plan: Plan) -> Self:
        recipe = self._recipe
        if recipe.index_column is not None and plan.subsets is not self._plan.subsets:
            indices = np.full(plan.n_source, -1)
            places = self._places(plan)
            indices[places[::-1]] = np.arange(len(places))[::-1]  # of equal samples, the first one counts
            recipe = replace(recipe, columns=(*recipe.columns[:-1], recipe.index_column(indices)))
        return self._derive(plan, recipe)

    def _places(self, plan: Plan) -> np.ndarray[Any, Any]:
        """Return the samples of the source that a plan has, before shuffling."""
        if not plan.subsets:
            return np.arange(plan.n_source)
        n = plan.n_items
        whole = Plan(plan.n_source, batch_size=max(n, 1), subsets=plan.subsets)
        return self._recipe.implementation.indices(whole, 0, 0, 0).astype(np.intp) if n else np.empty(0, np.intp)

    def _with_steps(self: Self, steps: tuple[Step, ...]) -> Self:
        return self._derive(self._plan, replace(self._recipe, steps=steps))

    def _derive(self: Self, plan: Plan, recipe: Recipe) -> Self:
        """Return a loader of the same class; subclasses add their attributes."""
        return type(self)(recipe, plan)

    def _overlap(self) -> Overlap | None:
        return self._recipe.overlap

    def _for_evaluation(self: Self) -> Self:
        recipe = self._recipe
        steps = tuple(step.for_evaluation() for step in recipe.steps)
        columns = tuple(for_evaluation(column) for column in recipe.columns)
        if steps == recipe.steps and all(new is old for new, old in zip(columns, recipe.columns, strict=True)):
            return self
        return self._derive(self._plan, replace(recipe, steps=steps, columns=columns))

    def _numbered_plan(self, verb: str) -> Plan:
        return self._plan

    # ---- restart -------------------------------------------------------------------------------------------------

    def _kind(self) -> str:
        return self._recipe.kind

    def _state(self, epoch: int, position: int) -> State:
        return State(self._kind(), self._plan.seed, epoch, position, self._order(), self._dataset())

    def _load(self, state: State) -> None:
        checked_position(state.position, self._plan.n, self._kind())
        state.refuse_other(self._kind(), self._order(), self._dataset())
        self._plan = replace(self._plan, seed=state.seed)
        self._go_to(state.epoch, state.position)

    def _order(self) -> str:
        """Return the options that determine the order besides seed, epoch and data, in one line."""
        return self._plan.order()

    def _dataset(self) -> str:
        if self._fingerprint is None:
            columns = self._recipe.columns
            self._fingerprint = dataset_fingerprint(columns[:-1] if self._recipe.index_column else columns)
        return self._fingerprint

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in super().__getstate__().items() if key not in _OF_THIS_PROCESS}

    def _for_keras(self, batch: Any) -> Any:
        mask = None
        if self._plan.tail == "mask":
            *parts, mask = batch
            batch = tuple(parts) if len(parts) > 1 else parts[0]
        if self._recipe.index_column is not None:
            batch = without_index(batch, has_changed=bool(self._steps))
        return super()._for_keras(batch if mask is None else mask_as_weights(batch, mask))

    # ---- work ----------------------------------------------------------------------------------------------------

    @property
    def _pack(self) -> Any:
        return self._recipe.pack

    @property
    def _steps(self) -> tuple[Step, ...]:
        return self._recipe.steps

    def _last_steps(self) -> tuple[Step, ...]:
        if self._plan.tail != "mask":
            return ()
        return (Step(AppendMask(self._plan.n, self._plan.batch_size), each_sample=False, takes_info=True),)

    def _batches_from(self, position: int) -> int:
        return self._batch_plan(self._plan, position).n_batches

    def _batches_left(self, progress: Progress) -> int:
        return self._batch_plan(progress.plan, progress.start).n_batches - progress.batches

    def _position_of(self, progress: Progress) -> int:
        return self._batch_plan(progress.plan, progress.start).position_after(progress.batches)

    def _batch_info(self, progress: Progress, number: int) -> tuple[BatchInfo, int]:
        plan = progress.plan
        position = progress.start + number * plan.batch_size * plan.world_size + plan.rank
        number += plan.batches_before(progress.start)
        return BatchInfo(plan.seed, progress.epoch, number, position, plan.world_size), plan.world_size

    def _counted(self) -> dict[str, Any]:
        return self._engine().stats()

    def _recorded_engine(self) -> Engine:
        return self._engine()

    def _make_allowance(self, progress: Progress) -> Allowance | None:
        plan = progress.plan
        if plan.on_error == "raise":
            return None
        most = plan.max_bad
        if isinstance(most, float):
            most = int(most * self._batch_plan(plan, plan.first_position).n_samples)
        return Allowance(most)

    def close(self) -> None:
        """Stop all work and join the threads. Iterators raise ClosedError from then on. May be called twice."""
        self._closed = True
        if self._finalizer is not None:
            self._finalizer()

    def _engine(self) -> Engine:
        """Return the engine of this process. A forked child makes its own, since threads do not survive a fork."""
        if self._engine_ is None or self._engine_process is not process.current:
            recipe = self._recipe
            self._engine_ = recipe.implementation.engine(recipe.columns, self._plan, recipe.options)
            self._engine_process = process.current
            self._finalizer = weakref.finalize(self, self._engine_.close)
        return self._engine_

    def _batch_plan(self, plan: Plan, position: int) -> BatchPlan:
        return self._recipe.implementation.batch_plan(plan, position)

    def _start(self, progress: Progress) -> Run:
        return self._engine().start(progress.plan, progress.epoch, progress.start)

    def _under_way(self, run: Run, progress: Progress) -> list[str]:
        found = []
        for stage, number, first, count, thread in run.under_way():
            arguments = (progress.plan, progress.epoch, progress.start, number)
            indices = self._recipe.implementation.indices(*arguments)[first : first + count].tolist()
            files = self._recipe.files
            names = [] if files is None or stage != "decode" else [files.name(i) for i in indices[:1]]
            file = f", {names[0]}" if names and names[0] is not None else ""
            if not indices:
                continue
            samples = f"sample {indices[0]}" if count == 1 else f"{count} samples from {indices[0]} on"
            state = thread_state(thread)
            found.append(f"{stage}: {samples}{file}{f' ({state})' if state else ''}")
        return found

    def _verify(self, progress: Progress) -> None:
        if self._engine_ is not None:
            self._engine_.verify()

    def _leave(self, run: Run) -> None:
        """Do nothing: a run of an engine ends when it is dropped."""
