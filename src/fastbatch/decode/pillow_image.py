# SPDX-License-Identifier: MIT
"""Images decoded by Pillow: for `fastbatch.pure`, and for formats that are not decoded natively."""

from __future__ import annotations

import io
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastbatch.errors import NO_PILLOW, DecodeError, FormatError
from fastbatch.locks import new_lock
from fastbatch.source.codecs import CODECS, codec_of
from fastbatch.source.foreign import any_signed_format, content_name
from fastbatch.source.local_file import HEAD_BYTES
from fastbatch.source.samples import SampleSource

from .image_limits import MOST_PIXELS

try:
    from PIL import Image, ImageOps, UnidentifiedImageError
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(NO_PILLOW, name=error.name) from None

Array = np.ndarray[Any, Any]
Header = tuple[int, int, str, str, int]  # width, height, format, mode, orientation

NO_IMAGE = f"not an image: expected {', '.join(codec.title for codec in CODECS)} or another format that Pillow reads"
TOO_LARGE = "image too large"
NO_MEMORY = "not enough memory to decode it"
_ORIENTATION = 0x0112


def pixels_of(content: bytes, mode: str | None, exif: str, max_pixels: int = MOST_PIXELS) -> Array:
    """Return the pixels of an encoded image."""
    with _open(content, max_pixels) as image:
        if exif == "apply":
            ImageOps.exif_transpose(image, in_place=True)
        return np.asarray(image if mode is None else image.convert(mode))


def header_of(content: bytes, max_pixels: int = MOST_PIXELS) -> Header:
    """Return the header of an encoded image."""
    with _open(content, max_pixels) as image:
        header = image.width, image.height, str(image.format), image.mode
        try:
            return *header, orientation_of(image)  # reads the whole file for PNG
        except (OSError, SyntaxError, ValueError):
            return *header, 1


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation of the pixels that Pillow gives: 1 for TIFF, which it turns upright itself."""
    orientation = 1 if image.format == "TIFF" else image.getexif().get(_ORIENTATION, 1)
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def deep_mode(name: str, mode: str) -> str:
    """Return "I;16" for an image of a format whose values of that mode are 0 to 65535, otherwise the mode."""
    return "I;16" if mode.startswith("I;16") or (name == "PPM" and mode == "I") else mode


def probe_sample(samples: SampleSource, index: int, max_pixels: int = MOST_PIXELS) -> tuple[Any, ...]:
    """Return one record of `probe`."""
    try:
        return (*header_of(samples.read(index), max_pixels), None)
    except DecodeError as error:
        return (0, 0, "", "", 0, error.message)
    except OSError as error:
        return (0, 0, "", "", 0, error.strerror or str(error))


def verify_sample(samples: SampleSource, index: int, max_pixels: int = MOST_PIXELS) -> tuple[int, str | None]:
    """Return the bytes of a sample, and why its pixels cannot be had; None if they can."""
    n_bytes = 0
    try:
        content = samples.read(index)
        n_bytes = len(content)
        with quiet():
            pixels_of(content, None, "ignore", max_pixels)
    except DecodeError as error:
        return n_bytes, error.message
    except FormatError as error:  # of what the sample is in
        return n_bytes, error.message
    except MemoryError:
        return n_bytes, NO_MEMORY
    except OSError as error:
        return n_bytes, error.strerror or str(error)
    return n_bytes, None


_quiet_lock = new_lock()  # guards what follows
_n_quiet = 0
_filters = warnings.catch_warnings()  # of the first thread


@contextmanager
def quiet() -> Iterator[None]:
    """Hide Pillow's warnings: oversized images are an error here, and broken EXIF data is ignored.

    The filters of warnings are those of the process: the first thread sets them, and the last one sets them back.
    """
    global _n_quiet, _filters
    with _quiet_lock:
        if _n_quiet == 0:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.simplefilter("ignore")
        _n_quiet += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _n_quiet -= 1
            if _n_quiet == 0:
                _filters.__exit__(None, None, None)


@contextmanager
def opened(content: bytes, max_pixels: int) -> Iterator[Image.Image]:
    """Yield the opened image, without warnings; raise its errors as DecodeError without a path."""
    with quiet(), _open(content, max_pixels) as image:
        yield image


_limit_lock = new_lock()


@contextmanager
def _limit_of_pillow(max_pixels: int) -> Iterator[None]:
    """Let Pillow open images of up to `max_pixels`, which the caller checks: its own limit, a global, may be lower."""
    limit = Image.MAX_IMAGE_PIXELS  # Pillow raises at twice as many
    if limit is None or max_pixels <= 2 * limit:
        yield
        return
    with _limit_lock:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


@contextmanager
def _open(content: bytes, max_pixels: int = MOST_PIXELS) -> Iterator[Image.Image]:
    try:
        with _limit_of_pillow(max_pixels), Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > max_pixels:
                size = f"{image.width} x {image.height}"
                raise DecodeError(f"{TOO_LARGE}: expected at most {max_pixels} pixels, found {size}")
            if image.width * image.height == 0:  # Pillow knows the format, but has no decoder: HDF5, GRIB, BUFR
                known = any_signed_format(content[:HEAD_BYTES], images=False)
                raise DecodeError(f"{NO_IMAGE}, found {known or image.format} without a decoder")
            yield image
    except DecodeError:
        raise
    except UnidentifiedImageError as error:
        raise DecodeError(f"{NO_IMAGE}, found {content_name(content[:HEAD_BYTES])}") from error
    except Image.DecompressionBombError as error:
        n_pixels = re.search(r"\d+", str(error))
        found = n_pixels[0] if n_pixels else "more"
        raise DecodeError(f"{TOO_LARGE}: expected at most {max_pixels} pixels, found {found}") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:  # the last before Pillow 13
        name = _name_of(content)
        what = f"{name} ends early" if "truncated" in str(error).lower() else f"broken {name}"
        raise DecodeError(f"{what}: {error}") from error


def _name_of(content: bytes) -> str:
    codec = codec_of(content)
    return codec.title if codec else "image"
