# SPDX-License-Identifier: MIT
"""Patterns that people write their loaders in: a base class to subclass, a loader of a folder that resets itself."""

from __future__ import annotations

import copy
import functools
import os
import threading
import weakref
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, ClassVar, SupportsIndex, TypeVar

import numpy as np

from fastbatch.checks import whole
from fastbatch.errors import ClosedError, StateError, reading_state
from fastbatch.loader.keras_ready import KerasReady, keras_asks
from fastbatch.plan.plan import MAX_SEED
from fastbatch.source.image_folder import list_images

from .index_pass import IndexPass

STATE_VERSION = 1

Self = TypeVar("Self", bound="DataGenerator")


class DataGenerator(KerasReady):
    """Base class for data of the user's own: write `__len__` and `__getitem__`, the rest comes with it.

        class Frames(fb.DataGenerator):
            def __len__(self):
                return 100

            def __getitem__(self, index):
                return read(index), label(index)

        for x, y in Frames(shuffle=True, seed=1, threads=2):
            ...

    `__getitem__(index)` returns batch `index`, `0 <= index < len(self)`. A `for` is one epoch: each index once. Keras
    3's `fit` takes it as it is. `on_epoch_end` may be overridden; it is called after each whole epoch.

    Args:
        shuffle: Another order of the batches in each epoch, by `seed`.
        threads: Threads that call `__getitem__` ahead; it must then allow that. 0: the caller's own.
        prefetch: Batches made ahead.

    A subclass that forgets `super().__init__()` gets the defaults. Errors of `__getitem__` keep their type and
    traceback; from Python 3.11 on a note names the batch.
    """

    _surface: ClassVar[Any]

    shuffle: bool = False
    seed: int = 0
    threads: int = 1
    prefetch: int = 2
    _next_epoch = 0
    _resume_at = 0
    _pass: IndexPass | None = None
    _closed = False

    def __init__(
        self,
        *,
        shuffle: bool = False,
        seed: SupportsIndex = 0,
        threads: SupportsIndex = 1,
        prefetch: SupportsIndex = 2,
    ) -> None:
        self.shuffle = bool(shuffle)
        self.seed = whole("seed", seed, 0, MAX_SEED)
        self.threads = whole("threads", threads, 0, 1024)
        self.prefetch = whole("prefetch", prefetch, 1, 65536)

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        raise TypeError(f"{type(self).__name__}: write __len__, which returns the number of batches of an epoch")

    @abstractmethod
    def __getitem__(self, index: int) -> Any:
        """Return batch `index`."""
        raise TypeError(f"{type(self).__name__}: write __getitem__(self, index), which returns batch `index`")

    def __init_subclass__(cls, **options: Any) -> None:
        """Let Keras, when it asks for a batch, have the one that was made ahead."""
        super().__init_subclass__(**options)
        if "__getitem__" in cls.__dict__:
            own = cls.__dict__["__getitem__"]

            @functools.wraps(own)
            def made_ahead(self: Any, index: int) -> Any:
                return self._keras().next() if keras_asks() else own(self, index)

            cls.__getitem__ = made_ahead  # type: ignore[method-assign]

    def __iter__(self) -> Iterator[Any]:
        """Begin the next epoch; after `load_state_dict`, once, the rest of the one that was saved."""
        return self._begin_epoch(self.on_epoch_end)

    def _next_length(self) -> int:
        return len(self) - self._resume_at

    def _begin_epoch(self, at_end: Callable[[], None] = lambda: None) -> Iterator[Any]:
        if self._closed:
            raise ClosedError("the loader is closed")
        indices = self._order(self._next_epoch)
        self._pass = IndexPass(self, self._next_epoch, indices, self._resume_at, at_end)
        self.__dict__.setdefault("_passes", weakref.WeakSet()).add(self._pass)
        self._next_epoch += 1
        self._resume_at = 0
        return self._pass

    def _order(self, epoch: int) -> list[int]:
        n = len(self)
        if not self.shuffle or n == 0:
            return list(range(n))
        with self._surface.arrays(np.arange(n), batch_size=n, shuffle=True, seed=self.seed, threads=1) as order:
            order.set_epoch(epoch)
            indices: list[int] = next(iter(order)).tolist()
        return indices

    @property
    def epoch(self) -> int:
        """The epoch that the latest iterator is in, or the next one to begin if it came to its end."""
        return self._next_epoch if self._pass is None or self._pass.ended else self._pass.epoch

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Let the next `for` be epoch `epoch`, from its start."""
        self._next_epoch, self._resume_at, self._pass = whole("epoch", epoch, 0, MAX_SEED), 0, None

    def state_dict(self) -> dict[str, Any]:
        """Return where the latest iterator stands: a few numbers, JSON."""
        epoch, position = self._next_epoch, self._resume_at
        if self._pass is not None and not self._pass.ended:
            epoch, position = self._pass.epoch, self._pass.position
        own = {"seed": self.seed, "shuffle": self.shuffle, "length": len(self)}
        return {"version": STATE_VERSION, "kind": "DataGenerator", "epoch": epoch, "position": position, **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next `for` go on with the batch after the last one that was handed out when `state` was taken.

        Raises:
            StateError: It is no such state, or one of data of another length or order.
        """
        with reading_state("the state of a DataGenerator"):
            if (state["version"], state["kind"]) != (STATE_VERSION, "DataGenerator"):
                raise StateError("not the state of a DataGenerator of this version")
            epoch = whole("epoch", state["epoch"], 0, MAX_SEED)
            position = whole("position", state["position"], 0, len(self))
            found = (state["length"], state["shuffle"], state["seed"])
        own = (len(self), self.shuffle, self.seed)
        if found != own:
            raise StateError("state of other data: length, shuffle, seed", expected=own, found=found)
        self._next_epoch, self._resume_at, self._pass = epoch, position, None

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles stand where this one does, and go their own way."""
        state = self.state_dict()
        own = {"_next_epoch": state["epoch"], "_resume_at": state["position"], "_pass": None}
        return {**{key: value for key, value in self.__dict__.items() if key != "_passes"}, **own}

    def close(self) -> None:
        """End all passes, and their threads. Iterators raise ClosedError from now on."""
        self._closed = True
        for one in list(self.__dict__.get("_passes", ())):
            one.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


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

    _surface: ClassVar[Any]

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
            self._loader = self._surface.images(data_dir, labels, **order, **image_options)
        else:
            numbers = np.arange(len(files.paths))
            data = (numbers,) if files.labels is None else (numbers, files.labels)
            self._loader = self._surface.arrays(*data, **order, threads=1)
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


class ImageGeneratorSurface:
    """`image_generator`, over `images`."""

    def image_generator(
        self,
        image_paths: Sequence[Any],
        labels: Any,
        batch_size: SupportsIndex = 32,
        *,
        size: int | tuple[int, int] = 224,
        shuffle: bool | str = True,
        seed: SupportsIndex = 0,
        layout: str = "NHWC",
        **image_options: Any,
    ) -> Generator[Any, None, None]:
        """Return a generator of `(images, labels)` without end, shuffled anew in each pass over the files.

        Args:
            image_paths, labels: One label for each path.
            batch_size: The last batch of a pass may be short.
            size, shuffle, seed, layout, image_options: As for `images`: float32 in [0, 1], (batch, height, width, 3),
                unless told otherwise.
        """
        images: Any = getattr(self, "images")  # noqa: B009  # of the class that this is mixed into
        options: dict[str, Any] = {"size": size, "shuffle": shuffle, "seed": seed, "layout": layout, **image_options}
        loader = images(image_paths, labels, batch_size=batch_size, **options)
        return _endless(loader)


def _endless(loader: Any) -> Generator[Any, None, None]:
    with loader:
        yield from loader.repeat()
