# SPDX-License-Identifier: MIT
"""Single images: checked arguments of `decode`, `resize` and `probe`, and the records of `probe`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastbatch.checks import refuse_masked, refuse_unordered, shown, whole
from fastbatch.source.local_file import path_bytes

from .image_limits import FILTERS

Array = np.ndarray[Any, Any]
Box = tuple[float, float, float, float]

MODES = ("L", "RGB", "RGBA", "I;16", "I")
EXIF = ("ignore", "apply")
PROBED = np.dtype(
    [("width", "i4"), ("height", "i4"), ("format", "U16"), ("mode", "U8"), ("orientation", "u1"), ("error", "O")]
)


def check_decode(path_or_bytes: Any, mode: Any, exif: Any) -> bytes | None:
    """Return the path as bytes, or None for encoded bytes.

    Raises:
        TypeError, ValueError: Wrong arguments.
    """
    if mode is not None and mode not in MODES:
        raise ValueError(f"mode: expected None or one of {', '.join(MODES)}, found {shown(mode)}")
    if exif not in EXIF:
        raise ValueError(f"exif: expected one of {', '.join(EXIF)}, found {shown(exif)}")
    if isinstance(path_or_bytes, (str, os.PathLike)):
        return path_bytes("path", path_or_bytes)
    try:
        contiguous = memoryview(path_or_bytes).c_contiguous
    except TypeError:
        raise TypeError(f"expected a path or bytes, found {type(path_or_bytes).__name__}") from None
    if not contiguous:
        raise ValueError("expected bytes that lie side by side, found a view with gaps")
    return None


def turned_upright(pixels: Array, orientation: int) -> Array:
    """Return the image turned upright; `orientation` is EXIF's value, 1 to 8."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def check_resize(array: Any, size: Any, filter_name: str, box: Any) -> tuple[Array, int, int, Box | None]:
    """Return the checked array, height, width and box."""
    refuse_masked("array", array)
    pixels = np.asarray(array)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    deep = pixels.dtype in (np.uint16, np.int32, np.float32)
    channels = pixels.shape[2] if pixels.ndim == 3 and not deep else 1 if pixels.ndim == 2 else 0
    if not (deep or pixels.dtype == np.uint8) or not 1 <= channels <= 4:
        raise TypeError(
            "expected uint8 of shape (height, width) or (height, width, 1 to 4), or uint16, int32 or float32 of shape "
            f"(height, width), found {pixels.dtype} of shape {pixels.shape}"
        )
    if pixels.size == 0:
        raise ValueError(f"expected at least one pixel, found shape {pixels.shape}")
    refuse_unordered("size", size)
    sides = tuple(size) if isinstance(size, Iterable) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"size: expected (height, width), or one number for both, found {shown(size)}")
    height, width = (whole("size", side, 1, 65535) for side in sides)
    if filter_name not in FILTERS:
        raise ValueError(f"filter: expected one of {', '.join(FILTERS)}, found {shown(filter_name)}")
    return pixels, height, width, None if box is None else check_box(box, pixels.shape[0], pixels.shape[1])


def check_box(box: Any, height: int, width: int) -> Box:
    """Return a box after checking that it is inside the image and not empty."""
    edges = tuple(float(edge) for edge in box)
    if len(edges) != 4 or not all(map(np.isfinite, edges)):
        raise ValueError(f"box: expected (left, top, right, bottom), found {shown(box)}")
    left, top, right, bottom = np.array(edges, np.float32).tolist()
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise ValueError(f"box: expected a part of {width} x {height} pixels, found {shown(box)}")
    return left, top, right, bottom


def records(found: Sequence[tuple[Any, ...]]) -> Array:
    """Return the records as an array; the other fields of a record with an error are empty."""
    return np.array([record if record[-1] is None else (0, 0, "", "", 0, record[-1]) for record in found], PROBED)
