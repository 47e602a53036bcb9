# SPDX-License-Identifier: MIT
"""`ImageDataLoader`: batches of the images in a folder, from a loader that resets itself."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Iterator
from typing import Any, ClassVar, SupportsIndex

import numpy as np

from fastbatch.calls import public_class, takes
from fastbatch.source.image_folder import list_images

from .arrays import arrays
from .backend import Backend
from .images import images


@public_class
class ImageDataLoader:
    """Batches of the images in a folder, from a loader that resets itself at the end of each epoch.

        loader = fb.ImageDataLoader("photos", 32)
        for epoch in range(3):
            for names in loader:
                ...

    It is its own iterator: leaving a loop and entering it again goes on. At the end it counts the epoch, stands at the
    start again, and raises StopIteration.

    Args:
        data_dir: Folder with image files, also in sub-folders, sorted by name.
        batch_size: The last batch may be short.
        decode: False: batches are lists of names relative to `data_dir`. True: arrays, as `images` makes them.
        labels: "infer" takes the sub-folders as classes: batches are (names, labels) or (arrays, labels).
        shuffle, seed: Another order in each epoch.
        image_options: As for `images`; they mean something with `decode=True` only.
    """

    _backend: ClassVar[Backend]

    @takes(images)
    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        batch_size: SupportsIndex,
        *,
        decode: bool = False,
        labels: str | None = None,
        shuffle: bool = False,
        seed: SupportsIndex = 0,
        **image_options: Any,
    ) -> None:
        if labels not in (None, "infer"):
            raise ValueError(f"labels: expected 'infer' or None, found {labels!r}")
        if image_options and not decode:
            raise TypeError(f"{', '.join(image_options)}: means something with decode=True only")
        self.data_dir = data_dir
        order: dict[str, Any] = {"batch_size": batch_size, "shuffle": shuffle, "seed": seed}
        files = list_images(data_dir, infer=labels == "infer")
        root = os.fsencode(data_dir)
        self.file_names = [os.fsdecode(os.path.relpath(path, root)) for path in files.paths]
        self.class_names = files.class_names
        self._names = None if decode else np.array(self.file_names, dtype=object)
        if decode:
            self._loader = images(self._backend, data_dir, labels, **order, **image_options)
        else:
            numbers = np.arange(len(files.paths))
            data = (numbers,) if files.labels is None else (numbers, files.labels)
            self._loader = arrays(self._backend, *data, **order, threads=1)
        self._iterator: Iterator[Any] | None = None
        self._lock = threading.Lock()  # guards the two
        self._epochs = 0

    @property
    def batch_size(self) -> int:
        """Files in a full batch."""
        return int(self._loader.batch_size)

    def current_epoch(self) -> int:
        """Return how many epochs came to their end."""
        return self._epochs

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return len(self._loader)

    def __iter__(self) -> ImageDataLoader:
        return self

    def __next__(self) -> Any:
        with self._lock:
            if self._iterator is None:
                self._iterator = iter(self._loader)
            iterator = self._iterator
        try:
            batch = next(iterator)
        except StopIteration:
            with self._lock:
                if self._iterator is iterator:  # no other thread has come here before
                    self._iterator = None
                    self._epochs += 1
            raise
        if self._names is None:
            return batch
        if isinstance(batch, tuple):
            return self._names[batch[0]].tolist(), batch[1]
        return self._names[batch].tolist()

    def reset(self) -> None:
        """Stand at the start of the epoch again."""
        self._iterator = None

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles stand where this one does, and go their own way, with threads of their own."""
        loader = copy.copy(self._loader)
        if self._iterator is None:  # before the first batch, or reset: at the start of the next epoch
            loader.set_epoch(self._loader._next_epoch)
        return {**self.__dict__, "_loader": loader, "_iterator": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> ImageDataLoader:
        return copy.copy(self)  # names and data do not change

    def close(self) -> None:
        """End all work and join the threads."""
        self._loader.close()

    def __enter__(self) -> ImageDataLoader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
