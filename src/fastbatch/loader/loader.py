# SPDX-License-Identifier: MIT
"""The base of all loaders: methods that change the order or the batches, and statistics."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, SupportsIndex, TypeVar

from fastbatch.calls import public_class
from fastbatch.checks import whole
from fastbatch.plan.ranks import shown_shard
from fastbatch.plan.splitting import Division
from fastbatch.plan.subset import Overlap

from .bad_samples import BadSample
from .counters import NO_STATS, Stats
from .keras_ready import KerasReady
from .map import Step, make_step
from .resumable import Resumable
from .watching import Watched, watch_options

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastbatch.preview.preview import Preview
    from fastbatch.profile.profile import Profile

Self = TypeVar("Self", bound="Loader")
MAX_EVENTS = 10_000_000  # of a profile, per thread


@public_class
class Loader(KerasReady, Resumable):
    """Batches of data: the base class of all loaders. Each `for` is one epoch, in a new order if `shuffle` is set.

    `arrays`, `images`, `windows`, `tokens`, `words`, `lines`, `restartable` and `stream` return one; subclasses of
    `DataGenerator` are one. Batch `k` of epoch `e` depends only on the data, the options, the seed, `e` and `k`.
    Batches belong to the caller; their memory is not written again.

    Threads: any thread may use a loader; an iterator that several threads share gives each batch to one of them.
    Fork: works in the child, which starts its own threads.

    Raises:
        OSError, DecodeError: By `next()`: a sample cannot be read or decoded, unless `on_error` says otherwise.
        ClosedError: By `iter()` and `next()`, after `close()`.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.arrays("x.npy", "y.npy", batch_size=64, shuffle=True, seed=1)
        >>> for epoch in range(2):
        ...     for x, y in loader:
        ...         pass  # train
        >>> loader.epoch, len(loader)
        (2, 32)
        >>> train, validation = loader.split(0.2)
        >>> train.n_samples, validation.n_samples
        (1600, 400)

    Source: `csrc/loader/loader.cpp`, `csrc/plan/batch_plan.cpp`.
    """

    _deals_samples: ClassVar[bool] = False  # shards are made of samples; otherwise of batches

    def take(self: Self, n: SupportsIndex) -> Self:
        """Return a loader over the first `n` batches of each epoch; of a shard, the first `n` of this rank.

        Example:
            >>> import fastbatch as fb
            >>> len(fb.arrays("x.npy").take(5))
            5
        """
        return self._with_plan(replace(self._plan, batches=self._plan.batches.take(whole("n", n, 0))))

    def skip(self: Self, n: SupportsIndex) -> Self:
        """Return a loader over each epoch without its first `n` batches.

        `skip(2).take(3)` and `take(5).skip(2)` give batches 2, 3 and 4. Numbered samples are skipped without reading
        them; text and generator functions are read and dropped.
        """
        return self._with_plan(replace(self._plan, batches=self._plan.batches.skip(whole("n", n, 0))))

    def map(self: Self, function: Callable[..., Any], *, each: Literal["batch", "sample"] = "batch") -> Self:
        """Return a loader whose batches are the results of `function`.

        Args:
            function: Called with a batch, by the thread that asks for it. A second parameter (without a default, or
                named `info`) gets a `BatchInfo`: epoch, number, position, and `generator()`, whose random numbers are
                the same in every run.
            each: "sample" calls it with each sample of a batch, in the batch's structure, and stacks the results, in
                any structure, into a batch.

        An exception in the function is raised by `next()` with its own type and traceback and, from Python 3.11 on, a
        note with the batch's number. It ends the iterator; a state taken then resumes with this batch.

        Example:
            >>> import fastbatch as fb
            >>> x = next(iter(fb.arrays("x.npy", batch_size=8).map(lambda x: x.reshape(-1, 28, 28))))
            >>> x.shape
            (8, 28, 28)
        """
        return self._with_steps((*self._steps, make_step(function, each)))

    def shard(
        self: Self,
        rank: SupportsIndex | Literal["auto"],
        world_size: SupportsIndex | None = None,
        tail: str | None = None,
    ) -> Self:
        """Return the loader of one rank: samples rank, rank + world_size, ... of the shuffled order.

        Text, generator functions and `DataGenerator` are sharded by batch instead; the first ranks may have one more.

        Args:
            rank: Number of the rank, from 0; or "auto", which finds both: see `LoaderOptions`.
            world_size: Number of ranks.
            tail: If the number of samples is not a multiple of the number of ranks: "pad" repeats the first ones of
                the order, "drop" omits the last ones, "uneven" gives the first ranks one more, "mask" fills all
                batches up and adds a mask (see `LoaderOptions`). None keeps the loader's setting. Not valid for
                batches.

        Example:
            >>> import fastbatch as fb
            >>> loader = fb.arrays("x.npy", batch_size=50)
            >>> len(loader), len(loader.shard(0, 4))
            (40, 10)
        """
        if tail is not None and not self._deals_samples:
            raise TypeError(
                f"tail: only valid where samples are dealt out; ranks of a {self._kind()} get whole batches"
            )
        return self._with_plan(self._plan.sharded(rank, world_size, tail))

    def split(
        self: Self,
        validation: float = 0.2,
        *,
        seed: SupportsIndex = 0,
        shuffle: bool | None = None,
        stratify: ArrayLike | Literal["classes"] | None = None,
        groups: ArrayLike | None = None,
        gap: SupportsIndex = 0,
    ) -> tuple[Self, Self]:
        """Return (training, validation): two loaders over disjoint parts of the samples.

        The validation loader is the same in all epochs: it is not shuffled, keeps its last batch, and changes nothing
        at random. Random crops become `crop="center"`; flips, `augment`, `mixup` and `cutmix` are left out. Functions
        of the user (`map`, `transform`) stay.

        Args:
            validation: Share of the samples (float, rounded down) or their number (int); with `groups`, of the groups.
            seed: Determines the validation samples, which are the same in all epochs.
            shuffle: True holds out random samples, False the last ones. None means True, except for `windows` and
                `tokens`: the last samples are held out, and training samples that share rows with them are left out.
            stratify: "classes" (the loader's `labels`), or one label per sample: both parts have the same shares of
                the classes, within one sample.
            groups: One group per sample, as a number or a name: all samples of a group are in one part.
            gap: Samples before the held-out last ones (and before those that share rows with them) that are in neither
                part.

        With `stratify` and `groups` the samples of a part keep their order, and lists of their numbers are kept.
        The samples of a `DataGenerator` are its batches.

        Raises:
            TypeError: The samples are not numbered: text, generator functions, streams.
            ValueError: All training samples would share rows with the validation samples; a class with one sample; a
                part without groups, or with fewer samples than classes; options that exclude each other.

        Example:
            >>> import fastbatch as fb
            >>> labels, patients = [0, 0, 0, 0, 1, 1, 1, 1], [7, 7, 7, 8, 8, 9, 9, 9]
            >>> loader = fb.arrays([0, 1, 2, 3, 4, 5, 6, 7])
            >>> [next(iter(part)).tolist() for part in loader.split(0.25, stratify=labels)]
            [[0, 1, 2, 4, 5, 7], [3, 6]]
            >>> [next(iter(part)).tolist() for part in loader.split(1, groups=patients)]
            [[0, 1, 2, 3, 4], [5, 6, 7]]
            >>> [next(iter(part)).tolist() for part in loader.split(2, gap=3)]
            [[0, 1, 2], [6, 7]]
        """
        plan = self._numbered_plan("split")
        division = Division(validation, seed, shuffle, stratify, groups, gap)
        train, held_out = division.of(plan, self._overlap(), lambda: getattr(self, "labels", None))
        return self._with_plan(train), self._with_plan(held_out)._for_evaluation()

    def select(self: Self, indices: Any) -> Self:
        """Return a loader over some of the samples.

        Args:
            indices: Indices of samples, in one dimension: a list, an array, a range; negative ones count from the end;
                a repeated one is several samples of the epoch. Or a mask: one bool per sample. Copied. After `split` or
                `select` indices refer to the remaining samples, in the unshuffled order.

        The samples of a `DataGenerator` are its batches.

        Raises:
            TypeError: Indices that are not integers; or samples that are not numbered: text, generator functions,
                streams.
            IndexError: An index out of range, or a mask of another length.
        """
        return self._with_plan(self._numbered_plan("select").select(indices))

    # ---- to be implemented by each kind of loader ----------------------------------------------------------------

    def _with_plan(self: Self, plan: Any) -> Self:
        """Return a loader of the same data with another plan, at epoch 0."""
        return self._changed(_plan=plan)

    def _with_steps(self: Self, steps: tuple[Step, ...]) -> Self:
        """Return a loader of the same data with these functions for each batch, at epoch 0."""
        return self._changed(_map_steps=steps)

    def _changed(self: Self, **attributes: Any) -> Self:
        """Return a copy with other attributes, at epoch 0."""
        copied = copy.copy(self)
        copied.__dict__.update(attributes, _closed=False)
        copied._go_to(0, self._start_of_epoch)
        return copied

    def _overlap(self) -> Overlap | None:
        """Return which samples share rows, or None."""
        return None

    def _for_evaluation(self: Self) -> Self:
        """Return a loader of the same samples that changes nothing at random."""
        return self._with_steps(tuple(step.for_evaluation() for step in self._steps)) if self._steps else self

    def _order_shown(self) -> list[str]:
        """Return the options of the order that are set, and the epoch, for `repr`."""
        plan, parts = self._plan, []
        if plan.shuffle:
            parts.append(f"shuffle={plan.shuffle!r}, seed={plan.seed}")
        parts += shown_shard(plan)
        if self._deals_samples and (plan.world_size > 1 or plan.tail == "mask"):
            parts.append(f"tail={plan.tail!r}")
        if plan.drop_last:
            parts.append("drop_last=True")
        if str(plan.batches):
            parts.append(str(plan.batches))
        return [*parts, "closed" if self._closed else f"epoch={self.epoch}"]

    def _numbered_plan(self, verb: str) -> Any:
        """Return the plan of numbered samples. Raises TypeError with the reason if samples are not numbered."""
        raise TypeError(f"{type(self).__name__}: {verb}() needs samples by number")

    def _counted(self) -> dict[str, Any]:
        """Return the counters of `stats` that this kind of loader has."""
        counters = self._counters()
        counts = [run.counts() for run in self._live_runs().all()]
        return {
            "batches": counters.batches + sum(n for n, _ in counts),
            "samples": counters.samples + sum(n for _, n in counts),
            "wait_s": counters.wait_s,
        }

    # ---- queries -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of batches of a full epoch on this rank; an upper bound if bad samples are skipped.

        Raises:
            TypeError: The number is not known.
        """
        n = self._batches_from(self._first_position(self._start_of_epoch))
        if n is None:
            raise TypeError(f"{type(self).__name__} has no length")
        return n

    def _next_length(self) -> int | None:
        return self._batches_from(self._first_position(self._resume_at))

    def stats(self) -> Stats:
        """Return counters since the first iterator: does training wait for data? All loaders have the same keys.

        The result is a dict; its `repr` says the same in words.

        `batches`, `samples`, `bytes`: returned so far. `bad_samples`: skipped or replaced. `filled`: truncated images
        that were filled (`on_truncated` of `images`). `through_pillow`: images decoded by Pillow. `jpeg_own`,
        `jpeg_library`: JPEGs, masks included, decoded by fastbatch's own decoder, and by libjpeg-turbo (unusual and
        damaged files). `jpeg_indexed`: JPEGs that were not read from their beginning (`seek_index_bytes` of `images`).
        `elapsed_s`: time since the first iterator. `wait_s`: seconds spent waiting in `next()`. `map_s`: seconds in
        each function of `map` and the like, which `next()` calls, in their order. `bound_by_data`: True if both
        together are more than a tenth of the time. `decode_s`: thread-seconds of work, per column; those
        that are filled together, as tokens and their targets, share it. `advise_s`: thread-seconds of advising the
        kernel about future reads. `ready_batches`: prefetched now. `threads`; `prefetch`
        (batches). Counters that a loader does not have are 0 or [].
        """
        counted = {**NO_STATS, **self._counted(), "map_s": self._step_times()[: len(self._steps)]}
        elapsed_s = 0.0 if self._since is None else time.monotonic() - self._since
        in_next_s = counted["wait_s"] + sum(counted["map_s"])
        return Stats({**counted, "elapsed_s": elapsed_s, "bound_by_data": in_next_s > 0.1 * elapsed_s})

    def profile(self, *, events: SupportsIndex = 100_000) -> Profile:
        """Return a recording of what the threads do: `with loader.profile() as profile:`, then the loop.

        Args:
            events: Events to keep for each thread, the latest ones; each takes 56 bytes. A thread decodes one image, or
                some rows, per event.

        Loaders of text, streams and generators record `next()` only.

        Example:
            >>> import fastbatch as fb
            >>> loader = fb.arrays("x.npy", batch_size=50)
            >>> with loader.profile() as profile:
            ...     for x in loader:
            ...         pass  # train
            >>> profile.summary()["batches"]
            40
        """
        from fastbatch.profile.profile import Profile

        return Profile(self, whole("events", events, 1, MAX_EVENTS))

    def preview(self, n: SupportsIndex = 8) -> Preview:
        """Return the first `n` samples of the next epoch, to be looked at: in a notebook, as a picture, as a table.

        Images come with labels, masks, boxes and points, before and after random changes. The position of the loader
        does not change: a copy of it makes them.

        Args:
            n: Samples, at most 256; fewer if the epoch has fewer.

        Raises:
            TypeError: A stream, which can be read once.
            ValueError: The loader has no batches.

        Example:
            >>> import fastbatch as fb
            >>> print(fb.words("corpus/a.txt", 4).preview(2))  # doctest: +ELLIPSIS
            TextLoader(...
        """
        from fastbatch.preview.preview import preview

        return preview(self, whole("n", n, 1, 256))

    def _copy_for_preview(self: Self) -> Self:
        """Return a loader that may be read in this one's place."""
        return copy.copy(self)

    def _recorded_engine(self) -> Any:
        """Return the engine that records its events; None if this kind of loader has none."""
        return None

    def progress(
        self,
        description: str | None = None,
        *,
        bar: bool = True,
        warn_after: float | None = 60,
        metrics: Callable[[dict[str, float]], object] | None = None,
        every: float = 10,
    ) -> Iterator[Any]:
        """Return an iterator over the next epoch that shows its progress, in a terminal or a notebook (tqdm).

        The bar has the batches, the time left, samples per second, and the share of the time spent waiting in `next()`.

        Args:
            description: A text before the bar.
            bar: False shows nothing; tqdm (extra `progress`) is not needed then.
            warn_after: Seconds. A longer wait for a batch is logged once, as a warning of the logger "fastbatch": which
                samples and files are being read or decoded, or where the user's Python code is. None never logs.
            metrics: Called with a dict every `every` seconds and at the end: `epoch`, `batches`, `samples`,
                `samples_per_s`, `waiting` (share of the time), `elapsed_s`, and `batches_left` if it is known.
            every: Seconds.

        Example:
            >>> import fastbatch as fb
            >>> loader = fb.arrays("x.npy", batch_size=64)
            >>> for batch in loader.progress(bar=False, metrics=lambda found: print(found["samples"])):
            ...     pass  # train
            2000.0
        """
        return Watched(self, watch_options(description, bar, warn_after, metrics, every))

    def report(self) -> list[BadSample]:
        """Return the samples that were skipped or replaced, and truncated images that were filled, batch by batch.

        The sample that exceeded `max_bad` is included. The list is limited to 100,000 records; `stats()` counts all.
        """
        return self._report.records()


def unnumbered(name: str, verb: str, reason: str) -> NoReturn:
    """Raise the TypeError of `split` and `select` for samples that are not numbered."""
    raise TypeError(f"{name}: {verb}() needs samples by number; {reason}")
