# SPDX-License-Identifier: MIT
"""Datasets of images that answer torch's own loader with whole batches: `dataset(...)`, `ImageFolder`."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import torch
from torch.utils.data import Dataset, get_worker_info

from fastbatch.batch.tree import flatten
from fastbatch.checks import n_of

from .explain import Explanation, Row, image_rows
from .gathered_samples import GatheredSamples
from .image_work import ImageWork, Started, sample_of, work_of
from .read_ahead import OrderFinder, batches_of
from .streams import Stream
from .tensors import NotNative

_AHEAD = 2  # batches


class ImageBatches:
    """Makes the batches that torch's own loader asks a dataset of images for. Threads: one at a time.

    Random numbers come from torch's default generator, when the batch is asked for, as in torch; where there are none
    to draw, batches are made ahead as soon as the sampler's order can be seen.
    """

    def __init__(self, work: ImageWork) -> None:
        self.work = work
        self._stream = Stream()
        self._ahead: deque[tuple[list[int], Started]] = deque()
        self._upcoming: Iterator[list[int]] = iter(())
        self._finder = OrderFinder()

    def of(self, work: ImageWork) -> ImageBatches:
        """Return the batches of a dataset as it is now."""
        if work.drawn is not self.work.drawn:
            self._ahead.clear()
        self.work = work
        return self

    def make(self, dataset: Any, indices: list[Any], frame: FrameType) -> Sequence[Any]:
        """Return the samples of a batch. What cannot be made natively is made by `dataset`, one by one."""
        started = self._take(indices)
        if started is None:
            rows = self.work.images.rows_of(indices)
            if rows is None:
                return [dataset[index] for index in indices]
            started = self.work.start(rows, self._stream)
            found = self._finder.find(frame)
            if found is not None:
                self._upcoming = batches_of(*found)
        if get_worker_info() is None and not self.work.recipe.draws and not self.work.has_rest:
            self._go_on()
        python = self._stream.python_states() if self.work.has_rest else None
        try:
            return self._gathered(started)
        except Exception:  # the dataset's own way gives its result or its error
            if python is not None:
                self._stream.restore_python(python)
            if started.before is not None:
                self._stream.restore(started.before)
            return [sample_of(dataset, index, self.work.images) for index in indices]

    def _gathered(self, started: Started) -> Sequence[Any]:
        images = self.work.pixels(started)
        if not self.work.has_rest:
            batch = self.work.images.batch(images, started.targets)
            if all(isinstance(leaf, torch.Tensor) for leaf in flatten(batch, arrays=())[0]):
                return GatheredSamples(batch, self.work.images.structure)
        return self.work.samples(started, images)

    def _take(self, indices: list[Any]) -> Started | None:
        if not self._ahead:
            return None
        expected, started = self._ahead.popleft()
        if expected == indices:
            return started
        self._ahead.clear()
        self._upcoming = iter(())
        return None

    def _go_on(self) -> None:
        while len(self._ahead) < _AHEAD:
            indices = next(self._upcoming, None)
            rows = None if indices is None else self.work.images.rows_of(indices)
            if indices is None or rows is None:
                return
            self._ahead.append((indices, self.work.start(rows, self._stream)))


class ImageDataset(Dataset[Any]):
    """A recognised dataset of images, whose batches are decoded by native threads: see `dataset`.

    Attributes:
        source: The dataset.
        threads, exact: As they were given.
    """

    wraps_images = True

    def __init__(self, source: Any, threads: int | None, exact: bool) -> None:
        self.source = source
        self.threads = threads
        self.exact = exact
        work = image_work(self, source, threads, exact)
        if work is None:
            raise NotNative(f"{type(source).__name__} is no dataset of images that is recognised")
        self._batches = ImageBatches(work)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: Any) -> Any:
        return self.source[index]

    def __getitems__(self, indices: list[Any]) -> Sequence[Any]:
        """Return the samples of a batch, made as a whole, by the transforms that the dataset has now."""
        try:
            work = image_work(self, self.source, self.threads, self.exact)
        except NotNative:
            work = None
        if work is None:
            return [self.source[index] for index in indices]
        return self._batches.of(work).make(self.source, indices, sys._getframe(1))

    def __reduce__(self) -> Any:
        return type(self), (self.source, self.threads, self.exact)

    def explain(self) -> Explanation:
        """Return what makes the batches of this dataset."""
        work = self._batches.work
        return Explanation((*image_rows(work), Row("batches", "native", n_of(work.drawn.threads, "thread"))))

    def __repr__(self) -> str:
        return f"fastbatch.torch.dataset({self.source!r})"


def image_work(owner: Any, source: Any, threads: int | None, exact: bool) -> ImageWork | None:
    """Return what makes the images of a dataset under torch's own loader, in this process or in a worker."""
    in_worker = get_worker_info() is not None
    n_threads = 1 if in_worker else threads
    return work_of(owner, source, exact=exact, contiguous=in_worker, threads=n_threads)
