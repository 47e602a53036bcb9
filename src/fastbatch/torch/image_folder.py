# SPDX-License-Identifier: MIT
"""`ImageFolder`: torchvision's, with listings that are remembered and batches that are made by native threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch.utils.data import Dataset

from fastbatch.checks import n_of
from fastbatch.source.folder_index import FolderIndex

from .image_dataset import ImageBatches, image_work
from .tensors import NotNative

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def default_loader(path: str) -> Any:
    """Return the image of a file, in "RGB"."""
    from PIL import Image

    with open(path, "rb") as file:
        return Image.open(file).convert("RGB")


default_loader.is_fastbatch_loader = True  # type: ignore[attr-defined]


class ImageFolder(Dataset[Any]):
    """torchvision's `ImageFolder`: images in a folder per class, without torchvision.

    The files are the same, in the same order, with the same class numbers. Listings of large folders are remembered, so
    that a folder that has not changed is not read again. In `fastbatch.torch.DataLoader` and in torch's own loader,
    native threads make whole batches.

    Args:
        root: The folder.
        transform: Called with the PIL image; torchvision's transforms run natively (see docs/torch.md).
        target_transform: Called with the class number.
        loader: Called with the path of a file; any other than the default one makes the images in Python.
        is_valid_file: Called with the path of a file, whether it belongs to the dataset; None: by its extension.
        allow_empty: Allow classes without images.

    Attributes:
        classes: The names of the class folders, sorted.
        class_to_idx: Their numbers.
        samples, imgs: (path, class number) of each image.
        targets: The class number of each image.

    Raises:
        FileNotFoundError: There are no class folders, or a class without images.

    Example:
        >>> from fastbatch.torch import ImageFolder
        >>> photos = ImageFolder("photos/train")
        >>> len(photos), photos.classes
        (96, ['cat', 'dog', 'owl'])
        >>> image, label = photos[0]
        >>> image.mode, label
        ('RGB', 0)
    """

    _batches: ImageBatches | None = None
    _is_python = False  # its batches are not made natively

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform = transform
        self.target_transform = target_transform
        self.loader = loader
        self.extensions = EXTENSIONS if is_valid_file is None else None
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(self.root, self.class_to_idx, self.extensions, is_valid_file, allow_empty)
        self.imgs = self.samples
        self.targets = [target for _, target in self.samples]

    def find_classes(self, directory: str | os.PathLike[str]) -> tuple[list[str], dict[str, int]]:
        """Return the names of the class folders, and their numbers. May be overridden."""
        classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        if not classes:
            raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
        return classes, {name: i for i, name in enumerate(classes)}

    @staticmethod
    def make_dataset(
        directory: str | os.PathLike[str],
        class_to_idx: dict[str, int],
        extensions: tuple[str, ...] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> list[tuple[str, int]]:
        """Return (path, class number) of each image, class by class. May be overridden."""
        top = os.path.expanduser(os.fspath(directory))
        index = FolderIndex(os.fsencode(top), ("torchvision", *(extensions or ())), _scan(extensions or ()))
        samples: list[tuple[str, int]] = []
        empty = []
        for name in sorted(class_to_idx):
            folder = os.path.join(top, name)
            found = _walked(folder, is_valid_file) if is_valid_file else _indexed(index, top, name)
            before = len(samples)
            samples += [(path, class_to_idx[name]) for path in found]
            if len(samples) == before:
                empty.append(name)
        index.save()
        if empty and not allow_empty:
            allowed = f"Supported extensions are: {', '.join(extensions)}" if extensions else ""
            raise FileNotFoundError(f"Found no valid file for the classes {', '.join(empty)}. {allowed}")
        return samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, target = self.samples[index]
        image = self.loader(path)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    __getitem__.reads_files = True  # type: ignore[attr-defined]

    def __getitems__(self, indices: list[Any]) -> Sequence[Any]:
        """Return the samples of a batch, made as a whole by native threads where the transforms are known."""
        try:
            work = image_work(self, self, None, True)
        except NotNative:
            work = None
        if work is None:
            return [self[index] for index in indices]
        self._batches = ImageBatches(work) if self._batches is None else self._batches.of(work)
        return self._batches.make(self, indices, sys._getframe(1))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_batches"}

    def __repr__(self) -> str:
        classes = n_of(len(self.classes), "class", "classes")
        return f"{type(self).__name__}({str(self.root)!r}: {n_of(len(self), 'image')}, {classes})"


def _scan(extensions: tuple[str, ...]) -> Callable[[bytes], tuple[list[bytes], list[bytes], list[bytes]]]:
    """Return the function that lists a folder as torchvision does, hidden names included."""
    ends = tuple(end.encode() for end in extensions)

    def scan(path: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
        files, folders, links = [], [], []
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_symlink() and entry.is_dir():
                    links.append(entry.name)
                elif entry.name.lower().endswith(ends):
                    files.append(entry.name)
        return sorted(files), sorted(folders), sorted(links)

    return scan


def _indexed(index: FolderIndex, top: str, name: str) -> Iterator[str]:
    """Yield the images below a class folder, in torchvision's order: folder by folder, sorted by path."""
    folders: dict[str, list[bytes]] = {}
    waiting = [os.fsencode(name)]
    while waiting:
        folder = waiting.pop()
        try:
            content = index.content(folder)
        except OSError:
            continue  # torchvision's walk leaves out what it cannot list
        folders[os.path.join(top, os.fsdecode(folder))] = content.files
        waiting += [os.path.join(folder, inner) for inner in (*content.folders, *content.links)]
    for path in sorted(folders):
        names = sorted(map(os.fsdecode, folders[path]))
        yield from (os.path.join(path, one) for one in names)


def _walked(folder: str, is_valid_file: Callable[[str], bool]) -> Iterator[str]:
    for path, _, names in sorted(os.walk(folder, followlinks=True)):
        for name in sorted(names):
            file = os.path.join(path, name)
            if is_valid_file(file):
                yield file
