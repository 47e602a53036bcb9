# SPDX-License-Identifier: MIT
"""The loader that users hold: epochs, restart, shards, splits. How batches are made is its engine's business."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, SupportsIndex

from fastbatch.batch.column import dataset_fingerprint
from fastbatch.checks import whole
from fastbatch.errors import ClosedError, StateError, reading_state
from fastbatch.plan.plan import MAX_SEED, Plan

from . import fork as process
from .bad_samples import BadSample, Budget, Report
from .engine import BatchPlan, Engine, Recipe, Run
from .epoch import Epoch, Progress
from .map import make_step
from .resumable import EpochCounter

STATE_VERSION = 1


class Loader(EpochCounter):
    """Batches of a data set. Every `for` is one full epoch, freshly shuffled when `shuffle` was asked for.

    Batch `k` of epoch `e` depends on the data, the options, the seed, `e` and `k` alone. The arrays are the user's:
    nothing writes to them again.

    Threads: any thread may use a loader; an iterator that several threads share gives each batch to one of them.
    Fork: works in the child, which starts threads of its own.
    """

    _start_of_epoch = 0  # places are global positions

    def __init__(self, recipe: Recipe, plan: Plan) -> None:
        super().__init__()
        self._recipe = recipe
        self._plan = plan
        self._engine_: Engine | None = None
        self._engine_process: object = None
        self._finalizer: weakref.finalize[Any, Any] | None = None
        self._fingerprint: str | None = None
        self._report = Report()

    # ---- what there is ---------------------------------------------------------------------------------------

    @property
    def n_samples(self) -> int:
        """Samples in one epoch, over all ranks."""
        return self._plan.n

    @property
    def batch_size(self) -> int:
        """Samples in a full batch."""
        return self._plan.batch_size

    @property
    def seed(self) -> int:
        """What the order and all random draws depend on."""
        return self._plan.seed

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The name of each label, or None when the data has no names for them."""
        return self._recipe.class_names

    def __len__(self) -> int:
        """Return the number of batches that a full epoch has on this rank; at most, when bad samples are skipped."""
        return self._batch_plan(0).n_batches

    def _next_length(self) -> int:
        return self._batch_plan(self._resume_at).n_batches

    def __repr__(self) -> str:
        plan = self._plan
        columns = ", ".join(f"{column.dtype} {column.shape}" for column in self._recipe.columns)
        parts = [f"{plan.n} samples of {columns}", f"batch_size={plan.batch_size}"]
        if plan.shuffle:
            parts.append(f"shuffle={plan.shuffle!r}, seed={plan.seed}")
        if plan.world_size > 1:
            parts.append(f"shard=({plan.rank}, {plan.world_size}), tail={plan.tail!r}")
        if plan.drop_last:
            parts.append("drop_last=True")
        if plan.take is not None:
            parts.append(f"take={plan.take}")
        parts.append("closed" if self._closed else f"epoch={self.epoch}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def _iterator(self, epoch: int, place: int) -> tuple[Iterator[Any], Progress]:
        progress = Progress(self._plan, epoch, place)
        return Epoch(self, progress), progress

    def _place_of(self, progress: Progress) -> int:
        return self._batch_plan(progress.start).position_after(progress.batches)

    # ---- parts -----------------------------------------------------------------------------------------------

    def take(self, n: SupportsIndex) -> Loader:
        """Return a loader over the first `n` batches of each epoch."""
        return self._derive(replace(self._plan, take=whole("n", n, 0)))

    def shard(self, rank: SupportsIndex, world_size: SupportsIndex, tail: str | None = None) -> Loader:
        """Return the loader of one rank: samples rank, rank + world_size, ... of the shuffled order.

        Args:
            tail: When the samples are not a multiple of the ranks: "pad" repeats the first ones of the order, "drop"
                leaves the last ones out, "uneven" gives the first ranks one more. None keeps what the loader has.
        """
        return self._derive(self._plan.sharded(rank, world_size, tail or self._plan.tail))

    def split(self, validation: float = 0.2, *, seed: SupportsIndex = 0, shuffle: bool = True) -> tuple[Loader, Loader]:
        """Return (training, validation): two loaders that share out the samples.

        Args:
            validation: Share of the samples (float, rounded down) or their number (int).
            seed: Decides which samples are held out, in every epoch the same.
            shuffle: False holds out the last samples instead, as time series need it.

        The validation loader goes in order, and keeps its last batch.
        """
        train, held_out = self._plan.split(validation, whole("seed", seed, 0, MAX_SEED), shuffle)
        return self._derive(train), self._derive(held_out)

    def map(self, function: Callable[..., Any], *, each: Literal["batch", "sample"] = "batch") -> Loader:
        """Return a loader whose batches are what `function` makes of this one's.

        Args:
            function: Called with a batch, by the thread that asks for it. If it has a second parameter (without a
                default, or called `info`), that gets a `BatchInfo`: epoch, number, position, and `generator()`, random
                numbers that are the same in every run.
            each: "sample" calls it with one sample after another, in the structure of the batch, and puts what it
                returns, in whatever structure, into a batch again.

        An exception in the function comes out with its own type and traceback and, from Python 3.11 on, a note with the
        batch's number; it ends the iterator, and a state taken then goes on with that batch.
        """
        step = make_step(function, each)
        return Loader(replace(self._recipe, steps=(*self._recipe.steps, step)), self._plan)

    def _derive(self, plan: Plan) -> Loader:
        return Loader(self._recipe, plan)

    # ---- restart ---------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return where the latest iterator stands: small, JSON, the same for any number of threads and ranks.

        A batch counts once `next()` has returned it. On ranks that are equally far, the states are equal.
        """
        epoch, position = self._stands_at()
        return {
            "version": STATE_VERSION,
            "seed": self._plan.seed,
            "epoch": epoch,
            "position": position,
            "order": self._order(),
            "dataset": self._dataset(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next `for` go on where `state` was taken; takes no time and reads no data again.

        The seed comes from the state. Threads, prefetch, ranks and batch size may differ from those of its maker.

        Raises:
            StateError: It is no state of this version, or one of another data set, shuffle or split.
        """
        with reading_state("a loader's state"):
            version = state["version"]
            if version != STATE_VERSION:
                raise StateError("state of another version", expected=STATE_VERSION, found=version)
            seed = whole("seed", state["seed"], 0, MAX_SEED)
            epoch = whole("epoch", state["epoch"], 0, MAX_SEED)
            position = whole("position", state["position"], 0, self._plan.n)
            order, dataset = state["order"], state["dataset"]
        self._refuse_other(order, dataset)
        self._plan = replace(self._plan, seed=seed)
        self._go_to(epoch, position)

    def _order(self) -> str:
        """What decides the order besides seed, epoch and data, in one line."""
        plan = self._plan
        shuffle = f"block({plan.block_size}, {plan.window})" if plan.shuffle == "block" else str(bool(plan.shuffle))
        parts = [f"{part.start}+{part.count}/{part.n}{f' seed {part.seed}' * part.shuffled}" for part in plan.subsets]
        drawn = [] if plan.draw is None else [plan.draw.identity()]
        return "; ".join([f"shuffle {shuffle}", *parts, *drawn])

    def _dataset(self) -> str:
        if self._fingerprint is None:
            self._fingerprint = dataset_fingerprint(self._recipe.columns)
        return self._fingerprint

    def __getstate__(self) -> dict[str, Any]:
        own = {"_engine_": None, "_engine_process": None, "_finalizer": None, "_report": Report()}
        return {**super().__getstate__(), **own}

    # ---- life ------------------------------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """Return counters since the first iterator: is the training bound by data?

        `batches`, `samples`, `bytes` handed out; `bad_samples` that were skipped or replaced; `through_pillow`:
        images that the core does not decode itself; `elapsed_s`; `wait_s`:
        seconds that `next()` waited; `bound_by_data`: that is more than a tenth of the time; `decode_s`: thread-seconds
        of work, per column; `advise_s`: of telling the kernel what comes; `ready_batches` now; `threads`; `prefetch`
        (batches).
        """
        stats = self._engine().stats()
        elapsed_s = 0.0 if self._since is None else time.monotonic() - self._since
        return {**stats, "elapsed_s": elapsed_s, "bound_by_data": stats["wait_s"] > 0.1 * elapsed_s}

    def report(self) -> list[BadSample]:
        """Return the samples that were skipped or replaced, in the order in which they were due.

        Also the one that was too many for `max_bad`. The list grows to 100,000 records; `stats()` counts all of them.
        """
        return self._report.records()

    def _budget(self, plan: Plan) -> Budget | None:
        if plan.on_error == "raise":
            return None
        most = plan.max_bad
        return Budget(int(most * self._batch_plan(0).n_samples) if isinstance(most, float) else most)

    def close(self) -> None:
        """End all work and join the threads. Iterators raise ClosedError from now on. May be called twice."""
        self._closed = True
        if self._finalizer is not None:
            self._finalizer()

    def _engine(self) -> Engine:
        """Return this process's engine: a forked child makes its own, since threads do not survive a fork."""
        if self._engine_ is None or self._engine_process is not process.current:
            recipe = self._recipe
            self._engine_ = recipe.implementation.engine(recipe.columns, self._plan, recipe.options)
            self._engine_process = process.current
            self._finalizer = weakref.finalize(self, self._engine_.close)
        return self._engine_

    def _batch_plan(self, position: int) -> BatchPlan:
        return self._recipe.implementation.batch_plan(self._plan, position)

    def _start(self, progress: Progress) -> Run:
        if self._closed:
            raise ClosedError("the loader is closed")
        return self._engine().start(progress.plan, progress.epoch, progress.start)
