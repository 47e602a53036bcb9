# SPDX-License-Identifier: MIT
"""Keras's functions on one image: `random_rotation` ... `apply_affine_transform`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastbatch.checks import shown

from .affine import affine_matrices, warp
from .image_utils import Array, array_to_img, img_to_array


def random_rotation(
    x: Array,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> Array:
    """Return the image turned by up to `rg` degrees, either way."""
    theta = np.random.uniform(-rg, rg)
    options = _options(row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)
    return apply_affine_transform(x, theta=theta, **options)


def random_shift(
    x: Array,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> Array:
    """Return the image shifted by up to `wrg` of its width and `hrg` of its height."""
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    options = _options(row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)
    return apply_affine_transform(x, tx=tx, ty=ty, **options)


def random_shear(
    x: Array,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> Array:
    """Return the image sheared by up to `intensity` degrees, either way."""
    shear = np.random.uniform(-intensity, intensity)
    options = _options(row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)
    return apply_affine_transform(x, shear=shear, **options)


def random_zoom(
    x: Array,
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> Array:
    """Return the image zoomed by a factor for each direction, drawn from `zoom_range`.

    Raises:
        ValueError: `zoom_range` is not two numbers.
    """
    if len(zoom_range) != 2:
        raise ValueError(f"`zoom_range`: expected a tuple or list of two floats, found {shown(zoom_range)}")
    zx: float = 1
    zy: float = 1
    if not zoom_range[0] == zoom_range[1] == 1:
        zx, zy = np.random.uniform(zoom_range[0], zoom_range[1], 2)
    options = _options(row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)
    return apply_affine_transform(x, zx=zx, zy=zy, **options)


def random_channel_shift(x: Array, intensity_range: float, channel_axis: int = 0) -> Array:
    """Return the image with one number, of up to `intensity_range` either way, added; see `apply_channel_shift`."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def random_brightness(x: Array, brightness_range: Sequence[float], scale: bool = True) -> Array:
    """Return the image with its brightness multiplied by a factor from `brightness_range`.

    Raises:
        ValueError: `brightness_range` is not two numbers.
    """
    if len(brightness_range) != 2:
        raise ValueError(f"`brightness_range`: expected a tuple or list of two floats, found {shown(brightness_range)}")
    return apply_brightness_shift(x, np.random.uniform(brightness_range[0], brightness_range[1]), scale)


def apply_channel_shift(x: Array, intensity: float, channel_axis: int = 0) -> Array:
    """Return the image with `intensity` added, clipped to the smallest and largest value that it had."""
    planes = np.rollaxis(x, channel_axis, 0)
    smallest, largest = np.min(x), np.max(x)
    shifted = np.stack([np.clip(plane + intensity, smallest, largest) for plane in planes])
    return np.rollaxis(shifted, 0, channel_axis + 1)


def apply_brightness_shift(x: Array, brightness: float, scale: bool = True) -> Array:
    """Return the image with its brightness multiplied, by way of 8-bit pixels as Keras does it.

    Args:
        scale: Stretch the values to 0 ... 255 first. Values outside are stretched in any case, and then put back.
    """
    from PIL import ImageEnhance

    smallest, largest = np.min(x), np.max(x)
    is_outside = bool(smallest < 0 or largest > 255)
    image = ImageEnhance.Brightness(array_to_img(x, scale=is_outside or scale)).enhance(brightness)
    bright = img_to_array(image)
    if is_outside and not scale:
        bright = bright / 255 * (largest - smallest) + smallest
    return bright


def apply_affine_transform(
    x: Array,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> Array:
    """Return the image turned, shifted, sheared and zoomed around its middle.

    Args:
        theta, shear: Degrees.
        tx, ty: Pixels, along rows and columns.
        zx, zy: Factors.
        fill_mode: What lies outside: "nearest", "constant" (`cval`), "reflect" or "wrap".
        order: Of the spline, 0 to 5.

    Raises:
        ValueError: Not 3 dimensions; axes that are not the three of an image; channels in the middle.
    """
    axes = (row_axis, col_axis, channel_axis)
    if len(set(axes)) != 3:
        raise ValueError(f"`row_axis`, `col_axis` and `channel_axis` must be distinct, found {axes}")
    if set(axes) != {0, 1, 2}:
        raise ValueError(f"axes: expected 0, 1 and 2 in some order, found {axes}")
    if x.ndim != 3:
        raise ValueError(f"x: expected one image of 3 dimensions, found shape {x.shape}")
    if channel_axis not in (0, 2):
        raise ValueError("channel_axis: expected the first or the last dimension, found the middle one")
    parameters = {"theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy}
    size = (x.shape[row_axis], x.shape[col_axis])
    matrices, offsets, moves = affine_matrices({k: np.array([v]) for k, v in parameters.items()}, size)
    if not moves[0]:
        return x
    if col_axis < row_axis:  # the matrix is in (column, row) order
        matrices, offsets = matrices[:, ::-1, ::-1], offsets[:, ::-1]
    is_last = channel_axis == 2
    warped = warp(x if is_last else np.moveaxis(x, 0, -1), matrices[0], offsets[0], order, fill_mode, cval)
    return warped if is_last else np.moveaxis(warped, -1, 0)


def _options(
    row_axis: int, col_axis: int, channel_axis: int, fill_mode: str, cval: float, order: int
) -> dict[str, Any]:
    return {
        "row_axis": row_axis,
        "col_axis": col_axis,
        "channel_axis": channel_axis,
        "fill_mode": fill_mode,
        "cval": cval,
        "order": order,
    }
