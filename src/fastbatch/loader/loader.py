# SPDX-License-Identifier: MIT
"""The base of every kind of loader: what is only about the order of batches, and what can be asked of all of them."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, SupportsIndex, TypeVar

from fastbatch.calls import public_class
from fastbatch.checks import whole

from .bad_samples import BadSample
from .counters import NO_STATS
from .keras_ready import KerasReady
from .map import Step, make_step
from .resumable import Resumable

Self = TypeVar("Self", bound="Loader")


@public_class
class Loader(KerasReady, Resumable):
    """Batches of data. Every `for` is one full epoch, freshly shuffled when `shuffle` was asked for.

    All that make batches return one: `arrays`, `images`, `windows`, `tokens`, `words`, `lines`, `restartable`,
    `stream`, and subclasses of `DataGenerator`. Batch `k` of epoch `e` depends on the data, the options, the seed, `e`
    and `k` alone. The batches are the user's: nothing writes to them again.

    Threads: any thread may use a loader; an iterator that several threads share gives each batch to one of them.
    Fork: works in the child, which starts threads of its own.
    """

    _deals_samples: ClassVar[bool] = False  # to ranks; otherwise whole batches

    if TYPE_CHECKING:  # of the loaders that `arrays`, `images`, `windows` and `tokens` return

        @property
        def n_samples(self) -> int: ...
        @property
        def batch_size(self) -> int: ...
        @property
        def seed(self) -> int: ...
        @property
        def class_names(self) -> tuple[str, ...] | None: ...

    def take(self: Self, n: SupportsIndex) -> Self:
        """Return a loader over the first `n` batches of each epoch; of a shard, of those of this rank."""
        return self._with_plan(replace(self._plan, batches=self._plan.batches.take(whole("n", n, 0))))

    def skip(self: Self, n: SupportsIndex) -> Self:
        """Return a loader over each epoch without its first `n` batches.

        `skip(2).take(3)`, as `take(5).skip(2)`, gives batches 2, 3 and 4. Samples by number are skipped in no time;
        text and generator functions are read, and what comes before is dropped.
        """
        return self._with_plan(replace(self._plan, batches=self._plan.batches.skip(whole("n", n, 0))))

    def map(self: Self, function: Callable[..., Any], *, each: Literal["batch", "sample"] = "batch") -> Self:
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
        return self._with_steps((*self._steps, make_step(function, each)))

    def shard(self: Self, rank: SupportsIndex, world_size: SupportsIndex, tail: str | None = None) -> Self:
        """Return the loader of one rank: samples rank, rank + world_size, ... of the shuffled order.

        Of text, generator functions and a `DataGenerator`, whole batches instead; the first ranks may have one more.

        Args:
            tail: When the samples are not a multiple of the ranks: "pad" repeats the first ones of the order, "drop"
                leaves the last ones out, "uneven" gives the first ranks one more. None keeps what the loader has.
                Not valid for batches.
        """
        if tail is not None and not self._deals_samples:
            raise TypeError(
                f"tail: only valid where samples are dealt out; ranks of a {self._kind()} get whole batches"
            )
        return self._with_plan(self._plan.sharded(rank, world_size, tail))

    def split(
        self: Self, validation: float = 0.2, *, seed: SupportsIndex = 0, shuffle: bool = True
    ) -> tuple[Self, Self]:
        """Return (training, validation): two loaders that share out the samples.

        Args:
            validation: Share of the samples (float, rounded down) or their number (int).
            seed: Decides which samples are held out, in every epoch the same.
            shuffle: False holds out the last samples instead, as time series need it.

        The validation loader goes in order, and keeps its last batch. The samples of a `DataGenerator` are its batches.

        Raises:
            TypeError: The samples have no numbers: text, generator functions, streams.
        """
        plan = self._numbered_plan("split")
        train, held_out = plan.split(validation, whole("seed", seed, 0, 2**64 - 1), shuffle)
        return self._with_plan(train), self._with_plan(held_out)

    def select(self: Self, indices: Any) -> Self:
        """Return a loader over some of the samples.

        Args:
            indices: Numbers of samples, in one dimension: a list, an array, a range, below 0 counted from the end; one
                that comes several times is several samples of the epoch. Or a mask: one bool for each sample. They are
                copied. After `split` or `select` the numbers count what was left, in the order without shuffle.

        The samples of a `DataGenerator` are its batches.

        Raises:
            TypeError: No integers; or the samples have no numbers: text, generator functions, streams.
            IndexError: An index outside the data, a mask of another length.
        """
        return self._with_plan(self._numbered_plan("select").select(indices))

    # ---- what each kind of loader has to say ---------------------------------------------------------------------

    def _with_plan(self: Self, plan: Any) -> Self:
        """Return a loader of the same data in another order, which begins with epoch 0."""
        return self._changed(_plan=plan)

    def _with_steps(self: Self, steps: tuple[Step, ...]) -> Self:
        """Return a loader of the same data with these functions for each batch, which begins with epoch 0."""
        return self._changed(_map_steps=steps)

    def _changed(self: Self, **attributes: Any) -> Self:
        """Return a copy with other attributes, which begins with epoch 0."""
        copied = copy.copy(self)
        copied.__dict__.update(attributes, _closed=False)
        copied._go_to(0, self._start_of_epoch)
        return copied

    def _numbered_plan(self, verb: str) -> Any:
        """Return the plan if samples have numbers; raise a TypeError that says why not."""
        raise TypeError(f"{type(self).__name__}: {verb}() needs samples by number")

    def _counted(self) -> dict[str, Any]:
        """Return those of the `stats` that are counted."""
        counters = self._counters()
        counts = [run.counts() for run in self._live_runs().all()]
        return {
            "batches": counters.batches + sum(n for n, _ in counts),
            "samples": counters.samples + sum(n for _, n in counts),
            "wait_s": counters.wait_s,
        }

    # ---- what can be asked ---------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of batches that a full epoch has on this rank; at most, when bad samples are skipped.

        Raises:
            TypeError: It is not known.
        """
        n = self._batches_from(self._first_position(self._start_of_epoch))
        if n is None:
            raise TypeError(f"{type(self).__name__} has no length")
        return n

    def _next_length(self) -> int | None:
        return self._batches_from(self._first_position(self._resume_at))

    def stats(self) -> dict[str, Any]:
        """Return counters since the first iterator: is the training bound by data? Every kind has the same keys.

        `batches`, `samples`, `bytes` handed out; `bad_samples` that were skipped or replaced; `through_pillow`:
        images that the core does not decode itself; `elapsed_s`; `wait_s`: seconds that `next()` took, or waited;
        `bound_by_data`: that is more than a tenth of the time; `decode_s`: thread-seconds of work, per column;
        `advise_s`: of telling the kernel what comes; `ready_batches` now; `threads`; `prefetch` (batches). What a kind
        of loader does not count is 0 or [].
        """
        counted = {**NO_STATS, **self._counted()}
        elapsed_s = 0.0 if self._since is None else time.monotonic() - self._since
        return {**counted, "elapsed_s": elapsed_s, "bound_by_data": counted["wait_s"] > 0.1 * elapsed_s}

    def report(self) -> list[BadSample]:
        """Return the samples that were skipped or replaced, in the order in which they were due.

        Also the one that was too many for `max_bad`. The list grows to 100,000 records; `stats()` counts all of them.
        """
        return self._report.records()


def unnumbered(name: str, verb: str, reason: str) -> NoReturn:
    """Raise the TypeError of `split` and `select` where samples have no numbers."""
    raise TypeError(f"{name}: {verb}() needs samples by number; {reason}")
