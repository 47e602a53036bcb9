# SPDX-License-Identifier: MIT
"""Images that the core cannot decode, decoded by Pillow if it is installed: other formats and rare subformats.

The loader's worker threads call these functions one at a time, since Pillow's Python code holds the GIL.
"""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch import _core
from fastbatch.errors import DecodeError
from fastbatch.source.codecs import CODECS

if TYPE_CHECKING:
    from fastbatch.source.samples import SampleSource

Array = np.ndarray[Any, Any]

_warned: set[str] = set()  # formats for which the warning was given


def is_available() -> bool:
    """Return whether Pillow is installed."""
    return importlib.util.find_spec("PIL") is not None


def decode(content: bytes, mode: str | None, exif: str, reason: str, max_pixels: int) -> Array:
    """Return the pixels as `fastbatch.decode` does; `reason` is the core's error message.

    Raises:
        DecodeError: Not an image, a broken one, or Pillow is not installed.
    """
    if not is_available():
        raise DecodeError(reason)
    from fastbatch.decode import pillow_image

    header(content, max_pixels)
    return pillow_image.pixels_of(content, mode, exif, max_pixels)


def header(content: bytes, max_pixels: int) -> tuple[int, int, str, int]:
    """Return width, height, mode and orientation. Called by the core."""
    from fastbatch.decode import pillow_image

    try:
        width, height, name, mode, orientation = pillow_image.header_of(content, max_pixels)
    except DecodeError as error:
        if error.message.startswith(pillow_image.NO_IMAGE):
            raise DecodeError(f"{pillow_image.NO_IMAGE}, found {_core.name_format(content)}") from error
        raise
    warn_once(name)
    return width, height, mode, orientation


def pixels(content: bytes, mode: str, max_pixels: int) -> bytes:
    """Return the pixels in a Pillow mode, row by row. Called by the core."""
    from fastbatch.decode import pillow_image

    return pillow_image.pixels_of(content, mode, "ignore", max_pixels).tobytes()


def probe(samples: SampleSource, index: int, reason: str, max_pixels: int) -> tuple[Any, ...]:
    """Return the record of a sample with a header unknown to the core; `reason` is the core's message."""
    if not is_available():
        return (0, 0, "", "", 0, reason)
    from fastbatch.decode import pillow_image

    return pillow_image.probe_sample(samples, index, max_pixels)


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
