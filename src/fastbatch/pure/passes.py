# SPDX-License-Identifier: MIT
"""The two passes of a resize: with Pillow's filters, in the order of Pillow 13 whichever Pillow is installed."""

from __future__ import annotations

import numpy as np

from fastbatch.decode.single_image import Box
from fastbatch.errors import NO_PILLOW

from .resize_numbers import resize_numbers, resizes_columns_first

try:
    from PIL import Image
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(NO_PILLOW, name=error.name) from None

_NUMBERS = ("I;16", "I", "F")
_WEIGHTED = {"LA": "La", "RGBA": "RGBa"}  # colours are weighted by alpha between the passes


def resize(image: Image.Image, height: int, width: int, filter_name: str, box: Box | None = None) -> Image.Image:
    """Return the image resized as Pillow 13 does it.

    Rows and columns are resized one after the other, and rounded in between. Pillow 13 resizes the columns first where
    the height shrinks more than twice as much as the width.
    """
    resample = Image.Resampling[filter_name.upper()]
    left, top, right, bottom = box or (0, 0, image.width, image.height)
    is_crop = (left % 1, top % 1, right - left, bottom - top) == (0, 0, width, height)
    if image.mode in _NUMBERS and not is_crop and resample is not Image.Resampling.NEAREST:
        return Image.fromarray(resize_numbers(np.asarray(image), height, width, filter_name, box))
    by_row = (left, right, width) != (0, image.width, image.width)
    by_column = (top, bottom, height) != (0, image.height, image.height)
    if resample is Image.Resampling.NEAREST or not (by_row and by_column):
        return image.resize((width, height), resample, box)
    mode = image.mode
    weighted = image.convert(_WEIGHTED[mode]) if mode in _WEIGHTED else image
    if resizes_columns_first(image.height, image.width, height, width):
        between = weighted.resize((image.width, height), resample, (0, top, image.width, bottom))
        resized = between.resize((width, height), resample, (left, 0, right, height))
    else:
        between = weighted.resize((width, image.height), resample, (left, 0, right, image.height))
        resized = between.resize((width, height), resample, (0, top, width, bottom))
    return resized.convert(mode) if mode in _WEIGHTED else resized
