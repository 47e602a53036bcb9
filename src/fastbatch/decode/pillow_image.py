# SPDX-License-Identifier: MIT
"""Images decoded by Pillow: for `fastbatch.pure`, and for formats that are not decoded natively."""

from __future__ import annotations

import io
import os
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastbatch.errors import NO_PILLOW, DecodeError
from fastbatch.locks import new_lock
from fastbatch.source.codecs import CODECS, codec_of
from fastbatch.source.samples import SampleSource

from .image_limits import MOST_PIXELS

try:
    from PIL import Image, ImageOps, UnidentifiedImageError
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(NO_PILLOW, name=error.name) from None

Array = np.ndarray[Any, Any]
Header = tuple[int, int, str, str, int]  # width, height, format, mode, orientation

NO_IMAGE = f"not an image: expected {', '.join(codec.title for codec in CODECS)} or another format that Pillow reads"
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
            orientation = image.getexif().get(_ORIENTATION, 1)  # reads the whole file for PNG
        except (OSError, SyntaxError, ValueError):
            orientation = 1
        return *header, orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def probe_sample(samples: SampleSource, index: int, max_pixels: int = MOST_PIXELS) -> tuple[Any, ...]:
    """Return one record of `probe`."""
    try:
        return (*header_of(samples.read(index), max_pixels), None)
    except DecodeError as error:
        return (0, 0, "", "", 0, error.message)
    except OSError as error:
        return (0, 0, "", "", 0, os.strerror(error.errno or 0))


@contextmanager
def quiet() -> Iterator[None]:
    """Hide Pillow's warnings: oversized images are an error here, and broken EXIF data is ignored."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
                raise DecodeError(f"image too large: expected at most {max_pixels} pixels, found {size}")
            if image.width * image.height == 0:  # Pillow knows the format, but has no decoder: HDF5, GRIB, BUFR
                raise DecodeError(f"{NO_IMAGE}, found {image.format} without a decoder")
            yield image
    except DecodeError:
        raise
    except UnidentifiedImageError as error:
        found = f"the bytes {content[:4].hex(' ')}" if content else "an empty file"
        raise DecodeError(f"{NO_IMAGE}, found {found}") from error
    except Image.DecompressionBombError as error:
        n_pixels = re.search(r"\d+", str(error))
        found = n_pixels[0] if n_pixels else "more"
        raise DecodeError(f"image too large: expected at most {max_pixels} pixels, found {found}") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:  # the last before Pillow 13
        name = _name_of(content)
        what = f"{name} ends early" if "truncated" in str(error).lower() else f"broken {name}"
        raise DecodeError(f"{what}: {error}") from error


def _name_of(content: bytes) -> str:
    codec = codec_of(content)
    return codec.title if codec else "image"
