# SPDX-License-Identifier: MIT
"""Columns of images, masks, and the matrices for boxes and keypoints. They need Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbatch.decode.augment import Augment
from fastbatch.decode.image_options import ImageOptions
from fastbatch.decode.pillow_image import opened
from fastbatch.errors import DecodeError
from fastbatch.source.samples import SampleSource, verify_samples

from .augment import AFFINE, affine_matrix, augment, round_to_bytes, warp
from .convert import convert
from .geometry import Matrix, Size, draw_flips, plan_crop, sample_matrix, then
from .image_sample import crop, image, naming, placing
from .plan import stream

Array = np.ndarray[Any, Any]
ORIENTATION = 0x0112  # the tag's number in EXIF


class ImageColumn:
    """Decoded images."""

    def __init__(self, samples: SampleSource, options: ImageOptions) -> None:
        self.samples = samples
        self.n_samples = len(samples)
        self.dtype = options.conversion.dtype
        self.shape = options.conversion.shape
        self._options = options

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        pixels = image(self.samples, index, self._options, seed, epoch)
        conversion = self._options.conversion
        if self._options.augment is not None:
            floats = augment(pixels, self._options.augment, seed, epoch, index)
            pixels = floats if conversion.dtype.kind == "f" else round_to_bytes(floats)
        return convert(pixels, conversion)

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if a file that holds samples was replaced or written to."""
        verify_samples(self.samples, may_be_shorter)

    def identity(self) -> Any:
        return self.samples.identity()

    def for_evaluation(self) -> ImageColumn:
        return ImageColumn(self.samples, self._options.for_evaluation())


class MatrixColumn:
    """The 2x3 affine matrix of each sample, from image coordinates to output coordinates."""

    dtype: np.dtype[Any] = np.dtype("f8")
    shape: tuple[int, ...] = (2, 3)

    def __init__(self, images: SampleSource, options: ImageOptions) -> None:
        self.n_samples = len(images)
        self._images = images
        self._options = options

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        size, orientation = _header(self._images, index, self._options)
        with placing(self._images, index):
            matrix = sample_matrix(size, orientation, self._options, seed, epoch, index)
        changes = self._options.augment
        if changes is not None and changes.moves:
            matrix = then(matrix, _affine_way(*_draw_affine(self._options, changes, seed, epoch, index)))
        return np.array(matrix).reshape(2, 3)

    def identity(self) -> Any:
        return "matrix"

    def for_evaluation(self) -> MatrixColumn:
        return MatrixColumn(self._images, self._options.for_evaluation())


class MaskColumn:
    """Masks, transformed like their images, with nearest-neighbour resampling: values are never mixed."""

    def __init__(self, images: SampleSource, masks: SampleSource, options: ImageOptions) -> None:
        self.n_samples = len(masks)
        self.dtype = options.conversion.dtype
        self.shape = options.conversion.shape
        self._images = images
        self._masks = masks
        self._options = options

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        size, orientation = _header(self._images, index, self._options)
        pixels = _mask(self._masks, index, self._options)
        if pixels.shape != size:
            (height, width), (h, w) = size, pixels.shape
            raise DecodeError(
                "mask of another size than its image",
                path=self._masks.name(index),
                sample=index,
                expected=f"{width} x {height}",
                found=f"{w} x {h}",
            )
        upright = _turn(pixels, orientation)
        shape = (upright.shape[0], upright.shape[1])
        with placing(self._masks, index):
            plan = plan_crop(shape, self._options, seed, epoch, index)
        slot = crop(upright, plan, self._options)
        horizontal, vertical = draw_flips(self._options, seed, epoch, index)
        slot = slot[:: -1 if vertical else 1, :: -1 if horizontal else 1]
        changes = self._options.augment
        if changes is not None and changes.moves:
            matrix, offset = _draw_affine(self._options, changes, seed, epoch, index)
            moved = warp(slot[..., None], matrix, offset, 0, changes.fill, self._options.pad_value[0])
            slot = moved[..., 0].astype(np.uint8)
        return convert(slot, self._options.conversion)

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if a file that holds masks was replaced or written to."""
        verify_samples(self._masks, may_be_shorter)

    def identity(self) -> Any:
        return self._masks.identity()

    def for_evaluation(self) -> MaskColumn:
        return MaskColumn(self._images, self._masks, self._options.for_evaluation())


def _draw_affine(options: ImageOptions, changes: Augment, seed: int, epoch: int, index: int) -> tuple[Array, Array]:
    return affine_matrix(changes, options.height, options.width, stream(seed, epoch, index, operation=AFFINE))


def _affine_way(matrix: Array, offset: Array) -> Matrix:
    """Return the forward matrix in edge coordinates (x, y) of a backward map `matrix @ p + offset` in (row, column)."""
    a, b, d, e = map(float, matrix.flat)
    y, x = (float(number) + 0.5 for number in offset)
    det = a * e - b * d
    return a / det, -d / det, 0.5 - (a * x - d * y) / det, -b / det, e / det, 0.5 - (e * y - b * x) / det


def _header(samples: SampleSource, index: int, options: ImageOptions) -> tuple[Size, int]:
    """Return (height, width) as stored, and the EXIF orientation to apply."""
    with naming(samples, index) as content, opened(content, options.max_pixels) as file:
        orientation = file.getexif().get(ORIENTATION, 1) if options.exif == "apply" else 1
        return (file.height, file.width), orientation if orientation in range(1, 9) else 1


def _mask(samples: SampleSource, index: int, options: ImageOptions) -> Array:
    """Return a mask's values, `uint8`: palette indices, grey levels, or 0 and 1."""
    with naming(samples, index) as content, opened(content, options.max_pixels) as file:
        if file.mode not in ("P", "L", "1"):
            wanted = "a palette or 8-bit grayscale image"
            raise DecodeError("not a mask", expected=wanted, found=f"mode {file.mode}")
        return np.asarray(file).astype(np.uint8)


def _turn(pixels: Array, orientation: int) -> Array:
    """Return stored pixels turned upright."""
    upright = pixels.T if orientation >= 5 else pixels
    ways = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
    down, right = ways.get(orientation, (1, 1))
    return upright[::down, ::right]
