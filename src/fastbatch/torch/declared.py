# SPDX-License-Identifier: MIT
"""Datasets of the user's own that say where their samples lie: `fastbatch_columns()`, and `Images` in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch.utils.data import default_collate

from fastbatch.batch.tree import Structure, flatten, packer
from fastbatch.checks import n_of, one_of, shown

from .tensors import NotNative

HOOK = "fastbatch_columns"


def columns_of(dataset: Any) -> Any:
    """Return what `fastbatch_columns()` of a dataset returns; None: it has no such method.

    Raises:
        NotNative: The method is of a class whose `__getitem__` was overridden since.
    """
    kind = type(dataset)
    if not hasattr(kind, HOOK):
        return None
    owners = [next((c for c in kind.__mro__ if name in vars(c)), object) for name in (HOOK, "__getitem__")]
    if kind.__mro__.index(owners[0]) > kind.__mro__.index(owners[1]):
        raise NotNative(f"{owners[1].__name__}.__getitem__ overrides that of {owners[0].__name__}")
    return getattr(dataset, HOOK)()


class Images:
    """The image files of a dataset of your own, as a leaf of what its `fastbatch_columns()` returns.

    Sample `i` has the image `transform(PIL.Image.open(paths[i]).convert(mode))`.

    Args:
        paths: Of the files, one per sample.
        transform: From a PIL image to a tensor; what of it runs natively, `explain()` says.
        mode: "RGB" or "L", Pillow's names.

    Attributes:
        paths, transform, mode: As they were given.

    Example:
        >>> import torch
        >>> from PIL import Image
        >>> class Photos(torch.utils.data.Dataset):
        ...     def __init__(self, paths, labels, transform):
        ...         self.paths, self.labels, self.transform = paths, labels, transform
        ...
        ...     def __len__(self):
        ...         return len(self.paths)
        ...
        ...     def __getitem__(self, i):
        ...         image = self.transform(Image.open(self.paths[i]).convert("RGB"))
        ...         return {"image": image, "label": self.labels[i]}
        ...
        ...     def fastbatch_columns(self):
        ...         return {"image": Images(self.paths, self.transform), "label": self.labels}
    """

    def __init__(
        self,
        paths: Sequence[str | bytes | os.PathLike[Any]],
        transform: Callable[[Any], Any] | None = None,
        mode: Literal["RGB", "L"] = "RGB",
    ) -> None:
        if isinstance(paths, (str, bytes)):
            raise TypeError(f"paths: expected a sequence of paths, one per sample, found {shown(paths)}")
        self.paths = paths
        self.transform = transform
        self.mode: str = one_of("mode", mode, ("RGB", "L"))

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"Images({n_of(len(self.paths), 'file')}, transform={self.transform!r}, mode={self.mode!r})"


class DeclaredSamples:
    """The samples of such a dataset: the path of each image, and the values of the other columns. Threads: immutable.

    Attributes:
        images: The column of images.
        structure: Of a sample.
    """

    def __init__(self, columns: Any) -> None:
        leaves, self.structure = flatten(columns)
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Images)]
        if len(places) != 1:
            raise NotNative(f"{len(places)} columns of images; expected 1")
        self._place = places[0]
        self.images: Images = leaves.pop(self._place)
        self._others = leaves
        self._pack = packer(self.structure)
        self._path = _path(self.structure, self._place) or ()
        for leaf in leaves:
            if isinstance(leaf, (str, bytes)) or not hasattr(leaf, "__getitem__") or not hasattr(leaf, "__len__"):
                raise NotNative(f"a column is {shown(leaf)}; expected an array, a tensor or a list")
            if len(leaf) != len(self.images):
                raise NotNative(f"columns of {len(self.images)} and {len(leaf)} rows")

    @property
    def samples(self) -> DeclaredSamples:
        """What gives path and target of a sample, as torchvision's datasets of folders do."""
        return self

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Any, list[Any]]:
        """Return the path and the values of the other columns of sample `i`."""
        return self.images.paths[i], [leaf[i] for leaf in self._others]

    def sample(self, image: Any, others: Sequence[Any]) -> Any:
        """Return a sample."""
        return self._pack([*others[: self._place], image, *others[self._place :]])

    def batch(self, images: Any, others: Sequence[Sequence[Any]]) -> Any:
        """Return the batch that `default_collate` makes of samples."""
        batch = default_collate([self.sample(_PLACE, one) for one in others])
        return _replaced(batch, self._path, images)


_PLACE = torch.empty(0)  # of an image, while the rest of a sample is collated


def _path(structure: Structure, leaf: int) -> tuple[Any, ...] | None:
    """Return the keys that lead to a leaf; None: it is not in this structure."""
    if isinstance(structure, int):
        return () if structure == leaf else None
    for key, value in structure.items() if isinstance(structure, dict) else enumerate(structure):
        path = _path(value, leaf)
        if path is not None:
            return (key, *path)
    return None


def _replaced(batch: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a batch with another value at the end of a path."""
    if not path:
        return value
    key, *rest = path
    inner = _replaced(batch[key], tuple(rest), value)
    if hasattr(batch, "_fields"):
        return batch._replace(**{batch._fields[key]: inner})
    batch[key] = inner
    return batch


def declares_images(columns: Any) -> bool:
    """Return whether one of the columns is one of images."""
    return any(isinstance(leaf, Images) for leaf in flatten(columns)[0])
