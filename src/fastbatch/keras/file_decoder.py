# SPDX-License-Identifier: MIT
"""Image files -> pixels of one size: native code for the formats it supports, Pillow for the others."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np

from fastbatch.decode.conversion import Field
from fastbatch.decode.image_options import make_image_options
from fastbatch.errors import DecodeError
from fastbatch.native import kernels
from fastbatch.native.columns import ImageColumn
from fastbatch.source.local_file import open_regular
from fastbatch.source.samples import FileSamples

from .array_pool import ArrayPool
from .image_utils import INTERPOLATIONS, Array, load_img, open_img

PREFETCH_BYTES = 32 << 20
MAX_PREFETCH = 8  # batches
CHANNELS = {"rgba": 4, "rgb": 3, "grayscale": 1}
JPEG = b"\xff\xd8"
BY_PILLOW = ("bmp", "ppm", "tif", "tiff", "gif")  # extensions that are not tried natively


def _begins_with_rows() -> bool:
    """Return whether the installed Pillow, whose pixels Keras gives, always resizes the rows first: before 13."""
    try:
        import PIL
    except ImportError:
        return False
    return int(PIL.__version__.split(".")[0]) < 13


class Images:
    """Decoded images of a batch, channels last.

    Attributes:
        pixels: uint8, (n, height, width, channels).
        wide: Images with more than 8 bits per channel, by position in the batch.
    """

    def __init__(self, pixels: Array) -> None:
        self.pixels = pixels
        self.wide: dict[int, Array] = {}

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, i: int) -> Array:
        pixels: Array = self.pixels[i]
        return self.wide.get(i, pixels)


class FileDecoder:
    """Decodes files of a list by number. Threads: any."""

    def __init__(
        self, paths: list[str], color_mode: str, size: tuple[int, ...], interpolation: str, keep_aspect_ratio: bool
    ) -> None:
        self._paths = paths
        self._n = len(paths)
        self._names = list(paths)
        self._color_mode = color_mode
        self._size: Any = size
        self._interpolation = interpolation
        self._keep_aspect_ratio = keep_aspect_ratio
        self._shape = (*size, CHANNELS[color_mode])
        self._column = None if keep_aspect_ratio else self._native_column()
        self._is_older = interpolation != "nearest" and _begins_with_rows()
        self._arrays = ArrayPool(MAX_PREFETCH + 2)
        self._own = threading.local()  # one DecodeWorker per thread

    def is_for(self, paths: list[str], indices: Array) -> bool:
        """Return whether the listed files are unchanged at `indices`: users may modify the list."""
        return (
            paths is self._paths and len(paths) == self._n and all(paths[j] == self._names[j] for j in indices.tolist())
        )

    def depth(self, batch_size: int) -> int:
        """Return the number of batches to prefetch."""
        n_bytes = max(1, batch_size) * int(np.prod(self._shape))
        return max(1, min(MAX_PREFETCH, PREFETCH_BYTES // max(1, n_bytes)))

    def empty(self, n: int) -> Images:
        """Return uninitialised memory for n images."""
        return Images(self._arrays.empty((n, *self._shape), np.dtype("u1")))

    def decode(self, indices: Array, images: Images, at: int) -> None:
        """Decode files into consecutive slots of a batch, from slot `at`.

        Raises:
            OSError: A file cannot be read or decoded; the message names it.
        """
        numbers = indices.tolist()
        i = 0
        while i < len(numbers):
            end = i
            while end < len(numbers) and self._is_native(self._names[numbers[end]]):
                end += 1
            if end > i:
                i += self._decode_natively(indices[i:end], images.pixels[at + i : at + end])
            if i < len(numbers):  # not supported natively, or failed there
                self._decode_by_pillow(self._names[numbers[i]], images, at + i)
                i += 1

    def _native_column(self) -> ImageColumn | None:
        if self._interpolation not in INTERPOLATIONS or not self._names or not all(self._size):
            return None
        options = make_image_options(
            self._size,
            Field(None, "u1", layout="NHWC"),
            filter=self._interpolation,
            color=self._color_mode,
            exact=True,
            depth=8,
        )
        return ImageColumn(FileSamples([os.fsencode(name) for name in self._names]), options)

    def _is_native(self, name: str) -> bool:
        """Return whether to try native code. In "grayscale" only JPEG is tried: other formats may have 16 bits."""
        if self._column is None or name.lower().endswith(BY_PILLOW):
            return False
        if self._is_older and self._columns_come_first(name):
            return False
        if self._color_mode != "grayscale":
            return True
        with open_regular(name) as file:
            return file.read(2) == JPEG

    def _columns_come_first(self, name: str) -> bool:
        """Return whether the core, like Pillow 13, resizes the columns of an image first."""
        width, height = open_img(name).size
        shorter = height - self._size[0]
        return bool(shorter > 0 and shorter > 2 * (width - self._size[1]))

    def _decode_natively(self, indices: Array, pixels: Array) -> int:
        """Decode until native code fails on a file and return the number of decoded files."""
        assert self._column is not None
        worker = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = kernels.DecodeWorker(self._column.decoder)
        try:
            worker.decode_into(indices, pixels)
        except DecodeError as error:
            done: int = indices.tolist().index(error.sample)
            return done
        return len(indices)

    def _decode_by_pillow(self, path: str, images: Images, place: int) -> None:
        with load_img(path, self._color_mode, self._size, self._interpolation, self._keep_aspect_ratio) as img:
            pixels = np.asarray(img).reshape(self._shape)
        if pixels.dtype == np.uint8:
            images.pixels[place] = pixels
        else:
            images.wide[place] = pixels
