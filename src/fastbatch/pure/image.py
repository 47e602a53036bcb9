# SPDX-License-Identifier: MIT
"""Single images with Pillow: decode a file, resize an array, probe and verify files."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbatch.decode.pillow_image import pixels_of, probe_sample, quiet, verify_sample
from fastbatch.decode.single_image import Array, Box
from fastbatch.decode.truncated import decoded
from fastbatch.errors import NO_PILLOW
from fastbatch.source.local_file import read_sample
from fastbatch.source.samples import SampleSource

from .passes import resize

try:
    from PIL import Image
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(NO_PILLOW, name=error.name) from None


def decode_image(
    path: bytes | None, content: Any, mode: str | None, exif: str, max_pixels: int, fills: bool = False
) -> Array:
    """Return the pixels of a file, or of encoded bytes if there is no path; with `fills` also of a truncated image."""
    if path is not None:
        content = read_sample(path)
    with quiet():
        return decoded(lambda: pixels_of(bytes(content), mode, exif, max_pixels), fills)[0]


def resize_image(pixels: Array, height: int, width: int, filter: str, box: Box | None) -> Array:
    """Return a checked image, resized."""
    image = Image.fromarray(pixels.reshape(pixels.shape[:2]) if pixels.shape[2:] == (1,) else pixels)
    resized = np.asarray(resize(image, height, width, filter, box))
    return resized.reshape(height, width, *pixels.shape[2:])


def probe_images(samples: SampleSource, threads: int | None, max_pixels: int) -> list[tuple[Any, ...]]:
    """Return one record per sample; `threads` is ignored."""
    with quiet():
        return [probe_sample(samples, i, max_pixels) for i in range(len(samples))]


def verify_images(
    samples: SampleSource, first: int, n: int, threads: int | None, max_pixels: int
) -> list[tuple[int, str | None]]:
    """Return bytes and reason of each sample, None for a good one; `threads` is ignored."""
    return [verify_sample(samples, i, max_pixels) for i in range(first, first + n)]
