# SPDX-License-Identifier: MIT
"""The loader of words and lines: its length, positions and states. An implementation reads the text."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, TypeVar

from fastbatch.batch.column import files_identity
from fastbatch.calls import public_class
from fastbatch.loader.loader import Loader, unnumbered
from fastbatch.loader.map import BatchInfo, Step
from fastbatch.loader.run import Progress
from fastbatch.loader.state import State
from fastbatch.source.identity import OpenedFile, Start, opened_file

from .plan import Place, TextImplementation, TextPlan
from .skipping_run import SkippingRun

Self = TypeVar("Self", bound="TextLoader")


@public_class
class TextLoader(Loader):
    """Batches of words or lines, as returned by `words` and `lines`. Each `for` is one epoch.

    Batch `k` of an epoch depends only on the files, the options, the seed and the epoch. Rank `r` of `n` gets the
    batches r, r + n, ..., so that all ranks together get the batches of a loader without shards.

    Threads: any thread may use a loader; an iterator that several threads share gives each batch to one of them.
    Fork: works in the child, which starts its own threads.

    Raises:
        OSError: By `next()`: a file cannot be read.
        EncodingError, FormatError: By `next()`: bytes that are not in the encoding, or a file that became shorter.
        ClosedError: By `iter()` and `next()`, after `close()`.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.lines("corpus/*.txt", batch_size=32, keepends=False, shuffle="line", seed=1)
        >>> loader.n_samples, len(loader)
        (240, 8)
        >>> for batch in loader:
        ...     pass
        >>> loader.epoch
        1

    Source: `csrc/text/run.cpp`.
    """

    _start_of_epoch = Place()
    _resume_at = Place()
    _fingerprint: str | None = None

    def __init__(self, implementation: TextImplementation, plan: TextPlan, known: dict[str, Any] | None = None) -> None:
        self._implementation = implementation
        self._plan = plan
        self._known = {} if known is None else known  # properties of the files found so far; shared by copies
        self._base: Start | None = Start(plan.paths)

    # ---- attributes ----------------------------------------------------------------------------------------------

    @property
    def n_samples(self) -> int:
        """Number of words or lines in an epoch, over all ranks. Reads the files once, and again after they changed."""
        self._refresh()
        if "items" not in self._known:
            self._known["items"] = self._implementation.count(self._plan)
        n: int = self._known["items"]
        return n

    @property
    def batch_size(self) -> int:
        """Words or lines in a full batch."""
        return int(self._plan.batch_size)

    @property
    def seed(self) -> int:
        """The seed of the order."""
        return int(self._plan.seed)

    def __len__(self) -> int:
        """Return the number of batches of a full epoch on this rank; may read the files, as `n_samples`."""
        return self._batches_from(self._start_of_epoch)

    def _is_sized(self) -> bool:
        return True  # without reading the files

    def __bool__(self) -> bool:
        return True  # and not len(), which may have to read the files

    def __repr__(self) -> str:
        plan = self._plan
        parts = [f"{plan.item}s of {len(plan.paths)} file{'s' * (len(plan.paths) != 1)}"]
        parts += [f"batch_size={plan.batch_size}", f"output={plan.output!r}"]
        return f"{type(self).__name__}({', '.join(parts + self._order_shown())})"

    def _numbered_plan(self, verb: str) -> Any:
        unnumbered(self._kind(), verb, "text is read in order")

    def _with_steps(self: Self, steps: tuple[Step, ...]) -> Self:
        if steps[-1].each_sample and self._plan.output == "offsets":
            raise TypeError("map: each='sample' needs samples of their own; output='offsets' has one text for all")
        return super()._with_steps(steps)

    # ---- restart -------------------------------------------------------------------------------------------------

    def _kind(self) -> str:
        return f"{self._plan.item}s"

    def _state(self, epoch: int, position: Place) -> State:
        order, dataset = self._plan.order(), self._dataset()
        return State(self._kind(), self._plan.seed, epoch, position.items, order, dataset, position.unit, position.byte)

    def _load(self, state: State) -> None:
        state.refuse_other(self._kind(), self._plan.order(), self._dataset())
        self._plan = replace(self._plan, seed=state.seed)
        self._go_to(state.epoch, Place(state.position, state.unit or 0, state.byte or 0))

    def _dataset(self) -> str:
        import hashlib  # slow to import, and only states need it
        import json

        if self._fingerprint is None:
            paths = self._plan.paths
            identity = [files_identity(paths), [os.stat(path).st_size for path in paths]]
            self._fingerprint = hashlib.blake2b(json.dumps(identity).encode(), digest_size=16).hexdigest()
        return self._fingerprint

    def __getstate__(self) -> dict[str, Any]:
        # What is known of the files is found again after unpickling.
        return {**super().__getstate__(), "_known": {}, "_fingerprint": None, "_base": None}

    def __copy__(self: Self) -> Self:
        copied = super().__copy__()
        copied._known, copied._base = self._known, self._base
        return copied

    # ---- work ----------------------------------------------------------------------------------------------------

    def _first_position(self, position: Place) -> Place:
        return position  # the run itself omits the batches of `skip`

    def _batches_from(self, position: Place) -> int:
        return int(self._plan.batches_of(self.n_samples, position.items))

    def _batches_left(self, progress: Progress) -> int | None:
        return self._batches_from(self._position_of(progress)) if "items" in self._known else None

    def _batch_info(self, progress: Progress, number: int) -> tuple[BatchInfo, int]:
        plan, before = progress.plan, progress.run.start.items
        position = before + (number * plan.world_size + plan.rank) * plan.batch_size
        number += plan.batches_before(before)
        return BatchInfo(plan.seed, progress.epoch, number, position, plan.world_size), 1

    def _refresh(self) -> tuple[OpenedFile, ...]:
        """Return the current files; clear the cached properties if the files have changed."""
        self._verify_base()
        files = tuple(opened_file(path) for path in self._plan.paths)
        if self._known.get("files") != files:
            self._known.clear()
            self._known["files"] = files
        return files

    def _under_way(self, run: SkippingRun, progress: Progress) -> list[str]:
        return [f"read: {os.fsdecode(path)}" for path in progress.plan.paths]

    def _verify_base(self) -> None:
        if self._base is None:
            self._base = Start(self._plan.paths)
        self._base.verify()

    def _verify(self, progress: Progress) -> None:
        self._verify_base()
        for file in progress.run.files:
            file.verify(may_grow=not progress.plan.shuffle)

    def _start(self, progress: Progress) -> SkippingRun:
        files = self._refresh()
        run = SkippingRun(self._implementation, progress.plan, progress.epoch, progress.start, self._known, files)
        self._live_runs().add(run)
        return run

    def _counted(self) -> dict[str, Any]:
        return {**super()._counted(), "threads": self._plan.threads or 0}
