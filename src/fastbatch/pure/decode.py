# SPDX-License-Identifier: MIT
"""What becomes of a sample on its way into the batch: decode, resize, flip, cast, normalise, transpose.

The same in C++: `csrc/decode/` and `csrc/kernels/`, byte for byte.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from fastbatch.decode.conversion import Conversion
from fastbatch.decode.image_options import MOST_PIXELS, ImageOptions
from fastbatch.errors import DecodeError

from .geometry import CropPlan, Window, draw_flips, plan_crop
from .image import opened
from .source import open_regular

Array = np.ndarray[Any, Any]
Box = tuple[float, float, float, float]

MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}


# ---- images ----------------------------------------------------------------------------------------------------------


def image(path: bytes | str, index: int, options: ImageOptions, seed: int, epoch: int) -> Array:
    """Return one image file as the batch wants it, still `uint8`, shape (height, width, channels).

    Seed, epoch and the sample's index decide what is drawn: the crop, and whether it is mirrored.

    Raises:
        DecodeError: The file is not a whole image.
        OSError: It cannot be read.
    """
    with naming(path, index) as content:
        pixels = decode(content, MODES[options.color], options.exif == "apply", options.max_pixels)
    height, width = pixels.shape[:2]
    pixels = crop(pixels, plan_crop((height, width), options, seed, epoch, index), options)
    horizontal, vertical = draw_flips(options, seed, epoch, index)
    pixels = pixels[:: -1 if vertical else 1, :: -1 if horizontal else 1]
    return pixels.reshape(options.height, options.width, -1)


@contextlib.contextmanager
def naming(path: bytes | str, index: int) -> Iterator[bytes]:
    """Give a file's content; errors while it is worked on name the file and the sample."""
    with open_regular(path) as file:
        content = file.read()
    try:
        yield content
    except DecodeError as error:
        raise DecodeError(error.message, path=path, sample=index) from error.__cause__


def decode(content: bytes, mode: str = "RGB", turn: bool = False, max_pixels: int = MOST_PIXELS) -> Array:
    """Return the pixels of an image file, `uint8`, shape (height, width, channels) or (height, width).

    Args:
        content: Of the file.
        mode: Pillow's name of what the pixels are converted to.
        turn: Turn the image upright, as its EXIF data says.
        max_pixels: An image that has more is refused.
    """
    with opened(content, max_pixels) as file:
        upright = ImageOps.exif_transpose(file) if turn else file
        return np.asarray(upright.convert(mode))


def resize(pixels: Array, size: tuple[int, int], filter_name: str = "bilinear", box: Box | None = None) -> Array:
    """Return `pixels` resized to (height, width) as Pillow does it.

    Filters are "nearest", "box", "bilinear", "hamming", "bicubic" and "lanczos". A box (left, top, right and bottom
    edge in pixels, whole or not) is the part that is resized.
    """
    height, width = size
    resized = Image.fromarray(pixels).resize((width, height), Image.Resampling[filter_name.upper()], box)
    return np.asarray(resized)


def crop(pixels: Array, plan: CropPlan, options: ImageOptions) -> Array:
    """Return the slot that `plan` makes of an image: cut out, resize, cut again, and pad."""
    source = pixels[_slices(plan.source)]
    wanted = resize(source, plan.scaled, options.filter)[_slices(plan.wanted)]
    slot = np.empty((options.height, options.width, *pixels.shape[2:]), pixels.dtype)
    slot[:] = options.pad_value if pixels.ndim == 3 else options.pad_value[0]
    slot[_slices((plan.top, plan.left, *wanted.shape[:2]))] = wanted
    return slot


def _slices(window: Window) -> tuple[slice, slice]:
    top, left, height, width = window
    return slice(top, top + height), slice(left, left + width)


# ---- numbers ---------------------------------------------------------------------------------------------------------


def convert(sample: Array, conversion: Conversion) -> Array:
    """Return one sample, cast to another type, as `sample * scale + shift` if there is a scale, and transposed.

    `csrc/kernels/kernels.h` defines the arithmetic.
    """
    if conversion.is_copy:
        return sample.astype(conversion.dtype, copy=False)
    x = sample
    if conversion.scale:
        compute = _compute_type(sample.dtype, conversion.dtype)
        scale, shift = (_per_channel(numbers, x.ndim, conversion) for numbers in (conversion.scale, conversion.shift))
        with np.errstate(all="ignore"):
            x = x.astype(compute) * scale.astype(compute)  # rounded here,
            x = x + shift.astype(compute)  # and here again
    x = cast(x, conversion.dtype)
    if conversion.from_first and not conversion.to_first:
        return np.moveaxis(x, 0, -1)
    if conversion.to_first and not conversion.from_first:
        return np.moveaxis(x, -1, 0)
    return x


def _compute_type(source: np.dtype[Any], target: np.dtype[Any]) -> type[np.floating[Any]]:
    """Return float32 where it loses nothing that matters, else float64."""

    def is_short(dtype: np.dtype[Any]) -> bool:
        return dtype.itemsize <= 2 or dtype.newbyteorder("=") == np.float32

    is_single = target == np.float16 or (is_short(source) and is_short(target))
    return np.float32 if is_single else np.float64


def _per_channel(numbers: tuple[float, ...], n_dimensions: int, conversion: Conversion) -> Array:
    """Return one number a channel, in a shape that meets the channels of the sample."""
    values = np.array(numbers, dtype=np.float64)
    if n_dimensions == 0:
        return values.reshape(())
    if conversion.from_first and n_dimensions > 1:
        return values.reshape(-1, *[1] * (n_dimensions - 1))
    return values


def cast(x: Array, dtype: np.dtype[Any]) -> Array:
    """Return what `x.astype(dtype)` gives, where the language leaves no doubt.

    Where it does, from float to integer: out of range gives the nearest integer there is, NaN gives 0.
    """
    if x.dtype.kind == "f" and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        wide = x.astype(np.float64)
        low = wide <= limits.min
        high = wide >= float(limits.max + 1)  # limits.max itself may not be a float
        inside = np.where(low | high | np.isnan(wide), 0.0, wide)
        out = inside.astype(dtype)  # toward zero
        return np.where(low, dtype.type(limits.min), np.where(high, dtype.type(limits.max), out))
    with np.errstate(all="ignore"):  # too large for the type: infinity
        return x.astype(dtype)
