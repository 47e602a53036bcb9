# SPDX-License-Identifier: MIT
"""An image sample: decode, crop, resize, flip. In C++: `csrc/image/`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastbatch.decode.image_limits import MOST_PIXELS
from fastbatch.decode.image_options import ImageOptions
from fastbatch.decode.pillow_image import opened
from fastbatch.errors import NO_PILLOW, DecodeError
from fastbatch.source.samples import SampleSource

from .geometry import CropPlan, Window, draw_flips, plan_crop
from .passes import resize

try:
    from PIL import Image, ImageOps
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(NO_PILLOW, name=error.name) from None

Array = np.ndarray[Any, Any]

MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}


def image(samples: SampleSource, index: int, options: ImageOptions, seed: int, epoch: int) -> Array:
    """Return one image of size (height, width, channels), `uint8`, before its conversion.

    The random crop and flips depend on the seed, the epoch and the sample's index.

    Raises:
        DecodeError: The file is not a complete image.
        OSError: The file cannot be read.
    """
    with naming(samples, index) as content:
        pixels = decode(content, MODES[options.color], options.exif == "apply", options.max_pixels)
    height, width = pixels.shape[:2]
    with placing(samples, index):
        plan = plan_crop((height, width), options, seed, epoch, index)
    pixels = crop(pixels, plan, options)
    horizontal, vertical = draw_flips(options, seed, epoch, index)
    pixels = pixels[:: -1 if vertical else 1, :: -1 if horizontal else 1]
    return pixels.reshape(options.height, options.width, -1)


@contextlib.contextmanager
def naming(samples: SampleSource, index: int) -> Iterator[bytes]:
    """Yield the bytes of a sample; errors raised inside get the file's name and the sample's index."""
    content = samples.read(index)
    with placing(samples, index):
        yield content


@contextlib.contextmanager
def placing(samples: SampleSource, index: int) -> Iterator[None]:
    """Give errors raised inside the file's name and the sample's index."""
    try:
        yield
    except DecodeError as error:
        raise DecodeError(error.message, path=samples.name(index), sample=index) from error.__cause__


def decode(content: bytes, mode: str = "RGB", turn: bool = False, max_pixels: int = MOST_PIXELS) -> Array:
    """Return the pixels of an encoded image, `uint8`, shape (height, width, channels) or (height, width).

    Args:
        content: Bytes of the file.
        mode: The Pillow mode to convert to.
        turn: Apply the EXIF orientation.
        max_pixels: Larger images are rejected.
    """
    with opened(content, max_pixels) as file:
        upright = ImageOps.exif_transpose(file) if turn else file
        return np.asarray(upright.convert(mode))


def crop(pixels: Array, plan: CropPlan, options: ImageOptions) -> Array:
    """Return the slot's pixels for `plan`: cut out, resize, cut again, pad."""
    source = pixels[_slices(plan.source)]
    wanted = np.asarray(resize(Image.fromarray(source), *plan.scaled, options.filter))[_slices(plan.wanted)]
    slot = np.empty((options.height, options.width, *pixels.shape[2:]), pixels.dtype)
    slot[:] = options.pad_value if pixels.ndim == 3 else options.pad_value[0]
    slot[_slices((plan.top, plan.left, *wanted.shape[:2]))] = wanted
    return slot


def _slices(window: Window) -> tuple[slice, slice]:
    top, left, height, width = window
    return slice(top, top + height), slice(left, left + width)
