# SPDX-License-Identifier: MIT
"""Augmentation of an image after its resize: geometry and colours, in float32 (row, column, channel)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastbatch.checks import Range
from fastbatch.decode.augment import Augment

from .plan import stream

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Each operation of a sample has its own random stream.
AFFINE, BRIGHTNESS, CONTRAST, SATURATION, HUE, CHANNEL_SHIFT, ERASE = 3, 4, 5, 6, 7, 8, 9
ERASE_TRIES = 10
SUM_PARTS = 16

WILD = 2.0**52  # larger coordinates are treated as equal
INNER_MARGIN = 2.0**-16  # pixels
INNER_COORDINATE = 2.0**30
INNER_WIDTH = 2**16


def augment(pixels: NDArray[np.uint8], options: Augment, seed: int, epoch: int, index: int) -> Floats:
    """Return pixels (height, width, channels) as float32 in 0..255, with the changes drawn for this sample.

    With four channels, the last one is alpha: it is warped and erased, but colour operations skip it.
    """
    height, width, channels = pixels.shape
    ranges = options.ranges
    if options.moves:
        matrix, offset = affine_matrix(options, height, width, stream(seed, epoch, index, operation=AFFINE))
        x = warp(pixels, matrix, offset, options.order, options.fill, options.fill_value)
    else:
        x = pixels.astype("f4")

    colors = x[..., : 3 if channels >= 3 else 1]
    operations: list[tuple[str, float, int, Callable[[Floats, np.float32], Floats]]] = [
        ("channel_shift", 0, CHANNEL_SHIFT, shift_channels),
        ("brightness", 1, BRIGHTNESS, adjust_brightness),
        ("contrast", 1, CONTRAST, adjust_contrast),
        ("saturation", 1, SATURATION, adjust_saturation),
        ("hue", 0, HUE, adjust_hue),
    ]
    for name, neutral, operation, change in operations:
        if ranges[name] != (neutral, neutral):
            drawn = between(ranges[name], stream(seed, epoch, index, operation=operation).random())
            colors[:] = change(colors, np.float32(drawn))
    if options.erase > 0:
        erase(x, options, stream(seed, epoch, index, operation=ERASE))
    if options.standardize:
        colors[:] = standardize(colors)
    return x


def between(limits: Range, u: float) -> float:
    """Map `u` in [0, 1) linearly to a range."""
    return limits[0] + (limits[1] - limits[0]) * u


# ---- geometry --------------------------------------------------------------------------------------------------------


def affine_matrix(
    options: Augment, height: float, width: float, generator: np.random.Generator
) -> tuple[Doubles, Doubles]:
    """Return matrix and offset: output pixel `p` = (row, column) is the input pixel at `matrix @ p + offset`.

    Six numbers are always drawn: rotation, shift of rows and of columns, shear, zoom of rows and of columns. The map is
    rotation x shift x shear x zoom, as in Keras's `apply_affine_transform`, about the centre.
    """
    ranges, (shift_rows, shift_columns) = options.ranges, options.shifts
    drawn = generator.random(6).tolist()
    angle = between(ranges["rotation"], drawn[0]) * (math.pi / 180)
    shift_y = between(shift_rows, drawn[1]) * height
    shift_x = between(shift_columns, drawn[2]) * width
    shear = between(ranges["shear"], drawn[3]) * (math.pi / 180)
    zoom_y, zoom_x = between(ranges["zoom"], drawn[4]), between(ranges["zoom"], drawn[5])

    # In (row, column): rotation [[c, s], [-s, c]] times shear [[a, 0], [-b, 1]] times zoom.
    c, s, a, b = math.cos(angle), math.sin(angle), math.cos(shear), math.sin(shear)
    m = [(c * a - s * b) * zoom_y, s * zoom_x, (-s * a - c * b) * zoom_y, c * zoom_x]
    y, x = height / 2 - 0.5, width / 2 - 0.5
    moved_y, moved_x = c * shift_y + s * shift_x, -s * shift_y + c * shift_x
    offset = [y + moved_y - (m[0] * y + m[1] * x), x + moved_x - (m[2] * y + m[3] * x)]
    return np.array(m).reshape(2, 2), np.array(offset)


def warp(
    image: NDArray[Any], matrix: ArrayLike, offset: ArrayLike, order: int = 1, fill: str = "nearest", value: float = 0.0
) -> Floats:
    """Return the image whose pixel `p` = (row, column) is the pixel of `image` at `matrix @ p + offset`.

    The same as `scipy.ndimage.affine_transform(channel, matrix, offset, order=order, mode=fill, cval=value)` for each
    channel: exactly with order 0, up to rounding with order 1. There, coordinates inside the image are in fixed point:
    they advance from column 0 of their row, with a resolution of 2^-32 pixels.

    Source: `csrc/kernels/warp_scalar.cpp`.
    """
    shape = image.shape[:2]
    m, shift = np.asarray(matrix, float), np.asarray(offset, float)
    row, column = np.arange(shape[0], dtype=float)[:, None], np.arange(shape[1], dtype=float)[None, :]
    with np.errstate(all="ignore"):  # overflow is handled below
        exact = [row * m[i, 0] + column * m[i, 1] + shift[i] for i in range(2)]
        bound = np.max(np.abs(m[:, 0]) * float(shape[0]) + np.abs(m[:, 1]) * float(shape[1]) + np.abs(shift))
    beyond = np.zeros(shape, bool)
    if fill == "constant":
        beyond = ~(within(exact[0], 0, shape[0] - 1) & within(exact[1], 0, shape[1] - 1)) | (not bound < WILD)
        at = [np.where(beyond, 0.0, axis) for axis in exact]
    else:
        at = [fold(axis, n - 1, fill) for axis, n in zip(exact, shape, strict=True)]
    whole = [np.floor(axis + 0.5 if order == 0 else axis) for axis in at]
    part = [(axis - start).astype("f4") for axis, start in zip(at, whole, strict=True)]
    if order == 1 and bound < INNER_COORDINATE and shape[1] <= INNER_WIDTH:
        margin = INNER_MARGIN
        inner = within(exact[0], margin, shape[0] - 1 - margin) & within(exact[1], margin, shape[1] - 1 - margin)
        for i in range(2):
            start, step = np.rint(exact[i][:, :1] * 2.0**32), np.rint(m[i, 1] * 2.0**32)
            fixed = start.astype(np.int64) + np.arange(shape[1]) * np.int64(step)
            whole[i] = np.where(inner, fixed >> 32, whole[i])
            part[i] = np.where(inner, ((fixed & 0xFFFFFFFF) >> 8).astype("f4") * np.float32(2.0**-24), part[i])
    (top, bottom), (left, right) = (
        [np.clip(start + one, 0, n - 1).astype(int) for one in range(2)] for start, n in zip(whole, shape, strict=True)
    )
    pixels = image.astype("f4")
    warped: Floats = pixels[top, left]
    if order == 1:
        on_left = mix(warped, pixels[bottom, left], part[0])
        on_right = mix(pixels[top, right], pixels[bottom, right], part[0])
        warped = mix(on_left, on_right, part[1])
    warped[beyond] = value
    return warped


def mix(one: Floats, other: Floats, share: Floats) -> Floats:
    """Return the linear interpolation between two images at `share`."""
    return one + share[..., None] * (other - one)


def within(at: Doubles, low: float, high: float) -> NDArray[np.bool_]:
    """Return where low <= at <= high."""
    return (at >= low) & (at <= high)


def fold(at: Doubles, last: int, fill: str) -> Doubles:
    """Return coordinates folded into [0, last], or less than a pixel beyond, by SciPy's rules.

    With "wrap", the first and the last pixel coincide: the period is `last`, not `last + 1`.
    """
    at = np.nan_to_num(at, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if fill == "nearest":
        return np.clip(at, 0.0, float(last))
    at = np.where((np.abs(at) < WILD) & (last > 0), at, 0.0)
    if fill == "wrap":
        period = float(max(last, 1))
        low = at + period * (np.trunc(-at / period) + 1)
        high = at - period * np.trunc(at / period)
    else:
        n = float(last + 1)
        period = 2 * n
        low = np.where(at < -period, period * np.trunc(-at / period) + at, at)
        low = np.where(low < -n, low + period, -low - 1)
        high = at - period * np.trunc(at / period)
        high = np.where(high >= n, period - high - 1, high)
    return np.where(within(at, 0, last), at, np.where(at < 0, low, high))


# ---- colours: float32 in 0..255, shape (height, width, 3 or 1) -------------------------------------------------------


def clip(x: Floats) -> Floats:
    """Return `x` clipped to 0..255."""
    clipped: Floats = np.minimum(np.maximum(x, np.float32(0)), np.float32(255))
    return clipped


def grey(x: Floats) -> Floats:
    """Return the weighted sum of red, green and blue, shape (height, width); a single channel is grey already."""
    if x.shape[2] == 1:
        return x[..., 0]
    r, g, b = (np.float32(weight) * x[..., c] for c, weight in enumerate((0.2989, 0.587, 0.114)))
    weighted: Floats = (r + g) + b
    return weighted


def mean(x: NDArray[Any]) -> float:
    """Return the mean in float64 with a fixed order of summation: 16 partial sums, where part i % 16 gets number i."""
    n = x.size
    padded = np.zeros(-(-n // SUM_PARTS) * SUM_PARTS)
    padded[:n] = x.ravel()
    parts = np.add.accumulate(padded.reshape(-1, SUM_PARTS), axis=0)[-1]
    while len(parts) > 1:
        half = len(parts) // 2
        parts = parts[:half] + parts[half:]
    return float(parts[0]) / n


def adjust_brightness(x: Floats, factor: np.float32) -> Floats:
    """Return `x * factor`, clipped: torchvision's `adjust_brightness`."""
    return clip(x * factor)


def adjust_contrast(x: Floats, factor: np.float32) -> Floats:
    """Return a blend with the mean of the grey image: torchvision's `adjust_contrast`."""
    return clip(factor * x + (np.float32(1) - factor) * np.float32(mean(grey(x))))


def adjust_saturation(x: Floats, factor: np.float32) -> Floats:
    """Return a blend with the grey image: torchvision's `adjust_saturation`."""
    if x.shape[2] == 1:
        return x
    return clip(factor * x + ((np.float32(1) - factor) * grey(x))[..., None])


def adjust_hue(x: Floats, turn: np.float32) -> Floats:
    """Return the image with its hue turned by `turn` rounds: torchvision's `adjust_hue`."""
    if x.shape[2] == 1:
        return x
    one, two, four, six = (np.float32(number) for number in (1, 2, 4, 6))
    r, g, b = np.moveaxis(x, 2, 0)
    most = x.max(axis=2)
    span = most - x.min(axis=2)
    saturation = span / np.where(span == 0, one, most)
    rc, gc, bc = ((most - color) / np.where(span == 0, one, span) for color in (r, g, b))
    sixth = np.where(most == r, bc - gc, np.where(most == g, (two + rc) - bc, (four + gc) - rc))
    hue = sixth / six + one
    hue = (hue - np.floor(hue)) + turn
    sixths = (hue - np.floor(hue)) * six
    sector = np.floor(sixths)
    part = sixths - sector
    p = clip(most * (one - saturation))
    q = clip(most * (one - saturation * part))
    t = clip(most * (one - saturation * (one - part)))
    sectors = [(most, t, p), (q, most, p), (p, most, t), (p, q, most), (t, p, most), (most, p, q)]
    number = sector.astype(int) % 6
    return np.stack([np.choose(number, [color[c] for color in sectors]) for c in range(3)], axis=2)


def shift_channels(x: Floats, shift: np.float32) -> Floats:
    """Return `x + shift`, clipped to the image's own minimum and maximum: Keras's `apply_channel_shift`."""
    return np.clip(x + shift, x.min(), x.max())


def standardize(x: Floats) -> Floats:
    """Return `(x - mean) / max(deviation, 1 / sqrt(n))`: `tf.image.per_image_standardization`."""
    average = mean(x)
    variance = mean((x.astype("f8") - average) ** 2)
    deviation = max(math.sqrt(variance), 1 / math.sqrt(x.size))
    standard: Floats = (x - np.float32(average)) / np.float32(deviation)
    return standard


def round_to_bytes(x: Floats) -> NDArray[np.uint8]:
    """Return integers in 0..255, rounded half to even."""
    return np.rint(clip(x)).astype("u1")


def erase(x: Floats, options: Augment, generator: np.random.Generator) -> None:
    """Erase a rectangle of `x`, or none: torchvision's RandomErasing.

    Draws whether to erase; then, in up to ten tries, area and aspect ratio, until the box is smaller than the image in
    both directions; then its top and left edges. Noise takes its bytes from further 64-bit draws, lowest byte first.
    """
    height, width = x.shape[:2]
    if generator.random() >= options.erase:
        return
    scale, ratio = options.ranges["erase_scale"], options.ranges["erase_ratio"]
    logs = math.log(ratio[0]), math.log(ratio[1])
    for _ in range(ERASE_TRIES):
        area = height * width * between(scale, generator.random())
        shape = math.exp(between(logs, generator.random()))
        h, w = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
        if h >= height or w >= width:
            continue
        top = int(generator.bit_generator.random_raw()) * (height - h + 1) >> 64
        left = int(generator.bit_generator.random_raw()) * (width - w + 1) >> 64
        box = x[top : top + h, left : left + w]
        if options.noise:
            box[:] = np.array(options.noise, "f4")
        elif box.size:
            raw = np.asarray(generator.bit_generator.random_raw(-(-box.size // 8)), "<u8")
            box[:] = raw.view("u1")[: box.size].reshape(box.shape)
        return
