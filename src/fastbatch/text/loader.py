# SPDX-License-Identifier: MIT
"""The loader of words and lines: epochs, restart, shards. What reads the text is its implementation's business."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NoReturn, SupportsIndex

from fastbatch.batch.column import files_identity
from fastbatch.checks import whole
from fastbatch.errors import ClosedError, StateError, reading_state, refuse_copy
from fastbatch.loader import fork as process
from fastbatch.loader.resumable import EpochCounter
from fastbatch.plan.plan import MAX_SEED, MAX_WORLD_SIZE

from .plan import Place, TextImplementation, TextPlan, TextRun

STATE_VERSION = 1


@dataclass
class _Progress:
    """How far one iterator is. Outlives it, since the state may be asked for after the loop was left."""

    epoch: int
    start: Place
    run: TextRun | None = None  # the one that began at `start`
    ended: bool = False

    @property
    def place(self) -> Place:
        if self.run is None:
            return self.start
        n_batches, _, unit, byte, items = self.run.progress()
        return Place(self.start.items + items, unit, byte) if n_batches else self.start


class TextLoader(EpochCounter):
    """Batches of words or lines. Every `for` is one full epoch.

    Batch `k` of an epoch depends on the files, the options, the seed and the epoch alone. Rank `r` of `n` gets the
    batches r, r + n, ...: all of them together are the batches of a loader without shards.

    Threads: any thread may use a loader; an iterator that several threads share gives each batch to one of them.
    Fork: works in the child, which starts threads of its own.
    """

    _start_of_epoch = Place()

    def __init__(self, implementation: TextImplementation, plan: TextPlan, known: dict[str, Any] | None = None) -> None:
        super().__init__()
        self._implementation = implementation
        self._plan = plan
        self._known = {} if known is None else known  # what the files told so far; shared with what is derived
        self._runs: list[TextRun] = []  # of this loader, to be closed with it
        self._lock = threading.RLock()  # guards _runs; an iterator may be collected while it is held
        self._fingerprint: str | None = None
        self._n_batches = self._n_samples = 0  # of runs that are over
        self._wait_s = 0.0

    # ---- what there is -------------------------------------------------------------------------------------------

    @property
    def n_samples(self) -> int:
        """Words or lines of an epoch, over all ranks. Reads the files once if no one has counted them yet."""
        if "items" not in self._known:
            self._known["items"] = self._implementation.count(self._plan)
        n: int = self._known["items"]
        return n

    @property
    def batch_size(self) -> int:
        """Words or lines in a full batch."""
        return self._plan.batch_size

    @property
    def seed(self) -> int:
        """What the order depends on."""
        return self._plan.seed

    def __len__(self) -> int:
        """Return the number of batches of a full epoch on this rank; counts like `n_samples`."""
        return self._batches_from(0)

    def _next_length(self) -> int:
        return self._batches_from(self._resume_at.items)

    def _batches_from(self, items: int) -> int:
        plan = self._plan
        n = self.n_samples - items
        n = n // plan.batch_size if plan.drop_last else -(-n // plan.batch_size)
        mine = max(0, -(-(n - plan.rank) // plan.world_size))
        most = plan.batches_after(items)
        return mine if most is None else min(mine, most)

    def _is_sized(self) -> bool:
        return True  # without reading the files

    def __bool__(self) -> bool:
        return True  # and not len(), which may have to read the files

    def __repr__(self) -> str:
        plan = self._plan
        parts = [f"{plan.item}s of {len(plan.paths)} file{'s' * (len(plan.paths) != 1)}"]
        parts += [f"batch_size={plan.batch_size}", f"output={plan.output!r}"]
        if plan.shuffle:
            parts.append(f"shuffle={plan.shuffle!r}, seed={plan.seed}")
        if plan.world_size > 1:
            parts.append(f"shard=({plan.rank}, {plan.world_size})")
        if plan.drop_last:
            parts.append("drop_last=True")
        if plan.take is not None:
            parts.append(f"take={plan.take}")
        parts.append("closed" if self._closed else f"epoch={self.epoch}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def _iterator(self, epoch: int, place: Place) -> tuple[Iterator[Any], _Progress]:
        progress = _Progress(epoch, place)
        return TextEpoch(self, progress), progress

    def _place_of(self, progress: _Progress) -> Place:
        return progress.place

    # ---- parts ---------------------------------------------------------------------------------------------------

    def take(self, n: SupportsIndex) -> TextLoader:
        """Return a loader over the first `n` batches of each epoch."""
        return self._derive(replace(self._plan, take=whole("n", n, 0)))

    def shard(self, rank: SupportsIndex, world_size: SupportsIndex) -> TextLoader:
        """Return the loader of one rank: batches rank, rank + world_size, ... The first ranks may have one more."""
        world = whole("world_size", world_size, 1, MAX_WORLD_SIZE)
        return self._derive(replace(self._plan, rank=whole("rank", rank, 0, world - 1), world_size=world))

    def _derive(self, plan: TextPlan) -> TextLoader:
        return type(self)(self._implementation, plan, self._known)

    # ---- restart -------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return where the latest iterator stands: small, JSON, and equal on ranks that are equally far."""
        epoch, place = self._stands_at()
        return {
            "version": STATE_VERSION,
            "kind": f"{self._plan.item}s",
            "seed": self._plan.seed,
            "epoch": epoch,
            "position": place.items,
            "unit": place.unit,
            "byte": place.byte,
            "order": self._order(),
            "dataset": self._dataset(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next `for` go on where `state` was taken, without reading what came before.

        The seed comes from the state. Ranks, batch size, output and threads may differ from those of its maker.

        Raises:
            StateError: It is no state of this version, or one of other files, words instead of lines, another shuffle.
        """
        kind = f"{self._plan.item}s"
        with reading_state("a loader's state"):
            if (state["version"], state["kind"]) != (STATE_VERSION, kind):
                raise StateError(f"not a state of {kind} of this version")
            seed, epoch, items, unit, byte = (
                whole(name, state[name], 0, MAX_SEED) for name in ("seed", "epoch", "position", "unit", "byte")
            )
            order, dataset = state["order"], state["dataset"]
        self._refuse_other(order, dataset)
        self._plan = replace(self._plan, seed=seed)
        self._go_to(epoch, Place(items, unit, byte))

    def _order(self) -> str:
        """What decides the items besides seed, epoch and files, in one line."""
        plan = self._plan
        shuffle = f"block({plan.block_size}, {plan.window})" if plan.shuffle == "block" else str(plan.shuffle)
        return f"shuffle {shuffle}; {plan.encoding} {plan.errors}"

    def _dataset(self) -> str:
        import hashlib  # slow to import, and only states need it
        import json

        if self._fingerprint is None:
            paths = self._plan.paths
            identity = [files_identity(paths), [os.stat(path).st_size for path in paths]]
            self._fingerprint = hashlib.blake2b(json.dumps(identity).encode(), digest_size=16).hexdigest()
        return self._fingerprint

    def __getstate__(self) -> dict[str, Any]:
        # What is known of the files is read again where a pickle comes out; a copy keeps it.
        own: dict[str, Any] = {"_known": {}, "_fingerprint": None, "_runs": [], "_lock": None}
        return {**super().__getstate__(), **own, "_n_batches": 0, "_n_samples": 0, "_wait_s": 0.0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()

    def __copy__(self) -> TextLoader:
        copied = super().__copy__()
        copied._lock, copied._known = threading.RLock(), self._known
        return copied

    # ---- life ----------------------------------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """Return counters since the first iterator: `batches`, `samples`, `elapsed_s`, `wait_s`, `bound_by_data`.

        `wait_s` are the seconds inside `next()`, in which the batch's objects are made too.
        """
        elapsed_s = 0.0 if self._since is None else time.monotonic() - self._since
        with self._lock:
            at_work = [run.progress() for run in self._runs]
            n_batches = self._n_batches + sum(progress[0] for progress in at_work)
            n_samples = self._n_samples + sum(progress[1] for progress in at_work)
        bound = self._wait_s > 0.1 * elapsed_s
        return {
            "batches": n_batches,
            "samples": n_samples,
            "wait_s": self._wait_s,
            "elapsed_s": elapsed_s,
            "bound_by_data": bound,
        }

    def close(self) -> None:
        """End all work and join the threads. Iterators raise ClosedError from now on. May be called twice."""
        self._closed = True
        with self._lock:
            runs = list(self._runs)
        for run in runs:
            run.close()
            self._forget(run)

    def _start(self, epoch: int, place: Place) -> TextRun:
        if self._closed:
            raise ClosedError("the loader is closed")
        run = self._implementation.start(self._plan, epoch, place, self._known)
        with self._lock:
            self._runs.append(run)
        return run

    def _forget(self, run: TextRun) -> None:
        with self._lock:
            if run in self._runs:
                self._runs.remove(run)
                n_batches, n_samples, *_ = run.progress()
                self._n_batches += n_batches
                self._n_samples += n_samples


class TextEpoch:
    """The iterator of one epoch. After its last batch, or an error, it stays at its end.

    Threads: any; each batch goes to one caller.
    """

    def __init__(self, loader: TextLoader, progress: _Progress) -> None:
        self._loader = loader
        self._progress = progress
        self._process = process.current
        self._run: TextRun | None = loader._start(progress.epoch, progress.start)
        progress.run = self._run

    def __iter__(self) -> TextEpoch:
        return self

    def __next__(self) -> Any:
        run = self._run
        if run is None:
            raise StopIteration
        if self._process is not process.current:
            run = self._restart()
        begin = perf_counter()
        try:
            batch = run.next()
        except KeyboardInterrupt:
            raise
        except BaseException:
            self._leave(run)
            raise
        self._loader._wait_s += perf_counter() - begin
        if batch is None or batch is False:
            self._end(run, batch is None)
        return batch

    def _end(self, run: TextRun, is_last: bool) -> NoReturn:
        # Another thread may have found the end, and closed the run.
        if is_last or (self._run is None and not self._loader._closed):
            self._progress.ended = True
            self._leave(run)
            raise StopIteration
        self._leave(run)
        raise ClosedError("the loader was closed")

    def _leave(self, run: TextRun) -> None:
        self._run = None
        self._loader._forget(run)
        run.close()

    def _restart(self) -> TextRun:
        """Go on in a forked child: same epoch, same batch, own threads."""
        progress = self._progress
        progress.start = progress.place
        self._process = process.current
        self._loader._lock = threading.RLock()  # the parent's may have been held
        self._run = progress.run = self._loader._start(progress.epoch, progress.start)
        return self._run

    __reduce__ = refuse_copy

    def close(self) -> None:
        """End this pass; `next` raises StopIteration from now on."""
        if self._run is not None:
            self._leave(self._run)

    def __del__(self) -> None:
        if getattr(self, "_run", None) is not None:
            self.close()
