# SPDX-License-Identifier: MIT
"""Datasets of images: which ones are recognised, and where image and target of sample `i` are.

They are recognised by their methods, as torchvision wrote them; torchvision itself is not imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import ConcatDataset, Subset, default_collate

from fastbatch.batch.tree import Structure

from .declared import DeclaredSamples, columns_of, declares_images
from .step import Size
from .tensors import NotNative, indices_of

_FOLDER = "torchvision.datasets.folder"
_LOADERS = ("default_loader", "pil_loader")


@dataclass(frozen=True)
class ImageSet:
    """Sample `i` is image `rows[i]` of the leaf that it falls into.

    Attributes:
        name: For people.
        leaves: Datasets with the images.
        starts: The first row of each leaf.
        rows: None: sample `i` is row `i`. Below 0: not a sample.
        arrays: uint8, (n, height, width[, channels]) of each leaf; empty: the images are files.
        channels: Of the images.
        transform, target_transform: Of the leaves.
        declared: What makes a sample of its parts, where the dataset says so; None: (image, target).
    """

    name: str
    leaves: tuple[Any, ...]
    starts: NDArray[np.int64]
    n_rows: int
    arrays: tuple[NDArray[np.uint8], ...]
    channels: int
    transform: Any
    target_transform: Any
    rows: NDArray[np.int64] | None = None
    declared: DeclaredSamples | None = None

    @property
    def size(self) -> Size | None:
        """(height, width) of all images; None: each has its own."""
        return (self.arrays[0].shape[1], self.arrays[0].shape[2]) if self.arrays else None

    @property
    def structure(self) -> Structure:
        """The structure of a sample."""
        return (0, 1) if self.declared is None else self.declared.structure

    def rows_of(self, indices: Any) -> NDArray[np.int64] | None:
        """Return the rows of a batch; None: it is left to torch, since it is no list of indices of samples."""
        if not isinstance(indices, (list, tuple, np.ndarray, torch.Tensor)):
            return None
        try:
            asked = np.asarray(indices)
        except (ValueError, TypeError, RuntimeError):
            return None
        n = self.n_rows if self.rows is None else len(self.rows)
        if asked.ndim != 1 or len(asked) == 0 or asked.dtype.kind not in "iu" or asked.min() < 0 or asked.max() >= n:
            return None
        rows = asked.astype(np.int64, copy=False) if self.rows is None else self.rows[asked]
        return None if rows.min() < 0 or rows.max() >= self.n_rows else rows

    def files(self, rows: NDArray[np.int64]) -> tuple[list[bytes], list[Any]]:
        """Return the paths and the targets of rows, as the datasets list them now."""
        pairs = self._taken([leaf.samples for leaf in self.leaves], rows)
        return [os.fsencode(path) for path, _ in pairs], [target for _, target in pairs]

    def targets(self, rows: NDArray[np.int64]) -> list[Any]:
        """Return the targets of rows of arrays, as the datasets' `__getitem__` gives them."""
        targets = [leaf.targets for leaf in self.leaves]
        if len(targets) == 1 and isinstance(targets[0], torch.Tensor):
            return list(targets[0][torch.from_numpy(rows)].tolist())
        return [one.item() if isinstance(one, torch.Tensor) else one for one in self._taken(targets, rows)]

    def _taken(self, leaves: list[Any], rows: NDArray[np.int64]) -> list[Any]:
        """Return the elements at rows of lists, one for each leaf."""
        if len(leaves) == 1:
            return [leaves[0][row] for row in rows.tolist()]
        which = np.searchsorted(self.starts, rows, "right") - 1
        places = rows - self.starts[which]
        return [leaves[k][i] for k, i in zip(which.tolist(), places.tolist(), strict=True)]

    def sample(self, image: Any, target: Any) -> Any:
        """Return a sample, as the dataset's `__getitem__` does."""
        return (image, target) if self.declared is None else self.declared.sample(image, target)

    def batch(self, images: Any, targets: list[Any]) -> Any:
        """Return a batch, as `default_collate` makes it of samples."""
        if self.declared is None:
            return [images, default_collate(targets)]
        return self.declared.batch(images, targets)

    def place(self, index: Any) -> str:
        """Return the file of a sample, for a message; empty if there is none."""
        rows = None if self.arrays else self.rows_of([index])
        return "" if rows is None else ", " + self.files(rows)[0][0].decode("utf-8", "replace")

    def key(self) -> tuple[Any, ...]:
        """Return a value that is equal for the same images."""
        arrays = [(one.__array_interface__["data"], one.shape, one.strides) for one in self.arrays]
        leaves = self.leaves if self.declared is None else ()
        return (*map(id, leaves), self.n_rows, *arrays, id(self.target_transform), repr(self.structure))


def image_set(dataset: Any) -> ImageSet | None:
    """Return where the images of a dataset are; None: it has none that are recognised.

    Raises:
        NotNative: It is a dataset of images, but not as torchvision wrote it; the message says why.
    """
    kind = type(dataset)
    get = getattr(kind, "__getitem__", None)
    get_many = getattr(dataset, "__getitems__", None)
    if get is Subset.__getitem__ and getattr(get_many, "__func__", None) is Subset.__getitems__:
        return _subset(dataset)
    if get is ConcatDataset.__getitem__ and get_many is None:
        return _concatenated(dataset)
    wrapped = getattr(kind, "wraps_images", None)
    if wrapped is not None:  # `dataset(...)`
        return image_set(dataset.source)
    if getattr(get, "reads_files", False):  # of our own ImageFolder
        return _folder(dataset)
    if get_many is not None:
        return None
    columns = columns_of(dataset)
    if columns is not None:
        return _declared(columns, kind.__name__) if declares_images(columns) else None
    if get is not None and get is _method(_FOLDER, "DatasetFolder"):
        return _folder(dataset)
    if get is not None and get is _method("torchvision.datasets.cifar", "CIFAR10"):
        return _array(dataset, dataset.data, 3)
    if get is not None and get is _method("torchvision.datasets.mnist", "MNIST"):
        return _array(dataset, dataset.data, 1)
    return None


def _method(module: str, name: str) -> Any:
    return getattr(getattr(sys.modules.get(module), name, None), "__getitem__", None)


def _folder(dataset: Any) -> ImageSet:
    name = type(dataset).__name__
    loader = dataset.loader
    folder = sys.modules.get(_FOLDER)
    known = [getattr(folder, one, None) for one in _LOADERS]
    if not (getattr(loader, "is_fastbatch_loader", False) or (loader is not None and loader in known)):
        called = getattr(loader, "__qualname__", None) or type(loader).__name__
        raise NotNative(f"{name} with the loader {called}")
    backend = getattr(sys.modules.get("torchvision"), "_image_backend", "PIL")
    if loader is known[0] and backend != "PIL":
        raise NotNative(f"{name} with the image backend {backend}")
    return ImageSet(
        name,
        (dataset,),
        np.zeros(1, np.int64),
        len(dataset.samples),
        (),
        3,
        dataset.transform,
        dataset.target_transform,
    )


def _declared(columns: Any, name: str) -> ImageSet:
    samples = DeclaredSamples(columns)
    images = samples.images
    channels = 1 if images.mode == "L" else 3
    n = len(samples)
    return ImageSet(name, (samples,), np.zeros(1, np.int64), n, (), channels, images.transform, None, None, samples)


def _array(dataset: Any, data: Any, channels: int) -> ImageSet:
    name = type(dataset).__name__
    array = data.numpy() if isinstance(data, torch.Tensor) and data.device.type == "cpu" else data
    dims = 4 if channels == 3 else 3
    if type(array) is not np.ndarray or array.dtype != np.uint8 or array.ndim != dims or not len(array):
        raise NotNative(f"{name} whose data is no array of bytes")
    if (channels == 3 and array.shape[3] != 3) or 0 in array.shape:
        raise NotNative(f"{name} with images of the shape {array.shape[1:]}")
    return ImageSet(
        name,
        (dataset,),
        np.zeros(1, np.int64),
        len(array),
        (array,),
        channels,
        dataset.transform,
        dataset.target_transform,
    )


def _subset(dataset: Subset[Any]) -> ImageSet | None:
    inner = image_set(dataset.dataset)
    if inner is None:
        return None
    indices = indices_of(dataset)
    n = inner.n_rows if inner.rows is None else len(inner.rows)
    outside = (indices < 0) | (indices >= n)
    rows = np.where(outside, 0, indices)
    rows = np.where(outside, -1, rows if inner.rows is None or not n else inner.rows[rows])
    return replace(inner, name=f"{type(dataset).__name__} of {inner.name}", rows=rows)


def _concatenated(dataset: ConcatDataset[Any]) -> ImageSet | None:
    parts: Sequence[ImageSet | None] = [image_set(part) for part in dataset.datasets]
    if any(part is None for part in parts):
        return None
    sets = [part for part in parts if part is not None]
    first = sets[0]
    kind = type(dataset).__name__
    for part in sets:
        if part.transform is not first.transform or part.target_transform is not first.target_transform:
            raise NotNative(f"{kind} of image datasets with different transforms")
        if part.size != first.size:
            raise NotNative(f"{kind} of images of different sizes")
        if (repr(part.structure), part.channels) != (repr(first.structure), first.channels):
            raise NotNative(f"{kind} of image datasets with different samples")
    counts = [part.n_rows if part.rows is None else len(part.rows) for part in sets]
    if np.cumsum(counts).tolist() != list(dataset.cumulative_sizes):
        raise NotNative(f"the parts of {kind} have changed their length")
    leaves: list[Any] = []
    starts: list[int] = []
    rows: list[NDArray[np.int64]] = []
    n = 0
    for part in sets:
        own = np.arange(part.n_rows) if part.rows is None else part.rows
        rows.append(np.where(own < 0, -1, own + n))
        leaves += part.leaves
        starts += (part.starts + n).tolist()
        n += part.n_rows
    return replace(
        first,
        name=f"{kind} of {len(sets)} x {first.name}",
        leaves=tuple(leaves),
        starts=np.array(starts, np.int64),
        n_rows=n,
        arrays=sum((part.arrays for part in sets), ()),
        rows=np.concatenate(rows),
    )
