# SPDX-License-Identifier: MIT
"""`DataLoader`: torch's own, whose batches are made by native threads where the work is recognised."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, SupportsIndex, TypeVar

import torch.utils.data
from torch.utils.data import Dataset, Sampler
from torch.utils.data.dataloader import _BaseDataLoaderIter, _DatasetKind

from fastbatch.checks import flag, one_of, whole
from fastbatch.loader.options import MAX_PREFETCH, MAX_THREADS

from . import state
from .batches import NativeIter, reads_ahead
from .delivery import ChannelsLast, CopyAhead, check_delivery, delivery_of
from .engine import native_of
from .errors import noting
from .explain import Explanation, explain
from .image_batches import ImageIter, image_work_of
from .iterable import LoaderDataset, LoaderIter, as_iterable, is_loader
from .ranks import SHARDS
from .sharded import sharded
from .tensors import NotNative
from .threads import ThreadIter

T = TypeVar("T", covariant=True)
# Those that torch lacks.
OWN_OPTIONS = ("workers", "threads", "prefetch", "shard", "device", "channels_last", "dtype", "exact", "rng")


class DataLoader(torch.utils.data.DataLoader[T]):
    """torch's `DataLoader`: the same arguments, defaults, errors and batches; native threads where they can be.

    Everything that is not recognised runs as in torch, unchanged; `explain()` says which is which.

    Args:
        dataset: A dataset of torch's, or a loader of fastbatch with `batch_size=None`.
        workers: "thread" lets threads of this process, instead of worker processes, call a Python dataset.
        threads: Native threads; None: `num_workers`, or the CPUs available to this process if that is 0.
        prefetch: Batches gathered ahead; None: as many as fit into 5 MB, at least 2 and at most 16.
        shard: "torch" gives each rank of `torch.distributed` its part of the samples: every sample once, equally many
            batches on each rank. `shuffle=True` then shuffles by the seed of `generator` (0 without one) and the epoch.
            "auto" also asks Ray Train, JAX, RANK and WORLD_SIZE, and SLURM.
        device: Where the tensors of a batch go. For an accelerator they are copied from pinned memory, on a stream of
            their own, one batch ahead.
        channels_last: True gives tensors (n, c, h, w) torch's `channels_last` memory format; "permute" turns tensors
            (n, h, w, c), as `fastbatch.images(layout="NHWC")` makes them, into (n, c, h, w), without a copy.
        dtype: Of the floating-point tensors of a batch, as `tensor.to(dtype)` rounds; others are as they are.
        exact: Images have exactly the pixels of torchvision on PIL images. False: close to them, and faster; large JPEG
            files are decoded at a smaller scale.
        rng: Where random transforms of images get their numbers. "torch": from the generators that torch would use, so
            that the same seed gives the same batches. "philox": from streams of fastbatch, one per sample, which depend
            on neither `num_workers` nor other samples.

    The other arguments are torch's.
    """

    _iterator: Any

    def __init__(
        self,
        dataset: Dataset[Any],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        workers: Literal["auto", "thread"] = "auto",
        threads: int | None = None,
        prefetch: int | None = None,
        shard: Literal["torch", "auto"] | None = None,
        device: torch.device | str | int | None = None,
        channels_last: ChannelsLast = False,
        dtype: torch.dtype | None = None,
        exact: bool = True,
        rng: Literal["torch", "philox"] = "torch",
    ) -> None:
        one_of("workers", workers, ("auto", "thread"))
        if shard is not None:
            one_of("shard", shard, SHARDS)
        check_delivery(device, channels_last, dtype)
        flag("exact", exact)
        one_of("rng", rng, ("torch", "philox"))
        if threads is not None:
            whole("threads", threads, 1, MAX_THREADS)
        if prefetch is not None:
            whole("prefetch", prefetch, 1, MAX_PREFETCH)
        if is_loader(dataset):
            if batch_size is not None or batch_sampler is not None:
                raise ValueError("batch_size: a loader of fastbatch makes its own batches; pass batch_size=None")
            dataset = as_iterable(dataset, shard=shard or "torch")
        super().__init__(
            dataset,
            batch_size,
            shuffle,
            sampler,
            batch_sampler,
            operator.index(num_workers),
            collate_fn,
            pin_memory,
            drop_last,
            timeout,
            worker_init_fn,
            multiprocessing_context,
            generator,
            prefetch_factor=prefetch_factor,
            persistent_workers=persistent_workers,
            pin_memory_device=pin_memory_device,
            in_order=in_order,
        )
        self.workers = workers
        self.threads = threads
        self.prefetch = prefetch
        self.shard = shard
        self.device = device
        self.channels_last = channels_last
        self.dtype = dtype
        self.exact = exact
        self.rng = rng

    def __iter__(self) -> _BaseDataLoaderIter:
        """Return the iterator of the next epoch; after `load_state_dict`, of the rest of the one that was saved."""
        kind = self._kind()
        if kind is None and isinstance(self._iterator, _OURS):
            self._iterator = None  # of persistent workers
        saved = state.PENDING.get(self)
        if saved is not None:
            state.begin(self, saved)
            if saved["ended"] or kind is LoaderIter or "dataset_iter" in saved:
                state.PENDING.pop(self)
        is_kept = self.persistent_workers and self.num_workers > 0
        again = self._iterator if is_kept and (kind is None or type(self._iterator) is kind) else None
        in_process = kind is not None or self.num_workers == 0
        is_restored = saved is not None and not saved["ended"]
        start = state.start_of(self, again is None)
        progress = state.LATEST[self] = state.Progress(start, is_restored, in_process)
        if kind is None:
            iterator = self._torchs_iterator(saved)
            progress.fetcher = getattr(iterator, "_dataset_fetcher", None)
            if progress.fetcher is not None and self._dataset_kind == _DatasetKind.Map:
                noting(progress.fetcher)
        elif again is not None:
            again._reset(self)
            iterator = again
        else:
            iterator = kind(self)
            if is_kept:
                self._iterator = iterator
        state.PENDING.pop(self, None)
        progress.order = getattr(iterator, "_order", None)
        progress.random_state = getattr(iterator, "random_state", None)
        if saved is not None:
            if not saved["ended"] and self.num_workers == 0 and self._dataset_kind == _DatasetKind.Map:
                state.load_dataset(self, saved)  # again: its state may be that of a generator, which gave the base seed
            iterator._num_yielded = saved["batches"]
            progress.batches = saved["batches"]
            if not saved["ended"]:
                progress.start = state.start_in(saved)
        state.track(iterator, progress, self._delivered)
        return iterator

    def _delivered(self, take: Callable[[], Any], progress: state.Progress) -> Callable[[], Any]:
        """Return a function that takes a batch as `take` does, and hands it out as the options say."""
        delivery = delivery_of(self)
        if delivery is None:
            return take
        if delivery.copies_ahead and self._may_be_taken_ahead():
            return CopyAhead(take, delivery.side_stream(), lambda: state.hold(self, progress))
        return lambda: delivery.batch(take())

    def _may_be_taken_ahead(self) -> bool:
        """Return whether a batch may be taken before it is asked for: nothing is drawn that the step draws from too."""
        kind = self._kind()
        if self.num_workers > 0 or kind in (LoaderIter, ThreadIter):
            return True
        return kind is not None and reads_ahead(self) and (kind is NativeIter or self.rng == "philox")

    def _torchs_iterator(self, saved: dict[str, Any] | None) -> _BaseDataLoaderIter:
        """Return torch's own iterator; after `load_state_dict`, of an iterable dataset, past the batches before."""
        if saved is None or saved["ended"] or self._dataset_kind != _DatasetKind.Iterable or "dataset" in saved:
            return super().__iter__()
        if "dataset_iter" in saved:
            iterator = super().__iter__()
            iterator._dataset_fetcher.dataset_iter.load_state_dict(saved["dataset_iter"])
            return iterator
        with state.rewound(self, saved, draws_seed=False):  # what shuffles as it begins does so again
            iterator = super().__iter__()
            for _ in range(saved["batches"]):
                iterator._next_data()
        return iterator

    @property
    def _index_sampler(self) -> Any:
        inner = self._plain_index_sampler
        saved = state.PENDING.get(self)
        if self._dataset_kind == _DatasetKind.Iterable or (saved is None and not state.is_stateful(inner)):
            return inner
        return state.Indices(self, inner, saved)

    @property
    def _plain_index_sampler(self) -> Any:
        sampler = self.batch_sampler if self._auto_collation else self.sampler
        return sampler if self.shard is None else sharded(self, sampler)

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Let the next iteration be epoch `epoch` of the samplers and datasets that count epochs."""
        for thing in (self._plain_index_sampler, self.sampler, self.dataset):
            if callable(getattr(thing, "set_epoch", None)):
                thing.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return how far the latest iterator is: small, plain numbers and text, the same for any `num_workers`.

        A batch counts once `next` has returned it. Before the first iteration it is the state that was loaded, or that
        of an epoch that begins now.
        """
        progress = state.LATEST.get(self)
        if progress is None and self in state.PENDING:
            return state.PENDING[self]
        return state.state_of(self, progress or state.Progress(state.start_of(self, is_fresh=True)))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next `iter` go on where `state_dict` was taken; an empty one is ignored, as torchdata does.

        Raises:
            StateError: It is one of torchdata, of another version, or of another loader.
        """
        state.LATEST.pop(self, None)
        self._iterator = None
        if state_dict:
            state.PENDING[self] = state.read(self, state_dict)

    def _kind(self) -> type[Any] | None:
        """Return the kind of iterator that this loader's next epoch has; None: torch's own."""
        if type(self)._get_iterator is not torch.utils.data.DataLoader._get_iterator:
            return None  # a subclass with an iterator of its own
        if isinstance(self.dataset, LoaderDataset):
            return LoaderIter
        if self.workers == "thread" and self._dataset_kind == _DatasetKind.Map:
            return ThreadIter
        try:
            if image_work_of(self) is not None:
                return ImageIter
            native_of(self)
        except NotNative:
            return None
        return NativeIter

    def explain(self) -> Explanation:
        """Return a table of what runs natively and what does not, and why."""
        return explain(self, self._kind())


_OURS = (NativeIter, ImageIter, LoaderIter, ThreadIter)
