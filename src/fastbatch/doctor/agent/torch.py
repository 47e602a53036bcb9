# SPDX-License-Identifier: MIT
"""torch's `DataLoader`, with and without worker processes, and the loaders of fastbatch."""

from __future__ import annotations

import contextlib
import copy
import functools
import threading
import weakref
from types import ModuleType
from typing import Any

from .files import FILES
from .imports import patches
from .output import WORK
from .record import INSIDE, Pass, Source, enter_thread, known, place_of_caller
from .sampler import SAMPLER


def timed_next(original: Any, source_of_iterator: Any) -> Any:
    """Return `__next__` of an iterator class, timed."""

    @functools.wraps(original)
    def __next__(self: Any) -> Any:  # noqa: N807
        try:
            run = self._fastbatch_pass
        except AttributeError:
            run = _new_pass(self, source_of_iterator)
        if run is None or not run.enter():
            return original(self)
        got_batch = False
        try:
            batch = original(self)
            got_batch = True
        finally:
            FILES.end()
            run.leave(got_batch)
        return batch

    __next__.is_timed = True  # type: ignore[attr-defined]
    return __next__


def _new_pass(iterator: Any, source_of_iterator: Any) -> Pass | None:
    """Return the pass of an iterator from now on; None if it cannot be recorded, which must not disturb the script."""
    try:
        run = iterator._fastbatch_pass = Pass(source_of_iterator(iterator))
        return run
    except Exception:
        return None


@patches("torch.utils.data.dataloader")
def patch_dataloader(module: ModuleType) -> None:
    """Time the iterators of torch's loader; remember which loader each one is of."""
    base: Any = vars(module)["_BaseDataLoaderIter"]
    begin = base.__init__
    loaders: weakref.WeakKeyDictionary[Any, Source] = weakref.WeakKeyDictionary()

    @functools.wraps(begin)
    def __init__(self: Any, loader: Any, *arguments: Any) -> None:  # noqa: N807
        begin(self, loader, *arguments)
        with contextlib.suppress(Exception):  # of the user's `__len__`, say
            loaders[self] = source_of(loader)

    base.__init__ = __init__
    base.__next__ = timed_next(
        base.__next__, lambda iterator: loaders.get(iterator) or known(Source("torch", "DataLoader"))
    )


def source_of(loader: Any) -> Source:
    """Return the record of a loader of torch's."""
    dataset, kind = loader.dataset, type(loader).__module__
    name = f"{type(loader).__name__} of {described(dataset)}, batch_size={loader.batch_size}"
    if loader.num_workers:
        name += f", num_workers={loader.num_workers}"
    source = Source(
        "torch",
        name,
        place_of_caller(),
        tag=tag_of(dataset),
        workers=loader.num_workers,
        batch_size=loader.batch_size or 1,
        is_ours=kind.startswith("fastbatch"),
    )
    kept = copy.copy(loader)  # without its iterator, which keeps worker processes
    kept.__dict__["_iterator"] = None
    source.object = kept
    return known(source)


def described(dataset: Any) -> str:
    """Return the class of a data set and its length, and what is below a `Subset`."""
    try:
        n = f", {len(dataset):,} samples"
    except Exception:  # it has none, or its own code fails
        n = ""
    name = type(dataset).__name__
    inner = getattr(dataset, "dataset", None)
    if name == "Subset" and inner is not None:
        name = f"Subset of {type(inner).__name__}"
    return name + n


def tag_of(dataset: Any) -> str:
    """Return a name of a data set that is the same in worker processes."""
    return f"torch {described(dataset)}"


@patches("torch.utils.data._utils.fetch")
def patch_fetch(module: ModuleType) -> None:
    """Time the making of batches in worker processes."""
    for name in ("_MapDatasetFetcher", "_IterableDatasetFetcher"):
        fetcher: Any = vars(module)[name]
        fetcher.fetch = _timed_fetch(fetcher.fetch)


def _timed_fetch(fetch: Any) -> Any:
    @functools.wraps(fetch)
    def timed(self: Any, index: Any) -> Any:
        if INSIDE.get(threading.get_ident()) is not None:
            return fetch(self, index)  # in the process of the loop: `next` is timed
        work = vars(self).get("_fastbatch_work")
        if work is None:
            work = self._fastbatch_work = WORK.get(tag_of(self.dataset))
        enter_thread(work)
        SAMPLER.start()
        work.begin()
        try:
            return fetch(self, index)
        finally:
            FILES.end()
            work.end()
            INSIDE.pop(threading.get_ident(), None)

    return timed


@patches("fastbatch.loader.epoch")
def patch_epoch(module: ModuleType) -> None:
    """Time the loaders of fastbatch."""
    epoch: Any = module.Epoch
    epoch.__next__ = timed_next(epoch.__next__, lambda iterator: _own(iterator._loader))


def _own(loader: Any) -> Source:
    name = repr(loader)
    name = "stream of fastbatch" if name.startswith("<") else name.partition(", epoch=")[0] + ")"
    source = Source("fastbatch", name, place_of_caller(), is_ours=True)
    source.facts["batch_size"] = getattr(loader, "batch_size", 0) or 0
    source.object = loader
    return known(source)
