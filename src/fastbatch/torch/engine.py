# SPDX-License-Identifier: MIT
"""What gathers a loader's batches, where its dataset is recognised; and why not, where it is not."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import BatchSampler, default_collate, default_convert
from torch.utils.data._utils import collate
from torch.utils.data.dataloader import _DatasetKind

from fastbatch.checks import n_of
from fastbatch.native.gather import Gather
from fastbatch.native.kernels import available_cpus

from .samples import Samples, check, samples_of, takes_lists
from .tensors import NotNative, tensor_of

COLLATE = dict(collate.default_collate_fn_map)  # with our own additions: see gathered_samples.py
_SMALL = (
    512 << 10
)  # bytes of a batch; NumPy gathers fewer than these as fast as the core, whose threads have to be woken


@dataclass
class Native:
    """What gathers the batches of a recognised dataset; kept from epoch to epoch while its memory is the same."""

    samples: Samples
    gather: Gather

    def __post_init__(self) -> None:
        self._pack = self.samples.pack()
        self._dtypes = self.samples.dtypes
        self._arrays = self.samples.sources if all(type(s) is np.ndarray for s in self.samples.sources) else None
        row_bytes = sum(
            d.itemsize * int(np.prod(s)) for d, s in zip(self.gather.dtypes, self.gather.shapes, strict=True)
        )
        self._small = _SMALL // max(1, row_bytes)  # samples

    def of(self, samples: Samples) -> Native:
        """Return the same for another order of the same rows."""
        return Native(samples, self.gather)

    def batch(self, arrays: list[NDArray[Any]]) -> Any:
        """Return what `default_collate` makes of the samples in these arrays."""
        return self._pack([tensor_of(array, dtype) for array, dtype in zip(arrays, self._dtypes, strict=True)])

    def now(self, rows: NDArray[np.int64]) -> Any:
        """Return a batch, gathered now."""
        if self._arrays is not None and len(rows) <= self._small:
            return self.batch([np.ascontiguousarray(array.take(rows, axis=0)) for array in self._arrays])
        return self.batch(self.gather.batch(rows))

    def versions(self) -> list[int]:
        """Return how often torch wrote to each tensor."""
        return [tensor._version for tensor in self.samples.tensors]


# Kept out of the loaders themselves: frameworks copy a loader's attributes onto another one with another sampler.
_KEPT: weakref.WeakKeyDictionary[Any, Native] = weakref.WeakKeyDictionary()


def native_of(loader: Any) -> Native:
    """Return what gathers the batches of a loader.

    Raises:
        NotNative: They are left to torch; the message says why.
    """
    if loader.workers == "thread":
        raise NotNative("workers='thread'")
    collate_reason(loader)
    samples = _samples_of(loader)
    kept = _KEPT.get(loader)
    if kept is not None and kept.samples.key() == samples.key():
        return kept.of(samples)
    threads = loader.threads or min(loader.num_workers, available_cpus()) or None
    gather = Gather(samples.sources, threads=threads, prefetch=loader.prefetch)
    check(loader.dataset, samples, gather)
    made = _KEPT[loader] = Native(samples, gather)
    return made


def _samples_of(loader: Any) -> Samples:
    if loader._dataset_kind != _DatasetKind.Map:
        raise NotNative("an IterableDataset")
    return samples_of(loader.dataset)


def dataset_reason(loader: Any) -> str:
    """Return what is known of the dataset, or raise NotNative."""
    samples = _samples_of(loader)
    return f"{samples.name}: {n_of(len(samples.sources), 'array')} of {n_of(samples.n_rows, 'row')}"


def collate_reason(loader: Any) -> str:
    """Return what collates the samples, or raise NotNative."""
    function = loader.collate_fn
    if not loader._auto_collation:
        if type(loader.sampler) is BatchSampler and function is default_convert and takes_lists(loader.dataset):
            return "default_convert"
        raise NotNative("batch_size=None: samples, not batches")
    if function is not default_collate:
        name = getattr(function, "__qualname__", None) or type(function).__name__
        raise NotNative(f"{name} is called with a list of samples")
    if collate.default_collate_fn_map != COLLATE:
        raise NotNative("torch's default_collate_fn_map was changed")
    return "default_collate"
