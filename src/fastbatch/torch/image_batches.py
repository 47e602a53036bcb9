# SPDX-License-Identifier: MIT
"""The iterator of a loader whose dataset is one of images: the core's threads decode and transform them.

Random numbers come from the generators that torch would use. With `num_workers=0` they are drawn at `next()`, from the
generator that the user's code shares. With workers, batch `k` draws from the generators of worker `k % num_workers`,
which nobody else sees: so batches are under way as far ahead as torch's are.
"""

from __future__ import annotations

import contextlib
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import _utils, default_collate
from torch.utils.data.dataloader import _BaseDataLoaderIter, _DatasetKind

from fastbatch.checks import shown

from .engine import collate_reason
from .errors import fetch, placed
from .image_work import ImageWork, RestDraws, Started, n_threads, sample_of, work_of
from .order import KnownOrder, known_order
from .sharded import ShardedBatches
from .state import PENDING, rewound, start_in, start_of
from .streams import PhiloxStream, Stream, WorkerStream, python_state, run_init
from .tensors import NotNative

_AHEAD = 2  # batches ahead with num_workers=0, where that changes nothing
_pin_memory: Any = _utils.pin_memory.pin_memory


def image_work_of(loader: Any) -> ImageWork | None:
    """Return what makes the images of a loader's batches; None: its dataset is none of images.

    Raises:
        NotNative: It is, but they are left to torch; the message says why.
    """
    if loader.workers == "thread":
        raise NotNative("workers='thread'")
    if loader._dataset_kind != _DatasetKind.Map:
        return None
    workers = loader.num_workers
    work = work_of(loader, loader.dataset, exact=loader.exact, contiguous=workers > 0, threads=n_threads(loader))
    if work is not None:
        if not loader._auto_collation:
            raise NotNative("batch_size=None: samples, not batches")
        if loader.collate_fn is default_collate:
            collate_reason(loader)
    return work


@dataclass
class _Asked:
    """A batch that the sampler was asked for."""

    k: int
    index: Any
    stream: Stream
    started: Started | None = None  # None: its indices are left to torch, or it waits for the one before it
    is_begun: bool = False
    after: torch.Tensor | None = None  # the stream after the batch, where states are saved


class Streams:
    """The streams of an iterator, and how far they are after the batch that was handed out last."""

    def __init__(self, loader: Any, base_seed: int, saved: dict[str, Any]) -> None:
        n = loader.num_workers
        self.seed: int | None = None  # of Philox streams
        self._handed_out: list[torch.Tensor] = []  # states of the workers' streams
        self._streams: list[Stream] = []
        if loader.rng == "philox":
            self.seed = int(saved.get("philox", base_seed))
            self._streams.append(PhiloxStream(self.seed))
        elif n == 0:
            self._streams.append(Stream())
            if "random" in saved:
                torch.set_rng_state(_state(saved["random"]))
        else:
            self._make_workers(loader, base_seed, saved.get("streams", []))
        self.is_shared = n == 0 and self.seed is None  # with the user's code

    def _make_workers(self, loader: Any, base_seed: int, saved: list[str]) -> None:
        info = {"num_workers": loader.num_workers, "dataset": loader.dataset}
        for worker in range(loader.num_workers):
            stream = WorkerStream(base_seed, worker)
            run_init(loader.worker_init_fn, stream, worker, {**info, "seed": base_seed + worker})
            if len(saved) == loader.num_workers:
                stream.restore(_state(saved[worker]))
            self._streams.append(stream)
            self._handed_out.append(stream.state())

    def of(self, k: int) -> Stream:
        """Return the stream of batch `k`."""
        return self._streams[k % len(self._streams)]

    def handed_out(self, asked: _Asked) -> None:
        """Note that a batch was handed out."""
        if asked.after is not None and self._handed_out:
            self._handed_out[asked.k % len(self._streams)] = asked.after

    def state(self) -> dict[str, Any]:
        """Return where the streams are, as plain text: a part of the loader's state."""
        if self.seed is not None:
            return {"philox": self.seed}
        if self.is_shared:
            return {"random": _text(torch.get_rng_state())}
        return {"streams": [_text(state) for state in self._handed_out]}


def _state(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)


def _text(state: torch.Tensor) -> str:
    return bytes(state.numpy()).hex()


class ImageIter(_BaseDataLoaderIter):
    """Iterates once over a dataset of images, as its sampler says."""

    _streams: Streams | None = None

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._begin(loader)

    def _reset(self, loader: Any, first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        self._begin(loader)

    def _begin(self, loader: Any) -> None:
        work = image_work_of(loader)
        assert work is not None
        self._work = work
        self._collates = self._collate_fn is not default_collate
        self._runs_python = work.has_rest or self._collates
        self._draws = work.recipe.draws or self._runs_python
        self._fetcher = _utils.fetch._MapDatasetFetcher(
            self._dataset, self._auto_collation, self._collate_fn, self._drop_last
        )
        saved = PENDING.get(loader) or {}
        if self._streams is None:
            self._streams = Streams(loader, self._base_seed, saved)
        self._order = known_order(loader._plain_index_sampler)
        self._saved = None if self._order is None else PENDING.pop(loader, None)
        self._loader = weakref.ref(loader)
        self._plain = False  # torch's own way for the rest of the epoch
        self._late = False  # the next batch of a stream begins when the one before it is there
        self._next_k = 0 if saved.get("ended", True) else saved["batches"]
        self._requests = 0  # batches that torch would have asked the sampler for
        self._waiting: deque[_Asked] = deque()
        self._ended = False
        self._indices: Iterator[Any] = self._sampler_iter if self._order is None else self._listed(self._order)
        self._workers_ahead = loader.num_workers * (loader.prefetch_factor or 0)
        known = self._order is not None or isinstance(loader._plain_index_sampler, ShardedBatches)
        free = known and not (self._streams.is_shared and self._draws)
        self._own_ahead = (loader.prefetch or _AHEAD) if free and not self._workers_ahead else 0
        for _ in range(self._workers_ahead):
            self._ask()
            self._request()

    @property
    def random_state(self) -> Callable[[], dict[str, Any]] | None:
        """What returns where the random numbers of the transforms are, a part of the loader's state."""
        return self._streams.state if self._draws and self._streams is not None else None

    def _listed(self, order: KnownOrder) -> Iterator[Any]:
        """Yield the batches of a known order; it is drawn at the first one."""
        saved, self._saved = self._saved, None
        loader = self._loader()
        first = 0
        if saved is None:
            if loader is not None:
                order.start = start_of(loader, is_fresh=False)
            indices = order.draw()
        else:
            order.seed, order.start, first = saved["seed"], start_in(saved), saved["batches"]
            with rewound(loader, saved):
                indices = order.draw()
                drawn = torch.get_rng_state()
            assert self._streams is not None
            if self._streams.is_shared and "random" in saved and first == 0:  # saved before the order was drawn
                torch.set_rng_state(drawn)
            for request in range(1, first + 1):
                order.ask(request)
            self._requests += first
        size = order.batch_size
        n = len(indices) // size if order.drop_last else -(-len(indices) // size)
        for k in range(first, n):
            yield np.asarray(indices[k * size : (k + 1) * size], np.int64).tolist()

    def _request(self) -> None:
        """Advance the sampler's generator as torch's request for one more batch does, where the order is known."""
        self._requests += 1
        if self._order is not None:
            self._order.ask(self._requests)

    def _ask(self) -> None:
        """Begin with one more batch."""
        if self._ended:
            return
        try:
            index = next(self._indices)
        except StopIteration:
            self._ended = True
            return
        assert self._streams is not None
        k, self._next_k = self._next_k, self._next_k + 1
        stream = self._streams.of(k)
        asked = _Asked(k, index, stream)
        if not self._late or all(other.stream is not stream for other in self._waiting):
            self._start(asked)
        self._waiting.append(asked)

    def _start(self, asked: _Asked) -> None:
        """Draw the numbers of a batch, and let the threads begin."""
        asked.is_begun, asked.started, asked.after = True, None, None
        rows = None if self._plain else self._work.images.rows_of(asked.index)
        if rows is None:
            self._late = True  # the dataset draws when it makes the batch: what follows on this stream has to wait
            return
        asked.started = self._work.start(rows, asked.stream)
        if self._workers_ahead and self._work.recipe.draws:
            asked.after = asked.stream.state()

    def _next_data(self) -> Any:
        if not self._workers_ahead:
            for _ in range(1 + self._own_ahead - len(self._waiting)):
                self._ask()
            self._request()
        if not self._waiting:
            raise StopIteration
        asked = self._waiting.popleft()
        data = self._made(asked)
        assert self._streams is not None
        if self._workers_ahead and self._draws and not self._is_drawn_ahead(asked.stream):
            asked.after = asked.stream.state()
        self._streams.handed_out(asked)
        following = next((one for one in self._waiting if one.stream is asked.stream), None)
        if following is not None and not following.is_begun:
            self._start(following)
        if self._workers_ahead:
            self._ask()
            self._request()
        if self._pin_memory:
            data = _pin_memory(data, self._pin_memory_device)
        return data

    def _made(self, asked: _Asked) -> Any:
        """Return a batch; one that cannot be made natively is made by the dataset, from the same numbers."""
        if self._plain or asked.started is None:
            return self._by_torch(asked)
        python = asked.stream.python_states() if self._runs_python else None
        scope = asked.stream.installed() if self._work.has_rest else contextlib.nullcontext()
        try:
            with scope:
                if not self._collates:
                    return self._work.result(asked.started)
                samples = self._work.samples(asked.started, self._work.pixels(asked.started))
            return self._collated(asked, samples)
        except RestDraws:
            again = True
        except Exception:  # torch's own way gives its result or its error
            again = False
        if python is not None:
            asked.stream.restore_python(python)
        later = asked.stream.state()
        if asked.started.before is not None:
            asked.stream.restore(asked.started.before)
        data = self._by_torch(asked)
        if again or (asked.after is not None and not torch.equal(asked.stream.state(), asked.after)):
            self._plain = True  # what was drawn ahead was drawn from the wrong numbers
            self._rewound(asked.stream)
        elif asked.after is not None:
            asked.stream.restore(later)
        return data

    def _collated(self, asked: _Asked, samples: list[Any]) -> Any:
        """Return what a `collate_fn` of the user's own makes of samples, with the random numbers that torch gives it.

        What is drawn ahead is drawn from the wrong numbers if the function draws from the same stream: then each batch
        of a stream begins, from now on, when the function has made the one before it.
        """
        stream = asked.stream
        if asked.after is None or not self._is_drawn_ahead(stream):
            with stream.installed():
                return self._collate_fn(samples)
        later = stream.state()
        stream.restore(asked.after)
        try:
            with stream.installed():
                before = python_state()
                data = self._collate_fn(samples)
                draws = python_state() != before
        except Exception:
            stream.restore(later)
            raise
        if not draws:
            stream.restore(later)
            return data
        self._late = True
        for first in self._rewound(stream):
            self._start(first)
        return data

    def _rewound(self, done: Stream) -> list[_Asked]:
        """Let the streams be where they were before the batches that wait; return the first of each other stream.

        Args:
            done: The stream that is right already.
        """
        right, firsts = [done], []
        for asked in self._waiting:
            if not any(asked.stream is one for one in right):
                if asked.started is not None and asked.started.before is not None:
                    asked.stream.restore(asked.started.before)
                right.append(asked.stream)
                firsts.append(asked)
            asked.started, asked.is_begun = None, False
        return firsts

    def _is_drawn_ahead(self, stream: Stream) -> bool:
        """Return whether numbers were drawn from a stream for a batch that waits."""
        if not self._workers_ahead or not isinstance(stream, WorkerStream) or not self._work.recipe.draws:
            return False
        return any(asked.is_begun and asked.stream is stream for asked in self._waiting)

    def _by_torch(self, asked: _Asked) -> Any:
        with asked.stream.installed():
            return self._fetch(asked.index, asked.k)

    def _fetch(self, index: Any, k: int) -> Any:
        """Return what torch's fetcher makes of a batch; errors name the batch, the index and the file."""
        if not isinstance(index, (list, tuple)):
            return fetch(self._fetcher, index, k)
        samples = [sample_of(self._dataset, one, self._work.images, f"batch {k}, ") for one in index]
        try:
            return self._fetcher.collate_fn(samples)
        except Exception as error:
            raise placed(error, f"batch {k}, indices {shown(index)}" if len(index) <= 8 else f"batch {k}") from error
