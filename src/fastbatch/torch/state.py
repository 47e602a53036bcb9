# SPDX-License-Identifier: MIT
"""The state of a loader: how far its latest iterator is, and how to draw the order of that epoch again.

A state is plain numbers and text. It holds no data and no order, but the states that the generators had before the
order was drawn, and the number of batches since: so it is the same for any number of workers.
"""

from __future__ import annotations

import contextlib
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.utils.data import DistributedSampler
from torch.utils.data.dataloader import _BaseDataLoaderIter

from fastbatch.checks import flag, whole
from fastbatch.errors import StateError

from .iterable import LoaderDataset

if TYPE_CHECKING:
    from .order import KnownOrder

VERSION = 1
_TORCHDATA = {"_num_yielded", "_sampler_iter_yielded", "_snapshot", "_steps_since_snapshot"}
_END = object()


@dataclass
class Progress:
    """How far one iterator is. Outlives it, since the state may be asked for after the loop was left.

    Attributes:
        start: The generators before the order was drawn.
        order: Of a sampler whose whole order is known.
        sampler_states: Of a sampler with a state of its own: after each batch that it was asked for.
        sampler_state: The one after the latest batch that was handed out.
        is_restored: The epoch goes on from a state: `start` is in it.
        in_process: The dataset is not copied to worker processes: its state is that of the batches handed out.
        fetcher: torch's own in this process: the iterator of its dataset may have a state.
        held: The states of the dataset, from before a batch was taken ahead.
        random_state: Returns where the random transforms of images draw.
    """

    start: dict[str, Any]
    is_restored: bool = False
    in_process: bool = True
    batches: int = 0
    ended: bool = False
    order: KnownOrder | None = None
    sampler_states: deque[Any] = field(default_factory=deque)
    sampler_state: Any = None
    fetcher: Any = None
    held: dict[str, Any] | None = None
    random_state: Any = None


# Kept out of the loaders, as the engines are.
LATEST: weakref.WeakKeyDictionary[Any, Progress] = weakref.WeakKeyDictionary()
PENDING: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()


def is_stateful(thing: Any) -> bool:
    """Return whether something has a state of its own."""
    return callable(getattr(thing, "state_dict", None)) and callable(getattr(thing, "load_state_dict", None))


def _generators(loader: Any) -> list[torch.Generator]:
    holders = (loader, loader.sampler, loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None))
    found: list[torch.Generator] = []
    for holder in holders:
        generator = getattr(holder, "generator", None)
        if isinstance(generator, torch.Generator) and all(generator is not other for other in found):
            found.append(generator)
    return found


def start_of(loader: Any, is_fresh: bool) -> dict[str, Any]:
    """Return the states of the generators.

    Args:
        is_fresh: A base seed is drawn from them before the order is, since a new iterator is made.
    """
    states = [generator.get_state() for generator in _generators(loader)]
    return {"fresh": is_fresh, "default": torch.get_rng_state(), "generators": states}


@contextlib.contextmanager
def rewound(loader: Any, saved: Mapping[str, Any], draws_seed: bool = True) -> Iterator[None]:
    """Give the generators the states in which the order was drawn; the default one gets its own back afterwards.

    Args:
        draws_seed: Draw the base seed here, which torch's iterator drew from them first.
    """
    for generator, state in zip(_generators(loader), saved["generators"], strict=True):
        generator.set_state(_tensor(state))
    now = torch.get_rng_state()
    if saved["default"]:
        torch.set_rng_state(_tensor(saved["default"]))
    try:
        if saved["fresh"] and draws_seed:
            torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
        yield
    finally:
        torch.set_rng_state(now)


class Indices:
    """An index sampler that goes on from a saved state, once; and notes the states of one that has its own."""

    def __init__(self, loader: Any, inner: Any, saved: dict[str, Any] | None) -> None:
        self._loader = weakref.ref(loader)
        self._inner = inner
        self._saved = saved

    def __len__(self) -> int:
        return len(self._inner)

    def __iter__(self) -> Iterator[Any]:
        saved, self._saved = self._saved, None
        if is_stateful(self._inner):
            yield from self._noting(saved)
            return
        if saved is None:
            yield from self._inner
            return
        with rewound(self._loader(), saved):
            indices = iter(self._inner)
            for _ in range(saved["batches"]):
                next(indices, None)
            first = next(indices, _END)
        if first is not _END:
            yield first
            yield from indices

    def _noting(self, saved: dict[str, Any] | None) -> Iterator[Any]:
        if saved is not None and saved.get("sampler") is not None:
            self._inner.load_state_dict(saved["sampler"])
        progress = LATEST.get(self._loader())
        if progress is not None:
            progress.sampler_state = self._inner.state_dict()  # until a batch is handed out: several are read before
        for index in self._inner:
            if progress is not None:
                progress.sampler_states.append(self._inner.state_dict())
            yield index


Take = Callable[[], Any]


def track(iterator: Any, progress: Progress, delivered: Callable[[Take, Progress], Take]) -> None:
    """Count the batches that an iterator hands out, whichever kind it is.

    Args:
        delivered: Given what takes a batch of the iterator, returns what takes it as it is handed out.
    """
    if not isinstance(iterator, _BaseDataLoaderIter):  # of a subclass of the user's own
        return
    next_data, this = cast(Any, type(iterator))._next_data, weakref.ref(iterator)
    take = delivered(lambda: next_data(this()), progress)

    def counted() -> Any:
        try:
            data = take()
        except StopIteration as end:
            if str(end).startswith("Caught StopIteration"):  # by torch, in a worker process: no end, but lost samples
                raise RuntimeError(f"a dataset raised StopIteration: {end}") from end
            progress.ended, progress.held = True, None
            raise
        progress.batches += 1
        if progress.sampler_states:
            progress.sampler_state = progress.sampler_states.popleft()
        return data

    cast(Any, iterator)._next_data = counted


def state_of(loader: Any, progress: Progress) -> dict[str, Any]:
    """Return the state of a loader whose latest iterator is this far."""
    state: dict[str, Any] = {
        "version": VERSION,
        "batches": 0 if progress.ended else progress.batches,
        "ended": progress.ended,
        "batch_size": loader.batch_size,
        "fresh": False,
        "default": "",
        "seed": None,
        "generators": [],
    }
    if isinstance(loader.sampler, DistributedSampler):
        state["sampler_epoch"] = loader.sampler.epoch
        state["ranks"] = loader.sampler.num_replicas
    if is_stateful(loader._plain_index_sampler):
        stated = None if progress.ended else progress.sampler_state
        state["sampler"] = loader._plain_index_sampler.state_dict() if stated is None else stated
    if progress.ended:
        state["generators"] = [_text(generator.get_state()) for generator in _generators(loader)]
    else:
        order = progress.order if progress.order is not None and progress.order.start is not None else None
        start = progress.start if order is None or order.start is None else order.start
        if progress.order is not None and order is None and not progress.is_restored:
            start = start_of(loader, is_fresh=False)  # the order is drawn at the first batch: from what there is then
        state["fresh"] = start["fresh"]
        state["generators"] = [_text(generator) for generator in start["generators"]]
        if order is not None:
            state["seed"] = order.seed
        draws = order.uses_default if order is not None else "sampler" not in state
        draws = draws and not isinstance(loader.dataset, LoaderDataset)
        if draws and start["default"] is not None:
            state["default"] = _text(start["default"])
    state.update(_data_state(loader, progress) if progress.held is None else progress.held)
    return state


def hold(loader: Any, progress: Progress) -> None:
    """Keep the states of a dataset as they are now: a batch is taken ahead, which is handed out later."""
    progress.held = _data_state(loader, progress)


def _data_state(loader: Any, progress: Progress) -> dict[str, Any]:
    """Return the states of a dataset and of its random transforms."""
    found = _dataset_state(loader, progress)
    if progress.random_state is not None and not progress.ended:
        found.update(progress.random_state())
    return found


def _dataset_state(loader: Any, progress: Progress) -> dict[str, Any]:
    """Return the states of a dataset, and of its iterator, where they have some and are in this process."""
    found = {}
    if progress.in_process and is_stateful(loader.dataset):
        found["dataset"] = loader.dataset.state_dict()
    iterator = getattr(progress.fetcher, "dataset_iter", None)
    if iterator is not None and is_stateful(iterator) and iterator is not loader.dataset:
        found["dataset_iter"] = iterator.state_dict()
    return found


def read(loader: Any, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state, checked.

    Raises:
        StateError: It is one of torchdata, of another version, or of another loader.
    """
    if _TORCHDATA & set(state):
        raise StateError("state of torchdata's StatefulDataLoader: expected one of fastbatch.torch")
    try:
        if state["version"] != VERSION:
            raise StateError("state of another version", expected=VERSION, found=state["version"])
        read = {
            **state,
            "batches": whole("batches", state["batches"], 0),
            "ended": flag("ended", state["ended"]),
            "fresh": flag("fresh", state["fresh"]),
            "default": state["default"],
            "seed": state["seed"],
            "generators": list(state["generators"]),
        }
        batch_size = state["batch_size"]
    except KeyError as error:
        raise StateError(f"not a state of fastbatch.torch: {error} is missing") from error
    except (TypeError, ValueError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError(f"not a state of fastbatch.torch: {error}") from error
    if batch_size != loader.batch_size:
        raise StateError("state of another batch size", expected=loader.batch_size, found=batch_size)
    if isinstance(loader.sampler, DistributedSampler) and state.get("ranks", loader.sampler.num_replicas) != (
        loader.sampler.num_replicas
    ):  # batches of other samples
        raise StateError(
            "state of another number of ranks (shard='torch' can go on with any)",
            expected=loader.sampler.num_replicas,
            found=state["ranks"],
        )
    n = len(_generators(loader))
    if len(read["generators"]) != n:
        raise StateError("state of another sampler", expected=f"{n} generators", found=len(read["generators"]))
    return read


def begin(loader: Any, saved: Mapping[str, Any]) -> None:
    """Prepare a loader, before its iterator is made, for going on from a state."""
    if "sampler_epoch" in saved and not saved["ended"] and isinstance(loader.sampler, DistributedSampler):
        loader.sampler.set_epoch(saved["sampler_epoch"])
    if saved["ended"] and saved.get("sampler") is not None and is_stateful(loader._plain_index_sampler):
        loader._plain_index_sampler.load_state_dict(saved["sampler"])
    load_dataset(loader, saved)
    if saved["ended"]:
        for generator, state in zip(_generators(loader), saved["generators"], strict=True):
            generator.set_state(_tensor(state))


def load_dataset(loader: Any, saved: Mapping[str, Any]) -> None:
    """Give a dataset its state, if it has one."""
    if "dataset" in saved and is_stateful(loader.dataset):
        loader.dataset.load_state_dict(saved["dataset"])


def start_in(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return the states of the generators that are in a state."""
    default = _tensor(saved["default"]) if saved["default"] else None
    return {"fresh": saved["fresh"], "default": default, "generators": [*map(_tensor, saved["generators"])]}


def _text(state: torch.Tensor) -> str:
    return bytes(state.numpy()).hex()


def _tensor(state: str) -> torch.Tensor:
    return torch.frombuffer(bytearray.fromhex(state), dtype=torch.uint8)
