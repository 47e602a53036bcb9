# SPDX-License-Identifier: MIT
"""An image sample: decode, crop, resize, flip. In C++: `csrc/image/`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np

from fastbatch.decode.image_depth import PER_BYTE
from fastbatch.decode.image_limits import MOST_PIXELS
from fastbatch.decode.image_options import ImageOptions
from fastbatch.decode.pillow_image import opened
from fastbatch.decode.truncated import decoded
from fastbatch.errors import NO_PILLOW, DecodeError
from fastbatch.source.samples import SampleSource

from .deep_sample import decode_deep, refuse_clipping, resize_deep
from .filled import note_filled
from .geometry import CropPlan, Window, draw_flips, plan_crop
from .passes import resize

try:
    from PIL import Image, ImageOps
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(NO_PILLOW, name=error.name) from None

Array = np.ndarray[Any, Any]
T = TypeVar("T")

MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
COLORS = {1: "L", 3: "RGB", 4: "RGBA"}
MOST_PADS = 4  # channels with a padding of their own


def image(samples: SampleSource, index: int, options: ImageOptions, seed: int, epoch: int) -> Array:
    """Return one image of size (height, width, channels), before its conversion.

    It is `uint8`; with `options.deep` also `uint16` or `float32`, for a file of more bits. The random crop and flips
    depend on the seed, the epoch and the sample's index.

    Raises:
        DecodeError: The file is not a complete image.
        OSError: The file cannot be read.
    """
    mode = MODES[options.color] if not options.channels else COLORS.get(options.channels, "RGB")
    pixels = decode_sample(samples, index, options, lambda content: _decode(content, mode, options))
    height, width = pixels.shape[:2]
    with placing(samples, index):
        plan = plan_crop((height, width), options, seed, epoch, index)
    pixels = crop(pixels, plan, options, PER_BYTE if pixels.dtype == np.uint16 else 1)
    horizontal, vertical = draw_flips(options, seed, epoch, index)
    pixels = pixels[:: -1 if vertical else 1, :: -1 if horizontal else 1]
    return pixels.reshape(options.height, options.width, -1)


def _decode(content: bytes, mode: str, options: ImageOptions) -> Array:
    """Return the pixels of an encoded image."""
    deep = decode_deep(content, options, mode) if options.deep is not None else None
    if deep is None:
        refuse_clipping(content, options)
        return decode(content, mode, options.exif == "apply", options.max_pixels)
    if deep.dtype == np.float32 and options.floats is None:
        raise DecodeError("image of floats", expected="dtype= a float type", found="float32")
    return deep


def decode_sample(samples: SampleSource, index: int, options: ImageOptions, work: Callable[[bytes], T]) -> T:
    """Return the result of `work` on the bytes of a sample; with `options.fills` also of a truncated one.

    Its errors get the file's name and the sample's index.
    """
    content = samples.read(index)
    with placing(samples, index):
        result, refused = decoded(partial(work, content), options.fills)
    if refused is not None:
        note_filled(DecodeError(refused.message, path=samples.name(index), sample=index))
    return result


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


def crop(pixels: Array, plan: CropPlan, options: ImageOptions, pad_scale: int = 1) -> Array:
    """Return the slot's pixels for `plan`: cut out, resize, cut again, pad with `options.pad_value * pad_scale`."""
    source = pixels[_slices(plan.source)]
    if pixels.dtype == np.uint8 or pixels.ndim == 2:
        shown = source.view(np.int32) if pixels.dtype == np.uint32 else source  # Pillow has no uint32; masks are moved
        resized = np.asarray(resize(Image.fromarray(shown), *plan.scaled, options.filter)).view(pixels.dtype)
    else:
        weighs = options.color == "rgba" and not options.channels
        resized = resize_deep(source, *plan.scaled, options.filter, weighs)
    wanted = resized[_slices(plan.wanted)]
    slot = np.empty((options.height, options.width, *pixels.shape[2:]), pixels.dtype)
    padding = options.pad_value if pixels.ndim == 3 and pixels.shape[2] <= MOST_PADS else options.pad_value[:1]
    slot[:] = np.multiply(padding, pad_scale).astype(pixels.dtype)
    slot[_slices((plan.top, plan.left, *wanted.shape[:2]))] = wanted
    return slot


def _slices(window: Window) -> tuple[slice, slice]:
    top, left, height, width = window
    return slice(top, top + height), slice(left, left + width)
