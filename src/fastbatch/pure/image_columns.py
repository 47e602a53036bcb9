# SPDX-License-Identifier: MIT
"""Columns of images, masks, and the matrices for boxes and keypoints. They need Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbatch.decode import tiff
from fastbatch.decode.augment import Augment
from fastbatch.decode.conversion import Conversion
from fastbatch.decode.image_options import ImageOptions
from fastbatch.decode.pillow_image import deep_mode, opened, orientation_of
from fastbatch.errors import DecodeError
from fastbatch.source.samples import SampleSource, verify_samples

from .augment import AFFINE, affine_matrix, augment, round_to_bytes, warp
from .convert import convert
from .deep_sample import turn
from .geometry import Matrix, Size, draw_flips, plan_crop, sample_matrix, then
from .image_sample import crop, decode_sample, image, placing
from .plan import stream

Array = np.ndarray[Any, Any]
_RANGES = {"uint16": "0 to 65535", "int32": "-2147483648 to 2147483647", "uint32": "0 to 4294967295"}


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
        if pixels.dtype == np.uint16 and self._options.deep is not None:
            return convert(pixels, self._options.deep)
        if pixels.dtype == np.float32 and self._options.floats is not None:
            return convert(pixels, self._options.floats)
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
        options = self._options.for_evaluation()
        return self if options is self._options else ImageColumn(self.samples, options)


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
        options = self._options.for_evaluation()
        return self if options is self._options else MatrixColumn(self._images, options)


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
        upright = turn(pixels, orientation)
        shape = (upright.shape[0], upright.shape[1])
        with placing(self._masks, index):
            plan = plan_crop(shape, self._options, seed, epoch, index)
        slot = self._placed(crop(upright, plan, self._options), seed, epoch, index, self._options.pad_value[0])
        made = convert(slot, _mask_conversion(slot.dtype, self._options))
        if self._options.pad_outside is not None:
            inside = crop(np.ones(shape, np.uint8), plan, self._options)
            made[self._placed(inside, seed, epoch, index, 0) == 0] = self._options.pad_outside
        return made

    def _placed(self, slot: Array, seed: int, epoch: int, index: int, fill: int) -> Array:
        """Return a cropped mask after flips and augmentation."""
        horizontal, vertical = draw_flips(self._options, seed, epoch, index)
        slot = slot[:: -1 if vertical else 1, :: -1 if horizontal else 1]
        changes = self._options.augment
        if changes is None or not changes.moves:
            return slot
        matrix, offset = _draw_affine(self._options, changes, seed, epoch, index)
        # Byte by byte, from the lowest, since float32 does not hold all integers of 32 bits.
        planes = np.ascontiguousarray(slot[..., None]).astype(slot.dtype.newbyteorder("<")).view(np.uint8)
        moved = [
            warp(planes[..., i : i + 1], matrix, offset, 0, changes.fill, 0 if i else fill)
            for i in range(planes.shape[2])
        ]
        values = np.concatenate(moved, axis=2).astype(np.uint8).view(slot.dtype.newbyteorder("<"))
        return np.asarray(values[..., 0], slot.dtype)

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if a file that holds masks was replaced or written to."""
        verify_samples(self._masks, may_be_shorter)

    def identity(self) -> Any:
        return self._masks.identity()

    def for_evaluation(self) -> MaskColumn:
        options = self._options.for_evaluation()
        return self if options is self._options else MaskColumn(self._images, self._masks, options)


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

    def read(content: bytes) -> tuple[Size, int]:
        with opened(content, options.max_pixels) as file:
            return (file.height, file.width), orientation_of(file) if options.exif == "apply" else 1

    return decode_sample(samples, index, options, read)


def _mask(samples: SampleSource, index: int, options: ImageOptions) -> Array:
    """Return a mask's values: palette indices, grey levels, or 0 and 1, `uint8`; or levels of 16 or 32 bits."""

    def read(content: bytes) -> Array:
        values = _mask_values(content, options.max_pixels)
        _mask_conversion(values.dtype, options)
        return values

    return decode_sample(samples, index, options, read)


def _mask_values(content: bytes, max_pixels: int) -> Array:
    """Return the values of a mask: uint8, uint16, int32 or uint32."""
    if tiff.is_tiff(content) and not tiff.is_for_pillow(content, max_pixels):
        found = tiff.header_of(content, max_pixels)
        if found.is_deep:
            if found.mask_mode not in ("I;16", *_RANGES):
                raise _no_mask(found.mask_mode)
            return tiff.mask_pixels(content, max_pixels)
    with opened(content, max_pixels) as file:
        if deep_mode(str(file.format), file.mode) == "I;16":
            return np.asarray(file).astype(np.uint16)
        if file.mode not in ("P", "L", "1"):
            raise _no_mask(file.mode)
        return np.asarray(file).astype(np.uint8)


def _no_mask(mode: str) -> DecodeError:
    return DecodeError("not a mask", expected="a palette or grayscale image", found=f"mode {mode}")


def _mask_conversion(dtype: np.dtype[Any], options: ImageOptions) -> Conversion:
    """Return the conversion of a mask's values; raise DecodeError if the batch's type does not hold them."""
    known = {"uint8": options.conversion, "uint16": options.deep, "int32": options.ints, "uint32": options.uints}
    conversion = known[dtype.name]
    if conversion is None:
        wanted = f"mask_dtype= a type that holds {_RANGES[dtype.name]}"
        raise DecodeError(f"mask of {8 * dtype.itemsize} bits", expected=wanted, found="a smaller one")
    return conversion
