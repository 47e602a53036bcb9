# SPDX-License-Identifier: MIT
"""Single images with Pillow: decode a file, resize an array, ask files what they are."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fastbatch.decode.image_options import MOST_PIXELS
from fastbatch.errors import DecodeError
from fastbatch.native.image import Box, check_decode, check_resize, records
from fastbatch.source.image_folder import list_images

from .source import open_regular

Array = np.ndarray[Any, Any]
Header = tuple[int, int, str, str, int]  # width, height, format, mode, orientation

NO_IMAGE = "not an image: expected JPEG, PNG, WebP or another format that Pillow reads"
_ORIENTATION = 0x0112


def decode(path_or_bytes: Any, mode: str | None = None, exif: str = "ignore") -> Array:
    """Return the pixels of one image; see `fastbatch.decode`."""
    path = check_decode(path_or_bytes, mode, exif)
    content = bytes(path_or_bytes) if path is None else _read(path)
    try:
        with quiet():
            return pixels_of(content, mode, exif)
    except DecodeError as error:
        raise DecodeError(error.message, path=path) from error.__cause__


def pixels_of(content: bytes, mode: str | None, exif: str) -> Array:
    """Return the pixels of a file in memory."""
    with _open(content) as image:
        if exif == "apply":
            ImageOps.exif_transpose(image, in_place=True)
        return np.asarray(image if mode is None else image.convert(mode))


def header_of(content: bytes) -> Header:
    """Return what a file in memory says of itself."""
    with _open(content) as image:
        header = image.width, image.height, str(image.format), image.mode
        try:
            orientation = image.getexif().get(_ORIENTATION, 1)  # reads all of a PNG
        except (OSError, SyntaxError, ValueError):
            orientation = 1
        return *header, orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def resize(array: Any, size: int | tuple[int, int], filter: str = "bilinear", box: Box | None = None) -> Array:
    """Return an image resized by Pillow; see `fastbatch.resize`."""
    pixels, height, width, edges = check_resize(array, size, filter, box)
    image = Image.fromarray(pixels.reshape(pixels.shape[:2]) if pixels.shape[2:] == (1,) else pixels)
    resized = np.asarray(image.resize((width, height), Image.Resampling[filter.upper()], edges))
    return resized.reshape(height, width, *pixels.shape[2:])


def probe(paths: Any, threads: int | None = None) -> Array:
    """Return what image files say of themselves; see `fastbatch.probe`. There are no threads."""
    with quiet():
        return records([probe_file(path) for path in list_images(paths, infer=False).paths])


def probe_file(path: bytes) -> tuple[Any, ...]:
    """Return one record of `probe`."""
    try:
        return (*header_of(_read(path)), None)
    except DecodeError as error:
        return (0, 0, "", "", 0, error.message)
    except OSError as error:
        return (0, 0, "", "", 0, os.strerror(error.errno or 0))


def _read(path: bytes) -> bytes:
    with open_regular(path) as file:
        return file.read()


@contextmanager
def quiet() -> Iterator[None]:
    """Hide Pillow's warnings: twice as many pixels are an error, and of broken EXIF data nobody asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def opened(content: bytes, max_pixels: int) -> Iterator[Image.Image]:
    """Give an open image, without warnings; what goes wrong with it is a DecodeError without a path."""
    with quiet(), _open(content, max_pixels) as image:
        yield image


@contextmanager
def _open(content: bytes, max_pixels: int = MOST_PIXELS) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > max_pixels:
                size = f"{image.width} x {image.height}"
                raise DecodeError(f"image too large: expected at most {max_pixels} pixels, found {size}")
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
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        name = _name_of(content)
        what = f"{name} ends early" if "truncated" in str(error).lower() else f"broken {name}"
        raise DecodeError(f"{what}: {error}") from error


def _name_of(content: bytes) -> str:
    names = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"RIFF": "WebP"}
    return next((name for magic, name in names.items() if content.startswith(magic)), "image")
