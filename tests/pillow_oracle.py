# SPDX-License-Identifier: MIT
"""The pixels of Pillow 13, computed with the Pillow that is installed. 13 itself is asked where it is installed."""

import platform

import numpy as np
import PIL
import pytest
from PIL import Image

# Of 3.13t, which later ones have no wheels for: sums of the first pass beyond 16 bits are not clipped, as 12.3 does.
CLIPS_16_BITS = tuple(int(number) for number in PIL.__version__.split(".")[:2]) >= (12, 3)
clips_16_bits = pytest.mark.skipif(not CLIPS_16_BITS, reason=f"Pillow {PIL.__version__} does not clip 16 bits")
BEGINS_WITH_COLUMNS = int(PIL.__version__.split(".")[0]) >= 13


def as_pillow(got, wanted):
    """Return whether an array is what Pillow gives; on Arm, of 16 and 32 bits, whether it is near."""
    if (got.dtype, got.shape) != (wanted.dtype, wanted.shape):
        return False
    if platform.machine() not in ("aarch64", "arm64") or wanted.dtype == np.uint8:
        return np.array_equal(got, wanted)
    differs = got != wanted
    is_near = np.allclose(got, wanted, rtol=1e-5, atol=0 if got.dtype == np.float32 else 1)
    return is_near and differs.mean() < 0.02


def resized(image, size, resample, box=None):
    """Return `image.resize(size, resample, box)` of Pillow 13.

    It resizes the columns first where the height shrinks more than twice as much as the width; older ones never do.
    """
    shorter, narrower = image.height - size[1], image.width - size[0]
    if BEGINS_WITH_COLUMNS or resample == Image.Resampling.NEAREST or not shorter > max(0, 2 * narrower):
        return image.resize(size, resample, box)
    left, top, right, bottom = box or (0, 0, *image.size)
    if (left, right, size[0]) == (0, image.width, image.width):
        return image.resize(size, resample, box)
    weighted = {"LA": "La", "RGBA": "RGBa"}.get(image.mode, image.mode)
    image, mode = image.convert(weighted), image.mode
    columns = image.resize((image.width, size[1]), resample, (0, top, image.width, bottom))
    return columns.resize(size, resample, (left, 0, right, size[1])).convert(mode)
