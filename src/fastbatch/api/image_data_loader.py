# SPDX-License-Identifier: MIT
"""`ImageDataLoader`: batches of the images in a folder, from a loader that resets itself."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, SupportsIndex

import numpy as np

from fastbatch.batch.column import files_identity
from fastbatch.calls import public_class, takes
from fastbatch.checks import shown
from fastbatch.loader.bad_samples import BadSample
from fastbatch.loader.loader import Loader
from fastbatch.loader.state import State, read_state
from fastbatch.source.image_folder import list_images
from fastbatch.source.local_file import path_bytes

from .arrays import arrays
from .backend import Backend
from .images import images


class _Names:
    """Turns the numbers of files in a batch into their names. Immutable."""

    def __init__(self, names: list[str]) -> None:
        self._names = np.array(names, dtype=object)

    def __call__(self, batch: Any) -> Any:
        if isinstance(batch, tuple):
            return self._names[batch[0]].tolist(), batch[1]
        return self._names[batch].tolist()


@public_class
class ImageDataLoader(Loader):
    """Batches of the images in a folder, from a loader that resets itself at the end of each epoch.

        loader = fb.ImageDataLoader("photos", 32)
        for epoch in range(3):
            for names in loader:
                ...

    It is its own iterator: leaving a loop and entering it again goes on. At the end it counts the epoch, goes back to
    the start, and raises StopIteration.

    Args:
        data_dir: Folder with image files, also in sub-folders, sorted by name.
        batch_size: The last batch may be short.
        decode: False: batches are lists of names relative to `data_dir`. True: arrays, as `images` makes them.
        labels: "infer" takes the sub-folders as classes: batches are (names, labels) or (arrays, labels).
        shuffle, seed: Another order in each epoch.
        image_options: As for `images`; only valid with `decode=True`.

    Threads: any; each batch goes to one of them.
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
            raise ValueError(f"labels: expected 'infer' or None, found {shown(labels)}")
        if image_options and not decode:
            raise TypeError(f"{', '.join(image_options)}: means something with decode=True only")
        self.data_dir = data_dir
        order: dict[str, Any] = {"batch_size": batch_size, "shuffle": shuffle, "seed": seed}
        files = list_images(data_dir, infer=labels == "infer")
        root = path_bytes("data_dir", data_dir)
        self.file_names = [os.fsdecode(os.path.relpath(path, root)) for path in files.paths]
        self._class_names = files.class_names
        self._paths: list[bytes] = list(files.paths)
        if decode:
            self._loader = images(self._backend, data_dir, labels, **order, **image_options)
        else:
            numbers = np.arange(len(files.paths))
            data = (numbers,) if files.labels is None else (numbers, files.labels)
            loader = arrays(self._backend, *data, **order, threads=1)
            self._loader = loader.map(_Names(self.file_names))
        self._iterator: Iterator[Any] | None = None
        self._lock = threading.Lock()  # guards the iterator and the count
        self._epochs = 0

    @property
    def batch_size(self) -> int:
        """Files in a full batch."""
        return int(self._loader.batch_size)

    @property
    def n_samples(self) -> int:
        """Files of an epoch, over all ranks."""
        return int(self._loader.n_samples)

    @property
    def seed(self) -> int:
        """The seed of the order and of all random draws."""
        return int(self._loader.seed)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The name of each label; None without labels."""
        return self._class_names

    def current_epoch(self) -> int:
        """Return how many epochs came to their end."""
        return self._epochs

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return len(self._loader)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({os.fspath(self.data_dir)!r}, {self._loader!r})"

    def __iter__(self) -> ImageDataLoader:
        return self

    def __next__(self) -> Any:
        with self._lock:
            if self._iterator is None:
                self._iterator = iter(self._loader)
            iterator = self._iterator
        try:
            return next(iterator)
        except StopIteration:
            with self._lock:
                if self._iterator is iterator:  # no other thread has come here before
                    self._iterator = None
                    self._epochs += 1
            raise

    def reset(self) -> None:
        """Go back to the start of the epoch."""
        self._iterator = None

    # ---- epochs and restart --------------------------------------------------------------------------------------

    def _reached_loader(self) -> Any:
        """Return a copy of the loader that goes on with the next batch; after `reset`, at the start of an epoch."""
        loader = copy.copy(self._loader)
        if self._iterator is None and self._loader._progress is not None:
            loader.set_epoch(self._loader._next_epoch)
        return loader

    @property
    def epoch(self) -> int:
        """The epoch that is under way, or the next one to begin."""
        return int(self._reached_loader().epoch)

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Begin epoch `epoch` with the next batch."""
        with self._lock:
            self._loader.set_epoch(epoch)
            self._iterator, self._epochs = None, self._loader.epoch

    def _next_length(self) -> int | None:
        return self._reached_loader()._next_length()  # type: ignore[no-any-return]

    def _repeat(self, times: int | None) -> Iterator[Any]:
        done = 0
        while times is None or done < times:
            is_empty = True
            for batch in self:
                is_empty = False
                yield batch
            if times is None and is_empty:
                return
            done += 1

    def _kind(self) -> str:
        return "ImageDataLoader"

    def _files(self) -> str:
        """Return a short name for the files."""
        n, digest = files_identity(self._paths)
        return f"{n} files {digest}"

    def state_dict(self) -> dict[str, Any]:
        epoch, position = self._reached_loader()._reached()
        inner = self._loader._state(epoch, position)
        return replace(inner, kind=self._kind(), dataset=self._files()).to_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        found: State = read_state(state, self._kind())
        with self._lock:
            found.refuse_other(self._kind(), self._loader._plan.order(), self._files())
            self._loader._load(replace(found, kind=self._loader._kind(), dataset=self._loader._dataset()))
            self._iterator, self._epochs = None, found.epoch

    # ---- order ---------------------------------------------------------------------------------------------------

    def _with(self, loader: Any) -> ImageDataLoader:
        return self._copied(loader, 0)

    def _copied(self, loader: Any, epochs: int) -> ImageDataLoader:
        copied: ImageDataLoader = object.__new__(type(self))
        own = {"_loader": loader, "_iterator": None, "_lock": threading.Lock(), "_epochs": epochs}
        copied.__dict__.update({**self.__getstate__(), **own})
        return copied

    def take(self, n: SupportsIndex) -> ImageDataLoader:
        return self._with(self._loader.take(n))

    def skip(self, n: SupportsIndex) -> ImageDataLoader:
        return self._with(self._loader.skip(n))

    def map(self, function: Callable[..., Any], *, each: Literal["batch", "sample"] = "batch") -> ImageDataLoader:
        return self._with(self._loader.map(function, each=each))

    def shard(self, rank: SupportsIndex, world_size: SupportsIndex, tail: str | None = None) -> ImageDataLoader:
        return self._with(self._loader.shard(rank, world_size, tail))

    def split(
        self, validation: float = 0.2, *, seed: SupportsIndex = 0, shuffle: bool = True
    ) -> tuple[ImageDataLoader, ImageDataLoader]:
        train, held_out = self._loader.split(validation, seed=seed, shuffle=shuffle)
        return self._with(train), self._with(held_out)

    def select(self, indices: Any) -> ImageDataLoader:
        return self._with(self._loader.select(indices))

    # ---- life ----------------------------------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        return dict(self._loader.stats())

    def report(self) -> list[BadSample]:
        return list(self._loader.report())

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles begin where this one is, with threads of their own."""
        kept = {key: value for key, value in self.__dict__.items() if key not in ("_lock", "_keras_passes")}
        return {**kept, "_loader": self._reached_loader(), "_iterator": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __copy__(self) -> ImageDataLoader:
        return self._copied(self._reached_loader(), self._epochs)

    def __deepcopy__(self, memo: dict[int, Any]) -> ImageDataLoader:
        return copy.copy(self)  # names and data do not change

    def close(self) -> None:
        """End all work and join the threads."""
        self._loader.close()


for _name in ("take", "skip", "map", "shard", "split", "select", "state_dict", "load_state_dict", "stats", "report"):
    getattr(ImageDataLoader, _name).__doc__ = getattr(Loader, _name).__doc__
