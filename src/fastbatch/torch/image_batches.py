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
from torch.utils.data import _utils
from torch.utils.data.dataloader import _BaseDataLoaderIter, _DatasetKind

from fastbatch.checks import shown

from .engine import collate_reason
from .errors import fetch, placed
from .image_work import ImageWork, RestDraws, Started, n_threads, sample_of, work_of
from .order import KnownOrder, known_order
from .sharded import ShardedBatches
from .state import PENDING, rewound, start_in, start_of
from .streams import PhiloxStream, Stream, WorkerStream, run_init
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
        collate_reason(loader)
    return work


@dataclass
class _Asked:
    """A batch that the sampler was asked for."""

    k: int
    index: Any
    stream: Stream
    started: Started | None  # None: its indices are left to torch
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
        self._draws = work.recipe.draws or work.has_rest
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
        rows = None if self._plain else self._work.images.rows_of(index)
        started = None if rows is None else self._work.start(rows, stream)
        ahead = self._workers_ahead and started is not None and self._work.recipe.draws
        after = stream.state() if ahead else None
        self._waiting.append(_Asked(k, index, stream, started, after))

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
        if self._workers_ahead and self._draws and (self._plain or asked.after is None):
            asked.after = asked.stream.state()
        self._streams.handed_out(asked)
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
        python = asked.stream.python_states() if self._work.has_rest else None
        scope = asked.stream.installed() if self._work.has_rest else contextlib.nullcontext()
        try:
            with scope:
                return self._work.result(asked.started)
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
            self._go_plain(asked.stream)
        elif asked.after is not None:
            asked.stream.restore(later)
        return data

    def _go_plain(self, done: Stream) -> None:
        """Let torch's own way make the rest of the epoch: what was drawn ahead was drawn from the wrong numbers.

        Args:
            done: The stream that is right already.
        """
        self._plain = True
        right = [done]
        for asked in self._waiting:
            if asked.started is None or asked.started.before is None or any(asked.stream is one for one in right):
                continue
            asked.stream.restore(asked.started.before)
            right.append(asked.stream)

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
