# SPDX-License-Identifier: MIT
"""Batches from arrays of images."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from fastbatch.mapped import elements

from .array_pool import ArrayPool
from .batch_work import BatchWork
from .config import floatx, image_data_format
from .image_utils import Array, array_to_img
from .iterator import Iterator, positions
from .prefetcher import Prefetcher

BATCHES_KEPT = 4


class NumpyArrayIterator(Iterator):
    """Endless batches of an array of images, with labels and weights.

    Args:
        x: Images, (n, height, width, channels) or (n, channels, height, width); or a pair of them and an array, or a
            list of arrays, whose rows are passed on unchanged.
        y: One label per image, or None.
        image_data_generator: The `ImageDataGenerator` that changes the images.
        batch_size: Images in a batch; the last batch of an epoch may be smaller.
        shuffle, seed: As for `Iterator`.
        sample_weight: One weight per image, or None.
        data_format: "channels_last" or "channels_first"; None: Keras's setting.
        save_to_dir: Folder to save the changed images in; None does not save.
        save_prefix, save_format: Beginning of the saved files' names, and their extension.
        subset: "validation" is the first part, by the generator's `validation_split`; "training" is the rest; None:
            all.
        ignore_class_split: Allow the two parts to have different classes.
        dtype: Type of the batches; None: Keras's float type.

    Raises:
        ValueError: Arrays of different lengths; not 4 dimensions; an unknown subset; parts with different classes.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import ImageDataGenerator, NumpyArrayIterator
        >>> x, y = np.zeros((100, 32, 32, 3)), np.arange(100)
        >>> batch_x, batch_y = next(NumpyArrayIterator(x, y, ImageDataGenerator(), batch_size=8))
        >>> batch_x.shape, batch_y
        ((8, 32, 32, 3), array([0, 1, 2, 3, 4, 5, 6, 7]))

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: Any = None,
    ) -> None:
        self.dtype = floatx() if dtype is None else dtype
        self.data_format = image_data_format() if data_format is None else data_format
        x_misc: list[Array] = []
        if isinstance(x, (tuple, list)):
            rest = x[1] if isinstance(x[1], list) else [x[1]]
            x, x_misc = x[0], [elements(one) for one in rest]
            for one in x_misc:
                if len(one) != len(x):
                    raise ValueError(
                        "All of the arrays in `x` should have the same length. "
                        f"Found a pair with: len(x[0]) = {len(x)}, len(x[?]) = {len(one)}"
                    )
        for name, title, other in (("y", "`y` (labels)", y), ("sample_weight", "`sample_weight`", sample_weight)):
            if other is not None and len(other) != len(x):
                raise ValueError(
                    f"`x` (images tensor) and {title} should have the same length. "
                    f"Found: x.shape = {np.asarray(x).shape}, {name}.shape = {np.asarray(other).shape}"
                )
        if subset is not None:
            if subset not in ("training", "validation"):
                raise ValueError(f'Invalid subset name: {subset}; expected "training" or "validation".')
            at = int(len(x) * image_data_generator._validation_split)
            if y is not None and not ignore_class_split and not _same_classes(y[:at], y[at:]):
                raise ValueError(
                    "Training and validation subsets have different number of classes after the split. "
                    "If your numpy arrays are sorted by the label, you might want to shuffle them."
                )
            part = slice(at) if subset == "validation" else slice(at, None)
            x, x_misc = x[part], [one[part] for one in x_misc]
            y = None if y is None else y[part]  # the weights are not sliced: Keras indexes them from 0
        self._images = _as_images(x, np.dtype(self.dtype))
        self._x: Array | None = None
        self.x_misc = x_misc
        shape = self._images.shape
        if len(shape) != 4:
            raise ValueError(f"`x`: expected images of 4 dimensions together, found shape {shape}")
        channels_axis = 3 if self.data_format == "channels_last" else 1
        if shape[channels_axis] not in (1, 3, 4):
            warnings.warn(
                f'Expected 1, 3, or 4 channels on axis {channels_axis} ("{self.data_format}"), found '
                f"{shape[channels_axis]}: the array's shape is {shape}.",
                stacklevel=3,
            )
        self.y = None if y is None else elements(y)
        self.sample_weight = None if sample_weight is None else elements(sample_weight)
        self.image_data_generator = image_data_generator
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self._work = BatchWork(Prefetcher())
        self._arrays = ArrayPool(BATCHES_KEPT)
        super().__init__(shape[0], batch_size, shuffle, seed)

    @property
    def x(self) -> Array:
        """The images in the type of the batches. Before this is read, 8-bit images take a quarter of the memory."""
        if self._x is None:
            self._x = np.asarray(self._images, dtype=self.dtype)
            self._images = self._x  # the user's changes to x must appear in the batches
        return self._x

    @x.setter
    def x(self, images: Any) -> None:
        self._x = self._images = np.asarray(images)

    def _get_batches_of_transformed_samples(self, index_array: Any) -> Any:
        chosen = positions(index_array, len(self._images), as_list=False)
        batch_x = self._arrays.empty((len(chosen), *self._images.shape[1:]), np.dtype(self.dtype))
        self._work.fill_from(batch_x, self._images, chosen, self.image_data_generator)
        if self.save_to_dir:
            for image, j in zip(batch_x, index_array, strict=True):
                name = f"{self.save_prefix}_{j}_{np.random.randint(10_000)}.{self.save_format}"
                array_to_img(image, self.data_format, scale=True).save(os.path.join(self.save_to_dir, name))
        images: Any = [batch_x, *(one[index_array] for one in self.x_misc)] if self.x_misc else batch_x
        if self.y is None:
            return images
        if self.sample_weight is None:
            return images, self.y[index_array]
        return images, self.y[index_array], self.sample_weight[index_array]


def _as_images(x: Any, dtype: np.dtype[Any]) -> Array:
    """Return the images for the batches: 8-bit pixels copied, the rest converted, or a view where Keras keeps one."""
    given = elements(x)
    is_8_bit = given.dtype == np.uint8 and dtype == np.float32
    images: Array = given.copy(order="K") if is_8_bit else np.asarray(given, dtype=dtype)
    return images


def _same_classes(one: Any, other: Any) -> bool:
    return bool(np.array_equal(np.unique(one), np.unique(other)))
