# SPDX-License-Identifier: MIT
"""Images that the core cannot decode, decoded by Pillow if it is installed: other formats and rare subformats.

The loader's worker threads call these functions one at a time, since Pillow's Python code holds the GIL.
"""

from __future__ import annotations

import importlib.util
import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.errors import DecodeError
from fastbatch.source.codecs import CODECS

if TYPE_CHECKING:
    from fastbatch.source.samples import SampleSource

Array = np.ndarray[Any, Any]

_warned: set[str] = set()  # formats for which the warning was given


def is_available() -> bool:
    """Return whether Pillow is installed."""
    return importlib.util.find_spec("PIL") is not None


def decode(content: bytes, mode: str | None, exif: str, reason: str, max_pixels: int, fills: bool) -> Array:
    """Return the pixels as `fastbatch.decode` does; `reason` is the core's error message.

    Raises:
        DecodeError: Not an image, a broken one, or Pillow is not installed.
    """
    if not is_available():
        raise DecodeError(reason)
    from fastbatch.decode import pillow_image, truncated

    def work() -> Array:
        if not truncated.is_filling():
            header(content, max_pixels)  # warns
        return pillow_image.pixels_of(content, mode, exif, max_pixels)

    return truncated.decoded(work, fills)[0]


def fill(content: bytes, mode: str | None, exif: str, max_pixels: int, refused: DecodeError) -> Array:
    """Return the pixels of a truncated image that the core has refused, filled; raise its error if Pillow cannot."""
    from fastbatch.decode import pillow_image, truncated

    try:
        with truncated.filled():
            return pillow_image.pixels_of(content, mode, exif, max_pixels)
    except DecodeError:
        raise refused from refused.__cause__


def header(
    content: bytes,
    max_pixels: int,
    is_deep: bool = False,
    is_stored: bool = False,
    fills: bool = False,
    is_mask: bool = False,
) -> tuple[int, int, str, int, int]:
    """Return width, height, mode, orientation and channels. Called by the core.

    Args:
        content: The file.
        max_pixels: Larger images are an error.
        is_deep: All bits are wanted: the mode is "I;16", "uint16 x n" or "float32 x n" for images with more than 8.
        is_stored: So are the file's own channels.
        fills: Truncated images are filled, not refused.
        is_mask: The modes of masks of 32 bits are "int32" and "uint32".

    Raises:
        DecodeError: Not an image, or a broken one.
    """
    from fastbatch.decode import pillow_image, tiff, truncated

    if is_deep and tiff.is_tiff(content) and (is_stored or not tiff.is_for_pillow(content, max_pixels)):
        found = tiff.header_of(content, max_pixels)
        if found.is_deep or is_stored:
            mode = found.mask_mode if is_mask else found.mode
            return found.width, found.height, mode, found.orientation, found.channels
    with truncated.filled() if fills else nullcontext():
        width, height, name, mode, orientation = pillow_image.header_of(content, max_pixels)
    if not fills:
        warn_once(name)
    return width, height, pillow_image.deep_mode(name, mode) if is_deep else mode, orientation, 0


def pixels(
    content: bytes, mode: str, max_pixels: int, is_deep: bool = False, fills: bool = False, is_mask: bool = False
) -> Any:
    """Return the pixels in a Pillow mode, or "stored", row by row. Called by the core.

    Args:
        content: The file.
        mode: "L", "RGB" or "RGBA" with `is_deep`: with so many channels of uint16 or float32.
        max_pixels: Larger images are an error.
        is_deep: All bits, of a file in whose header there are more than 8.
        fills: Truncated images are filled, not refused.
        is_mask: Integers of 32 bits as they are.
    """
    from fastbatch.decode import deep_image, pillow_image, tiff, truncated

    with truncated.filled() if fills else nullcontext():
        if not is_deep:
            return pillow_image.pixels_of(content, mode, "ignore", max_pixels).tobytes()
        if is_mask and tiff.is_tiff(content):
            return tiff.mask_pixels(content, max_pixels).tobytes()
        if tiff.is_tiff(content):
            stored = tiff.stored_pixels(content, max_pixels, first_page=mode != "stored")
        else:
            stored = pillow_image.pixels_of(content, None, "ignore", max_pixels).astype(np.uint16)[..., None]
        return deep_image.with_colors(stored, mode).tobytes()


def probe(samples: SampleSource, index: int, reason: str, max_pixels: int) -> tuple[Any, ...]:
    """Return the record of a sample with a header unknown to the core; `reason` is the core's message."""
    if not is_available():
        return (0, 0, "", "", 0, reason)
    from fastbatch.decode import pillow_image

    return pillow_image.probe_sample(samples, index, max_pixels)


def verify(samples: SampleSource, index: int, reason: str, max_pixels: int) -> tuple[int, str | None]:
    """Return bytes and reason of a sample with a format unknown to the core; `reason` is the core's message."""
    if not is_available():
        return len(samples.read(index)), reason
    from fastbatch.decode import pillow_image

    return pillow_image.verify_sample(samples, index, max_pixels)


def warn_once(name: str) -> None:
    """Warn once per format that Pillow decodes it."""
    if name not in _warned:
        _warned.add(name)
        warnings.warn(
            f"{name} images are decoded by Pillow, one at a time; most {_native()} files are decoded natively",
            stacklevel=4,
        )


def _native() -> str:
    *others, last = (codec.title for codec in CODECS)
    return f"{', '.join(others)} and {last}"
