# SPDX-License-Identifier: MIT
"""Batches from a folder with a sub-folder per class."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from .config import floatx, image_data_format, say
from .file_iterator import FileIterator
from .image_utils import Array


class DirectoryIterator(FileIterator):
    """Endless batches of the image files in a folder's sub-folders, whose sorted names are the classes.

    Args:
        directory: The folder.
        image_data_generator: The `ImageDataGenerator` that changes the images.
        target_size: (height, width) of the images in pixels.
        color_mode: "rgb", "rgba" or "grayscale".
        classes: Names of the sub-folders in the order of their numbers; None: all, sorted.
        class_mode: Labels: "categorical" (one-hot), "binary", "sparse" (numbers), "input" (the images themselves), or
            None.
        batch_size: Images in a batch; the last batch of an epoch may be smaller.
        shuffle, seed: As for `Iterator`.
        data_format: "channels_last" or "channels_first"; None: Keras's setting.
        save_to_dir: Folder to save the changed images in; None does not save.
        save_prefix, save_format: Beginning of the saved files' names, and their extension.
        follow_links: Follow links to folders.
        subset: "training" or "validation" part of each class, by the generator's `validation_split`; None: all.
        interpolation: Filter, as for `load_img`.
        keep_aspect_ratio: Crop to the target's aspect ratio first.
        dtype: Type of the batches; None: Keras's float type.

    Attributes:
        filenames: Names relative to `directory`, the class folder first. `filepaths` has the whole paths.
        classes: The class of each file, int32; `labels` is the same.
        class_indices: The number of each class, by name.
        num_classes: Number of classes.
        samples: Number of files.

    Raises:
        ValueError: An unknown class mode, color mode or subset.
        OSError: The folder cannot be read; by `next()`: a file cannot be read or decoded.

    Example:
        >>> from fastbatch.keras import DirectoryIterator, ImageDataGenerator
        >>> batches = DirectoryIterator("photos/train", ImageDataGenerator(), target_size=(64, 64))
        Found 96 images belonging to 3 classes.
        >>> x, y = next(batches)
        >>> x.shape, y.shape
        ((32, 64, 64, 3), (32, 3))

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """

    allowed_class_modes = frozenset({"categorical", "binary", "sparse", "input", None})

    def __init__(
        self,
        directory: Any,
        image_data_generator: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = None,
    ) -> None:
        self.set_processing_attrs(
            image_data_generator,
            target_size,
            color_mode,
            image_data_format() if data_format is None else data_format,
            save_to_dir,
            save_prefix,
            save_format,
            subset,
            interpolation,
            keep_aspect_ratio,
        )
        self.directory = directory
        if class_mode not in self.allowed_class_modes:
            expected = ", ".join(sorted(map(repr, self.allowed_class_modes)))
            raise ValueError(f"Invalid class_mode: {class_mode}; expected one of: {expected}")
        self.class_mode = class_mode
        self.dtype = floatx() if dtype is None else dtype
        names = classes
        if not names:
            names = [name for name in sorted(os.listdir(directory)) if os.path.isdir(os.path.join(directory, name))]
        self.num_classes = len(names)
        self.class_indices = dict(zip(names, range(len(names)), strict=True))
        self.filenames: list[str] = []
        numbers: list[int] = []
        for name in names:
            folder = os.path.join(directory, name)
            found = _image_files(folder, self.white_list_formats, follow_links)
            if self.split is not None:
                start, stop = (int(part * len(found)) for part in self.split)
                found = found[start:stop]
            basename = os.path.basename(folder)
            self.filenames += [os.path.join(basename, file) for file in found]
            if found:
                numbers += [self.class_indices[basename]] * len(found)
        self.samples = len(self.filenames)
        self.classes: Array = np.array(numbers, dtype="int32")
        say(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        self._filepaths = [os.path.join(directory, file) for file in self.filenames]
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def filepaths(self) -> list[str]:
        """Paths of all files."""
        return self._filepaths

    @property
    def labels(self) -> Array:
        """The class of each file."""
        return self.classes

    @property
    def sample_weight(self) -> None:
        """Always None."""
        return


def _image_files(folder: str, formats: tuple[str, ...], follow_links: bool) -> list[str]:
    """Return the image files below a folder as relative paths, with folders and the files in each sorted."""
    found = []
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links)):
        below = os.path.relpath(root, folder)
        for name in sorted(files):
            if name.lower().endswith(".tiff"):
                warnings.warn(
                    'Using ".tiff" files with multiple bands will cause distortion. Please verify your output.',
                    stacklevel=4,
                )
            if name.lower().endswith(formats):
                found.append(name if below == "." else os.path.join(below, name))
    return found
