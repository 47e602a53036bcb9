# SPDX-License-Identifier: MIT
"""Which image files there are: a folder with a sub-folder per class, or a list of paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

EXTENSIONS = (b".jpg", b".jpeg", b".jpe", b".jfif")


@dataclass(frozen=True)
class ImageFiles:
    """Paths as bytes, since a file's name need not be text; `labels` number the class folders."""

    paths: list[bytes]
    labels: np.ndarray[Any, np.dtype[np.int64]] | None = None
    class_names: tuple[str, ...] | None = None


def list_images(root_or_paths: Any, infer: bool) -> ImageFiles:
    """List image files in a fixed order: sorted by the bytes of their names.

    Args:
        infer: Take the sub-folders of a folder as classes.

    Raises:
        ValueError: No images, or no class folders although they are wanted.
        OSError: The folder cannot be read.
    """
    if isinstance(root_or_paths, (str, bytes, os.PathLike)):
        root = os.fsencode(root_or_paths)
        try:
            return _class_folders(root) if infer else ImageFiles(_non_empty(_images_below(root), root))
        except OSError as error:
            if isinstance(error.filename, bytes):
                error.filename = os.fsdecode(error.filename)  # as all other errors name files
            raise
    paths = [os.fsencode(path) for path in root_or_paths]
    for path in paths:
        if b"\0" in path:
            raise ValueError(f"paths: embedded null byte in {os.fsdecode(path)!r}")
    return ImageFiles(paths)


def _class_folders(root: bytes) -> ImageFiles:
    with os.scandir(root) as entries:
        classes = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(b"."))
    paths: list[bytes] = []
    counts = []
    for name in classes:
        found = _images_below(os.path.join(root, name))
        counts.append(len(found))
        paths += found
    if not classes and _images_below(root):
        raise ValueError(
            f"{os.fsdecode(root)}: expected one sub-folder for each class, found images and no sub-folder; "
            "labels=None loads them without labels"
        )
    names = tuple(map(os.fsdecode, classes))
    return ImageFiles(_non_empty(paths, root), np.repeat(np.arange(len(classes), dtype=np.int64), counts), names)


def _images_below(folder: bytes) -> list[bytes]:
    found = []
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.startswith(b"."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name.lower().endswith(EXTENSIONS):
                    found.append(entry.path)
    return sorted(found)


def _non_empty(paths: list[bytes], root: bytes) -> list[bytes]:
    if not paths:
        wanted = ", ".join(extension.decode() for extension in EXTENSIONS)
        raise ValueError(f"{os.fsdecode(root)}: expected image files ({wanted}) below it, found none")
    return paths
