# SPDX-License-Identifier: MIT
"""Image samples of 16 bits and of floats, resized channel by channel. In C++: `csrc/image/deep_crop.cpp`."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from fastbatch.decode import tiff
from fastbatch.decode.deep_image import MOST, with_colors
from fastbatch.decode.image_options import ImageOptions
from fastbatch.decode.pillow_image import deep_mode, opened, orientation_of
from fastbatch.decode.truncated import is_filling
from fastbatch.errors import DecodeError

from .passes import resize
from .png16 import deep_pixels, is_png16

Array = np.ndarray[Any, Any]

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_CLIPPED = ("I", "F")


def decode_deep(content: bytes, options: ImageOptions, mode: str) -> Array | None:
    """Return the upright pixels of a file of more than 8 bits, (height, width, channels); None for one of 8 bits.

    Args:
        content: The file.
        options: With `deep`.
        mode: "L", "RGB" or "RGBA".

    Raises:
        DecodeError: A broken file, or one of another number of channels.
    """
    mode = "stored" if options.channels else mode
    if tiff.is_tiff(content) and (options.channels or not tiff.is_for_pillow(content, options.max_pixels)):
        found = tiff.header_of(content, options.max_pixels)
        if not (found.is_deep or options.channels):
            return None
        if options.channels:
            _require_channels(options.channels, found.channels)
        stored = tiff.stored_pixels(content, options.max_pixels, first_page=not options.channels)
        return turn(with_colors(stored, mode), found.orientation if options.exif == "apply" else 1)
    with opened(content, options.max_pixels) as file:
        name = deep_mode(str(file.format), file.mode)
        # Pillow fills 8 bits of a PNG's colours, and reads as many of an animation that begins with a part of it.
        is_png = is_png16(content) and not is_filling() and _is_whole(file)
        if not (is_png or name == "I;16"):
            if options.channels and _MODES.get(options.channels) != file.mode:
                raise _another_number(options.channels, f"mode {file.mode}")
            return None
        file.load()
        orientation = orientation_of(file) if options.exif == "apply" else 1
        pixels = (
            deep_pixels(content, mode) if is_png else with_colors(np.asarray(file).astype(np.uint16)[..., None], mode)
        )
    if options.channels:
        _require_channels(options.channels, pixels.shape[2])
    return turn(pixels, orientation)


def _is_whole(file: Any) -> bool:
    """Return whether a PNG that is not loaded yet has pixels for its whole area."""
    return [tuple(tile[1]) for tile in file.tile] == [(0, 0, *file.size)]


def refuse_clipping(content: bytes, options: ImageOptions) -> None:
    """Raise DecodeError for an image whose values Pillow clips to 255, unless `options.clips`."""
    if options.clips:
        return
    with opened(content, options.max_pixels) as file:
        if file.mode.startswith("I;16") or file.mode in _CLIPPED:
            raise DecodeError(
                "image of more than 8 bits, whose values would be clipped to 255",
                expected="dtype= a float type or uint16, or depth=8 to clip them"
                if options.augment is None
                else "depth=8 to clip them, since augment= works with 8 bits",
                found=f"mode {file.mode}",
            )


def _require_channels(expected: int, found: int) -> None:
    if found != expected:
        raise _another_number(expected, str(found))


def _another_number(expected: int, found: str) -> DecodeError:
    return DecodeError("image of another number of channels", expected=expected, found=found)


def turn(pixels: Array, orientation: int) -> Array:
    """Return stored pixels turned upright."""
    upright = np.swapaxes(pixels, 0, 1) if orientation >= 5 else pixels
    ways = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
    down, right = ways.get(orientation, (1, 1))
    return upright[::down, ::right]


def resize_deep(pixels: Array, height: int, width: int, filter_name: str, weighs: bool) -> Array:
    """Return pixels (height, width, channels) resized, each channel as Pillow's image of mode "I;16" or "F".

    Args:
        weighs: The last of four channels is alpha, by which colours are weighted.
    """
    copies = filter_name == "nearest" or pixels.shape[:2] == (height, width)
    weighs = weighs and pixels.dtype == np.uint16 and not copies
    if weighs:
        alpha = pixels[..., 3:].astype(np.uint64)
        pixels = np.concatenate([(pixels[..., :3] * alpha + MOST // 2) // MOST, alpha], axis=2).astype(np.uint16)
    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., c])) for c in range(pixels.shape[2])]
    resized = np.stack([np.asarray(resize(plane, height, width, filter_name)) for plane in planes], axis=2)
    if not weighs:
        return resized
    alpha = resized[..., 3:].astype(np.uint64)
    kept = (alpha == 0) | (alpha == MOST)
    colors = np.minimum(MOST * resized[..., :3].astype(np.uint64) // np.maximum(alpha, 1), MOST)
    return np.concatenate([np.where(kept, resized[..., :3], colors), alpha], axis=2).astype(np.uint16)
