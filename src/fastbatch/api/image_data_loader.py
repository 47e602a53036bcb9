# SPDX-License-Identifier: MIT
"""`ImageDataLoader`: batches of the images in a folder, by an iterator that resets itself."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, SupportsIndex

import numpy as np

from fastbatch.batch.column import files_identity
from fastbatch.calls import public_class, takes
from fastbatch.checks import shown
from fastbatch.loader import fork as process
from fastbatch.loader.bad_samples import BadSample
from fastbatch.loader.counters import Stats
from fastbatch.loader.loader import Loader
from fastbatch.loader.state import State, read_state
from fastbatch.source.image_folder import list_images
from fastbatch.source.local_file import path_bytes

from .arrays import arrays
from .backend import Backend
from .images import images

if TYPE_CHECKING:
    from fastbatch.profile.profile import Profile


class _Names:
    """Function that converts the indices of files in a batch to their names. Immutable."""

    def __init__(self, names: list[str]) -> None:
        self._names = np.array(names, dtype=object)

    def __call__(self, batch: Any) -> Any:
        if isinstance(batch, tuple):
            return self._names[batch[0]].tolist(), batch[1]
        return self._names[batch].tolist()


@public_class
class ImageDataLoader(Loader):
    """Batches of the images in a folder, by an iterator that resets itself at the end of each epoch.

    The loader is its own iterator: a loop that was left continues at the next batch when it is entered again. At the
    end of an epoch the loader counts the epoch, resets itself and raises StopIteration.

    Threads: any; each batch goes to one of them.

    Args:
        data_dir: Folder with image files, also in sub-folders; sorted by name.
        batch_size: Files in a batch; the last batch may be smaller.
        decode: False: batches are lists of names relative to `data_dir`. True: batches are arrays, as from `images`.
        labels: "infer": the sub-folders are the classes, and batches are (names, labels) or (arrays, labels), labels
            int64. None: no labels.
        shuffle: A new random order in each epoch.
        seed: Together with the epoch, determines the order and all random draws.
        image_options: Options of `images`; only valid with `decode=True`.

    Attributes:
        file_names: Names of all files, relative to `data_dir`, in sorted order.
        class_names: Names of the classes 0, 1, ..., or None without labels.

    Raises:
        ValueError, TypeError: A folder without images, or an option out of range.
        OSError: The folder cannot be read.
        OSError, DecodeError: By `next()`: a file cannot be read or decoded.
        ClosedError: By `next()`, after `close()`.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.ImageDataLoader("photos/train", 40, labels="infer")
        >>> for names, labels in loader:
        ...     print(names[0], len(names))
        cat/00.jpg 40
        dog/08.jpg 40
        owl/16.jpg 16
        >>> loader.current_epoch()
        1

    Source: `src/fastbatch/api/image_data_loader.py`.
    """

    _backend: ClassVar[Backend]

    @takes(images)
    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        batch_size: SupportsIndex,
        *,
        decode: bool = False,
        labels: Literal["infer"] | None = None,
        shuffle: bool = False,
        seed: SupportsIndex = 0,
        **image_options: Any,
    ) -> None:
        if labels not in (None, "infer"):
            raise ValueError(f"labels: expected 'infer' or None, found {shown(labels)}")
        if image_options and not decode:
            raise TypeError(f"{', '.join(image_options)}: only valid with decode=True")
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
        self._lock = process.new_lock()  # guards _iterator and _epochs
        self._epochs = 0

    @property
    def batch_size(self) -> int:
        """Files in a full batch."""
        return int(self._loader.batch_size)

    @property
    def n_samples(self) -> int:
        """Number of files in an epoch, over all ranks."""
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
        """Return the number of completed epochs."""
        return self._epochs

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
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
                if self._iterator is iterator:  # no other thread has ended this epoch
                    self._iterator = None
                    self._epochs += 1
            raise

    def reset(self) -> None:
        """Go back to the start of the epoch."""
        self._iterator = None

    # ---- epochs and restart --------------------------------------------------------------------------------------

    def _reached_loader(self) -> Any:
        """Return a copy of the loader that continues with the next batch; after `reset`, at the start of an epoch."""
        loader = copy.copy(self._loader)
        if self._iterator is None and self._loader._progress is not None:
            loader.set_epoch(self._loader._next_epoch)
        return loader

    @property
    def epoch(self) -> int:
        """The current epoch, or the next one to begin."""
        return int(self._reached_loader().epoch)

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Begin epoch `epoch` with the next batch."""
        with self._lock:
            self._loader.set_epoch(epoch)
            self._iterator, self._epochs = None, self._loader.epoch

    def _next_length(self) -> int | None:
        return self._reached_loader()._next_length()  # type: ignore[no-any-return]

    def _repeat(self, times: int | None) -> Generator[Any, None, None]:
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
        """Return a fingerprint of the files."""
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
        own = {"_loader": loader, "_iterator": None, "_lock": process.new_lock(), "_epochs": epochs}
        copied.__dict__.update({**self.__getstate__(), **own})
        return copied

    def take(self, n: SupportsIndex) -> ImageDataLoader:
        return self._with(self._loader.take(n))

    def skip(self, n: SupportsIndex) -> ImageDataLoader:
        return self._with(self._loader.skip(n))

    def map(self, function: Callable[..., Any], *, each: Literal["batch", "sample"] = "batch") -> ImageDataLoader:
        return self._with(self._loader.map(function, each=each))

    def shard(
        self, rank: SupportsIndex | Literal["auto"], world_size: SupportsIndex | None = None, tail: str | None = None
    ) -> ImageDataLoader:
        return self._with(self._loader.shard(rank, world_size, tail))

    def split(self, validation: float = 0.2, **options: Any) -> tuple[ImageDataLoader, ImageDataLoader]:
        train, held_out = self._loader.split(validation, **options)
        return self._with(train), self._with(held_out)

    def select(self, indices: Any) -> ImageDataLoader:
        return self._with(self._loader.select(indices))

    # ---- end -----------------------------------------------------------------------------------------------------

    def stats(self) -> Stats:
        return self._loader.stats()

    def report(self) -> list[BadSample]:
        return list(self._loader.report())

    def profile(self, *, events: SupportsIndex = 100_000) -> Profile:
        return self._loader.profile(events=events)

    def _copy_for_preview(self) -> Any:
        return self._reached_loader()

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles continue at the same batch, independently and with their own threads."""
        kept = {key: value for key, value in self.__dict__.items() if key not in ("_lock", "_keras_passes")}
        return {**kept, "_loader": self._reached_loader(), "_iterator": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = process.new_lock()

    def __copy__(self) -> ImageDataLoader:
        return self._copied(self._reached_loader(), self._epochs)

    def __deepcopy__(self, memo: dict[int, Any]) -> ImageDataLoader:
        return copy.copy(self)  # names and data are immutable

    def close(self) -> None:
        """Stop all work and join the threads."""
        self._loader.close()


for _name in (
    "take",
    "skip",
    "map",
    "shard",
    "split",
    "select",
    "state_dict",
    "load_state_dict",
    "stats",
    "report",
    "profile",
):
    getattr(ImageDataLoader, _name).__doc__ = getattr(Loader, _name).__doc__
