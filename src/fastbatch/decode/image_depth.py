# SPDX-License-Identifier: MIT
"""The conversions of pixels of 8 bits, of 16 bits and of floats into one type of batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fastbatch.checks import floats, shown

from .conversion import Conversion, Field, make_conversion

DEPTHS = (None, 8, 16)
MOST = 65535
PER_BYTE = 257  # 65535 / 255: an 8-bit value v is v * 257 of 16 bits


class Conversions(NamedTuple):
    """The conversion of each type of pixels.

    Attributes:
        eight: Of 8-bit pixels, or of floats in [0, 255] where an augmentation came before.
        deep: Of uint16; None: files of 16 bits are read as 8-bit ones.
        floats: Of float32, with `deep`; None: such files are refused.
        clips: Without `deep`: values above 255 are clipped, as by Pillow; otherwise such files are refused.
    """

    eight: Conversion
    deep: Conversion | None = None
    floats: Conversion | None = None
    clips: bool = False


def make_conversions(
    options: Field, shape: tuple[int, ...], depth: Any, is_augmented: bool, scales: bool
) -> Conversions:
    """Return the conversions into `options.dtype`, a checked type.

    Args:
        shape: (height, width, channels) of the pixels.
        depth: The option of `images`.
        is_augmented: Pixels are changed as floats in [0, 255], which files of 16 bits cannot be.
        scales: Without a scale, pixels become [0, 1].

    Raises:
        ValueError: A depth that the type cannot hold.
    """
    if isinstance(depth, bool) or depth not in DEPTHS:
        raise ValueError(f"depth: expected None, 8 or 16, found {shown(depth)}")
    target = np.dtype(options.dtype)
    if depth == 16 and is_augmented:
        raise ValueError("depth: expected None or 8 with augment=, found 16")
    if depth == 16 and not holds_deep(target):
        raise ValueError(f"depth: expected 8 for dtype={target}, which does not hold 0 to 65535, found 16")
    is_float = target.kind == "f"
    source = np.dtype("f4" if is_augmented and is_float else "u1")
    if is_augmented or depth == 8 or (depth is None and not is_float and target != np.uint16):
        scale = 1 / 255 if options.scale is None and scales else options.scale
        return Conversions(make_conversion(source, shape, replace(options, scale=scale)), clips=depth == 8)
    if depth is None and is_float:  # in units of 8 bits
        eight = 1 / 255 if options.scale is None and scales else options.scale
        deep = 1 / MOST if options.scale is None and scales else _times(1.0 if eight is None else eight, 1 / PER_BYTE)
    else:
        deep = 1 / MOST if options.scale is None and scales and is_float else options.scale
        eight = (
            1 / 255
            if options.scale is None and scales and is_float
            else _times(1.0 if deep is None else deep, PER_BYTE)
        )
    return Conversions(
        make_conversion(source, shape, replace(options, scale=eight)),
        make_conversion(np.dtype("u2"), shape, replace(options, scale=deep)),
        make_conversion(np.dtype("f4"), shape, options) if is_float else None,
    )


def holds_deep(dtype: np.dtype[Any]) -> bool:
    """Return whether a type is a float, or holds 0 to 65535."""
    return dtype.kind == "f" or np.can_cast(np.uint16, dtype)


def _times(scale: Any, factor: float) -> Any:
    product = floats("scale", scale) * factor
    return float(product) if product.ndim == 0 else product
