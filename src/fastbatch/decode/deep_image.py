# SPDX-License-Identifier: MIT
"""Images of 16 bits and of floats: their channels, and the conversion of colours that Pillow lacks for them.

Pixels are uint16, or float32 for all other types of more than 8 bits: values as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbatch.errors import DecodeError

Array = np.ndarray[Any, Any]

LUMA = (19595, 38470, 7471)  # Pillow's weights of red, green and blue, in 1/65536
MOST = 65535


def with_colors(stored: Array, mode: str) -> Array:
    """Return pixels (height, width, channels) with the channels of a mode.

    Args:
        stored: uint16 or float32, (height, width, channels): gray, gray and alpha, RGB or RGBA.
        mode: "L", "RGB", "RGBA"; or "stored" for the pixels as they are.

    Raises:
        DecodeError: Another number of channels, which has no colours.
    """
    if mode == "stored":
        return stored
    n = stored.shape[2]
    if n > 4:
        raise DecodeError(f"image of {n} channels: expected channels={n}, or a file of 1 to 4, found color=")
    is_gray = n <= 2
    if mode == "L":
        return stored[..., :1] if is_gray else _luma(stored)
    colors = np.repeat(stored[..., :1], 3, axis=2) if is_gray else stored[..., :3]
    if mode == "RGB":
        return colors
    opaque = np.full((*stored.shape[:2], 1), MOST if stored.dtype == np.uint16 else 1, stored.dtype)
    return np.concatenate([colors, stored[..., -1:] if n % 2 == 0 else opaque], axis=2)


def _luma(stored: Array) -> Array:
    if stored.dtype == np.uint16:
        sums = sum(stored[..., c : c + 1].astype(np.uint32) * np.uint32(LUMA[c]) for c in range(3)) + 0x8000
        return np.asarray(sums >> 16, np.uint16)
    weighted = sum(stored[..., c : c + 1].astype(np.float64) * (LUMA[c] / 65536) for c in range(3))
    return np.asarray(weighted, np.float32)
