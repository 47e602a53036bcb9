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
    """Return the image rotated by a random angle of up to `rg` degrees.

    Draws from NumPy's global generator.

    Args:
        x: Image of 3 dimensions.
        rg: Largest angle in degrees; the angle is drawn from [-rg, rg).
        row_axis, col_axis, channel_axis: The dimensions of x that are rows, columns and channels.
        fill_mode: Pixels outside of the image: "nearest", "constant" (`cval`), "reflect" or "wrap".
        cval: Value for fill_mode="constant".
        interpolation_order: Order of the spline, 0 to 5.

    Returns:
        An image of the same shape.

    Raises:
        ValueError: An image of another number of dimensions, or wrong axes.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import random_rotation
        >>> x = np.zeros((32, 48, 3), np.float32)
        >>> random_rotation(x, 20, row_axis=0, col_axis=1, channel_axis=2).shape
        (32, 48, 3)

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """
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
    """Return the image shifted by a random part of its width and height.

    Draws from NumPy's global generator.

    Args:
        x: Image of 3 dimensions.
        wrg, hrg: Largest shift in both directions, as a share of the width and of the height. As in Keras, `hrg` shifts
            horizontally and `wrg` vertically.
        row_axis, col_axis, channel_axis: The dimensions of x that are rows, columns and channels.
        fill_mode: Pixels outside of the image: "nearest", "constant" (`cval`), "reflect" or "wrap".
        cval: Value for fill_mode="constant".
        interpolation_order: Order of the spline, 0 to 5.

    Returns:
        An image of the same shape.

    Raises:
        ValueError: An image of another number of dimensions, or wrong axes.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import random_shift
        >>> x = np.zeros((32, 48, 3), np.float32)
        >>> random_shift(x, 0.2, 0.1, row_axis=0, col_axis=1, channel_axis=2).shape
        (32, 48, 3)

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """
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
    """Return the image sheared by a random angle of up to `intensity` degrees.

    Draws from NumPy's global generator.

    Args:
        x: Image of 3 dimensions.
        intensity: Largest angle in degrees; the angle is drawn from [-intensity, intensity).
        row_axis, col_axis, channel_axis: The dimensions of x that are rows, columns and channels.
        fill_mode: Pixels outside of the image: "nearest", "constant" (`cval`), "reflect" or "wrap".
        cval: Value for fill_mode="constant".
        interpolation_order: Order of the spline, 0 to 5.

    Returns:
        An image of the same shape.

    Raises:
        ValueError: An image of another number of dimensions, or wrong axes.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import random_shear
        >>> x = np.zeros((32, 48, 3), np.float32)
        >>> random_shear(x, 10, row_axis=0, col_axis=1, channel_axis=2).shape
        (32, 48, 3)

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """
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
    """Return the image zoomed by random factors, one per axis.

    Draws from NumPy's global generator.

    Args:
        x: Image of 3 dimensions.
        zoom_range: (lowest, highest) factor; below 1 magnifies, above 1 shrinks.
        row_axis, col_axis, channel_axis: The dimensions of x that are rows, columns and channels.
        fill_mode: Pixels outside of the image: "nearest", "constant" (`cval`), "reflect" or "wrap".
        cval: Value for fill_mode="constant".
        interpolation_order: Order of the spline, 0 to 5.

    Returns:
        An image of the same shape.

    Raises:
        ValueError: `zoom_range` is not two numbers, or as for `apply_affine_transform`.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import random_zoom
        >>> x = np.zeros((32, 48, 3), np.float32)
        >>> random_zoom(x, (0.8, 1.2), row_axis=0, col_axis=1, channel_axis=2).shape
        (32, 48, 3)

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
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
    """Return the image with one random number added to all channels; see `apply_channel_shift`.

    Draws from NumPy's global generator.

    Args:
        x: Image of 3 dimensions.
        intensity_range: Largest number; it is drawn from [-intensity_range, intensity_range).
        channel_axis: The dimension of x that is the channels.

    Returns:
        An image of the same shape.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import random_channel_shift
        >>> random_channel_shift(np.zeros((32, 48, 3)), 20.0, channel_axis=2).shape
        (32, 48, 3)

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def random_brightness(x: Array, brightness_range: Sequence[float], scale: bool = True) -> Array:
    """Return the image with its brightness multiplied by a random factor.

    Draws from NumPy's global generator.

    Args:
        x: Image of 3 dimensions, in Keras's data format.
        brightness_range: (lowest, highest) factor.
        scale: Stretch the values to [0, 255] first.

    Returns:
        An image of the same shape, of Keras's float type.

    Raises:
        ValueError: `brightness_range` is not two numbers.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import random_brightness
        >>> random_brightness(np.full((32, 48, 3), 100.0), (0.5, 1.5)).shape
        (32, 48, 3)

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """
    if len(brightness_range) != 2:
        raise ValueError(f"`brightness_range`: expected a tuple or list of two floats, found {shown(brightness_range)}")
    return apply_brightness_shift(x, np.random.uniform(brightness_range[0], brightness_range[1]), scale)


def apply_channel_shift(x: Array, intensity: float, channel_axis: int = 0) -> Array:
    """Return the image with a number added to all channels, clipped to the image's own minimum and maximum.

    Args:
        x: Image of 3 dimensions.
        intensity: The number.
        channel_axis: The dimension of x that is the channels.

    Returns:
        An image of the same shape.

    Raises:
        ValueError: An empty image.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import apply_channel_shift
        >>> apply_channel_shift(np.array([[[0.0, 100.0, 200.0]]]), 50, channel_axis=2)
        array([[[ 50., 150., 200.]]])

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """
    planes = np.rollaxis(x, channel_axis, 0)
    smallest, largest = np.min(x), np.max(x)
    shifted = np.stack([np.clip(plane + intensity, smallest, largest) for plane in planes])
    return np.rollaxis(shifted, 0, channel_axis + 1)


def apply_brightness_shift(x: Array, brightness: float, scale: bool = True) -> Array:
    """Return the image with its brightness multiplied; it is rounded to 8-bit pixels, as by Keras.

    Args:
        x: Image of 3 dimensions, in Keras's data format.
        brightness: The factor.
        scale: Stretch the values to [0, 255] first. Values outside of [0, 255] are always stretched; without `scale`
            they are scaled back.

    Returns:
        An image of the same shape, of Keras's float type.

    Raises:
        ValueError: Not 3 dimensions; not 1, 3 or 4 channels.
        ImportError: Pillow is not installed.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import apply_brightness_shift
        >>> apply_brightness_shift(np.array([[[0.0, 100.0, 200.0]]]), 0.5, scale=False)
        array([[[  0.,  50., 100.]]], dtype=float32)

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
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
    """Return the image rotated, shifted, sheared and zoomed around its centre.

    Args:
        x: Image of 3 dimensions.
        theta, shear: Angles in degrees.
        tx, ty: Horizontal and vertical shift in pixels; above 0 moves the image to the left, and up.
        zx, zy: Horizontal and vertical zoom factor; below 1 magnifies, above 1 shrinks.
        row_axis, col_axis, channel_axis: The dimensions of x that are rows, columns and channels.
        fill_mode: Pixels outside of the image: "nearest", "constant" (`cval`), "reflect" or "wrap".
        cval: Value for fill_mode="constant".
        order: Order of the spline, 0 to 5.

    Returns:
        An image of the same shape.

    Raises:
        ValueError: Not 3 dimensions; axes that are not the three of an image; channels in the middle.

    Example:
        >>> import numpy as np
        >>> from fastbatch.keras import apply_affine_transform
        >>> x = np.arange(4, dtype=np.float32).reshape(1, 4, 1)
        >>> apply_affine_transform(x, tx=1, row_axis=0, col_axis=1, channel_axis=2).ravel()
        array([1., 2., 3., 3.], dtype=float32)

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
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
