# SPDX-License-Identifier: MIT
"""Batches from image files: the common part of the directory and the data frame iterator."""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import Any

import numpy as np

from .array_pool import ArrayPool
from .batch_work import BatchWork
from .file_decoder import FileDecoder
from .image_utils import Array, array_to_img
from .iterator import Iterator, positions
from .prefetcher import Prefetcher

CHANNELS = {"rgba": 4, "rgb": 3, "grayscale": 1}
BATCHES_KEPT = 4


class FileIterator(Iterator):
    """Batches from image files with prefetch; subclasses provide the files and their labels."""

    image_data_generator: Any
    class_mode: str | None
    classes: Any
    class_indices: dict[Any, int]
    dtype: Any

    def set_processing_attrs(
        self,
        image_data_generator: Any,
        target_size: tuple[int, int],
        color_mode: str,
        data_format: str,
        save_to_dir: Any,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool,
    ) -> None:
        """Set the options of reading and processing, and the subset of the files."""
        self.image_data_generator = image_data_generator
        self.target_size = tuple(target_size)
        self.keep_aspect_ratio = keep_aspect_ratio
        if color_mode not in CHANNELS:
            raise ValueError(f'Invalid color mode: {color_mode}; expected "rgb", "rgba", or "grayscale".')
        self.color_mode = color_mode
        self.data_format = data_format
        channels = (CHANNELS[color_mode],)
        is_last = data_format == "channels_last"
        self.image_shape = self.target_size + channels if is_last else channels + self.target_size
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.interpolation = interpolation
        self.subset = subset
        self.split: tuple[float, float] | None = None
        if subset is not None:
            held_out = self.image_data_generator._validation_split
            parts = {"validation": (0, held_out), "training": (held_out, 1)}
            if subset not in parts:
                raise ValueError(f'Invalid subset name: {subset};expected "training" or "validation"')
            self.split = parts[subset]
        self._decoder: FileDecoder | None = None
        self._prefetcher = Prefetcher()
        self._work = BatchWork(self._prefetcher)
        self._arrays = ArrayPool(BATCHES_KEPT)

    @property
    @abstractmethod
    def filepaths(self) -> list[str]:
        """Paths of all files."""

    @property
    @abstractmethod
    def labels(self) -> Any:
        """The label of each file."""

    @property
    @abstractmethod
    def sample_weight(self) -> Any:
        """The weight of each file, or None."""

    def _get_batches_of_transformed_samples(self, index_array: Any) -> Any:
        chosen = positions(index_array, len(self.filepaths), as_list=True)
        batch_x = self._arrays.empty((len(chosen), *self.image_shape), np.dtype(self.dtype))
        paths = self.filepaths
        decoder = self._decoder
        if decoder is None or not decoder.is_for(paths, chosen):
            decoder = self._decoder = FileDecoder(
                paths, self.color_mode, self.target_size, self.interpolation, self.keep_aspect_ratio
            )
        images = self._prefetcher.take(decoder, chosen, self._forecast.batches(decoder.depth(self.batch_size)))
        self._work.fill(batch_x, images, self.image_data_generator, self.data_format)
        if self.save_to_dir:
            self.save_batch(batch_x, index_array, 10_000_000)
        return self._with_labels(batch_x, index_array)

    def save_batch(self, batch_x: Array, index_array: Any, most: int) -> None:
        """Save the images of a batch; draws one random number per image for its file name."""
        for image, j in zip(batch_x, index_array, strict=True):
            name = f"{self.save_prefix}_{j}_{np.random.randint(most)}.{self.save_format}"
            array_to_img(image, self.data_format, scale=True).save(os.path.join(self.save_to_dir, name))

    def _with_labels(self, batch_x: Array, index_array: Any) -> Any:
        batch_y: Any
        if self.class_mode == "input":
            batch_y = batch_x.copy()
        elif self.class_mode in ("binary", "sparse"):
            batch_y = np.empty(len(batch_x), dtype=self.dtype)
            for i, j in enumerate(index_array):
                batch_y[i] = self.classes[j]
        elif self.class_mode == "categorical":
            batch_y = np.zeros((len(batch_x), len(self.class_indices)), dtype=self.dtype)
            for i, j in enumerate(index_array):
                batch_y[i, self.classes[j]] = 1.0
        elif self.class_mode == "multi_output":
            batch_y = [output[index_array] for output in self.labels]
        elif self.class_mode == "raw":
            batch_y = self.labels[index_array]
        else:
            return batch_x
        if self.sample_weight is None:
            return batch_x, batch_y
        return batch_x, batch_y, self.sample_weight[index_array]
