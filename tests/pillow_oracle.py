# SPDX-License-Identifier: MIT
"""The pixels of Pillow 13, computed with the Pillow that is installed. 13 itself is asked where it is installed."""

import PIL
from PIL import Image

BEGINS_WITH_COLUMNS = int(PIL.__version__.split(".")[0]) >= 13


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
