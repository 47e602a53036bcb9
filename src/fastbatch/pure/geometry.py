# SPDX-License-Identifier: MIT
"""Crop geometry: the part of an image that is cut out, and its size after the resize.

In C++: `csrc/image/geometry.cpp`, with the same order of operations, so that the results are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from fastbatch.decode.image_options import ImageOptions
from fastbatch.errors import DecodeError

from .plan import stream

# Each operation of a sample has its own random stream.
FLIP = 0
VERTICAL_FLIP = 1
CROP = 2

TRIES = 10
LONGEST_SIDE = 65_535  # of an image that is resized
LONGEST_RESIZED = 2**31 - 1

Size = tuple[int, int]  # height, width
Window = tuple[int, int, int, int]  # top, left, height, width


@dataclass(frozen=True)
class CropPlan:
    """The crop and resize of an image.

    Attributes:
        source: The part of the image that is cut out, and then resized without its surroundings.
        scaled: Its size after the resize.
        wanted: The part of the resized image that is copied into the slot.
        top, left: Position of that part in the slot; the rest of the slot is padding.
    """

    source: Window
    scaled: Size
    wanted: Window
    top: int = 0
    left: int = 0


def plan_crop(size: Size, options: ImageOptions, seed: int, epoch: int, index: int) -> CropPlan:
    """Return the crop of an upright image of size (height, width) for sample `index`."""
    if max(size) > LONGEST_SIDE and (options.crop != "random" or options.resize):
        found = f"{size[1]} x {size[0]}"
        raise DecodeError("image too long", expected=f"sides of at most {LONGEST_SIDE} pixels", found=found)
    everything = (0, 0, *size)
    slot = (options.height, options.width)
    generator = stream(seed, epoch, index, operation=CROP)

    def below(n: int) -> int:
        return int(generator.bit_generator.random_raw()) * n >> 64

    if options.crop == "center":
        scaled = resize_shorter(size, options.resize)
        # Centred, rounded like torchvision: Python's round().
        top, left = (round((have - want) / 2) for have, want in zip(scaled, slot, strict=True))
        return CropPlan(everything, scaled, (top, left, *slot))
    if options.crop == "random":
        scaled = resize_shorter(size, options.resize) if options.resize else size
        (y, h, top), (x, w, left) = (_draw_place(*axis, below) for axis in zip(scaled, slot, strict=True))
        if options.resize:
            return CropPlan(everything, scaled, (y, x, h, w), top, left)
        return CropPlan((y, x, h, w), (h, w), (0, 0, h, w), top, left)
    if options.crop == "random_resized":
        return CropPlan(_draw_box(size, options, generator.random, below), slot, (0, 0, *slot))
    if options.crop == "pad":
        h, w = contain(size, slot)
        return CropPlan(everything, (h, w), (0, 0, h, w), round((slot[0] - h) * 0.5), round((slot[1] - w) * 0.5))
    return CropPlan(everything, slot, (0, 0, *slot))


def resize_shorter(size: Size, side: int) -> Size:
    """Return the size with the shorter side equal to `side`; the longer one is rounded down (torchvision's Resize)."""
    height, width = size
    longer = int(side * max(size) / min(size))
    if longer > LONGEST_RESIZED:
        expected = f"at most {LONGEST_RESIZED} pixels a side after the resize"
        raise DecodeError("image too narrow", expected=expected, found=f"{longer} of {width} x {height}")
    return (longer, side) if width <= height else (side, longer)


def contain(size: Size, slot: Size) -> Size:
    """Return the largest size of the same aspect ratio that fits `slot`, rounded like Pillow's `ImageOps.contain`."""
    height, width = size
    shape, wanted = width / height, slot[1] / slot[0]
    if shape > wanted:
        return max(1, round(height / width * slot[1])), slot[1]
    if shape < wanted:
        return slot[0], max(1, round(shape * slot[0]))
    return slot


def _draw_place(have: int, want: int, below: Callable[[int], int]) -> tuple[int, int, int]:
    """Return (offset, length, padding) of a random crop of `want` from `have` pixels; padded if `have` is less."""
    k = below(abs(have - want) + 1)
    return (k, want, 0) if have >= want else (0, have, k)


def _draw_box(size: Size, options: ImageOptions, uniform: Callable[[], float], below: Callable[[int], int]) -> Window:
    """Return a random crop like torchvision's RandomResizedCrop.

    Up to ten times, area and aspect ratio are drawn; if the box fits the image, its top and left edges are drawn. If
    none fits, the result is the largest centred box with an aspect ratio within the limits.
    """
    height, width = size
    low, high = (math.log(limit) for limit in options.ratio)
    for _ in range(TRIES):
        area = width * height * (options.area[0] + (options.area[1] - options.area[0]) * uniform())
        ratio = math.exp(low + (high - low) * uniform())
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            top = below(height - h + 1)
            return top, below(width - w + 1), h, w
    h, w = size
    if width / height < options.ratio[0]:
        h = min(h, max(1, round(w / options.ratio[0])))
    elif width / height > options.ratio[1]:
        w = min(w, max(1, round(h * options.ratio[1])))
    return (height - h) // 2, (width - w) // 2, h, w


# ---- points: x' = m[0][0] x + m[0][1] y + m[0][2], y' = m[1][0] x + m[1][1] y + m[1][2] ------------------------------
# Coordinates are of pixel edges, not centres: 0 is the left edge of the first pixel, width the right edge of the last.

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1, 0, 0, 0, 1, 0)


def then(first: Matrix, second: Matrix) -> Matrix:
    """Return the matrix that applies `first`, then `second`."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return p * a + q * d, p * b + q * e, p * c + q * f + r, s * a + t * d, s * b + t * e, s * c + t * f + u


def turn_matrix(size: Size, orientation: int) -> Matrix:
    """Return the matrix from the stored image (height, width) to the upright one."""
    h, w = size
    ways: dict[int, Matrix] = {
        2: (-1, 0, w, 0, 1, 0),
        3: (-1, 0, w, 0, -1, h),
        4: (1, 0, 0, 0, -1, h),
        5: (0, 1, 0, 1, 0, 0),
        6: (0, -1, h, 1, 0, 0),
        7: (0, -1, h, -1, 0, w),
        8: (0, 1, 0, -1, 0, w),
    }
    return ways.get(orientation, IDENTITY)


def crop_matrix(plan: CropPlan) -> Matrix:
    """Return the matrix from the upright image to the slot."""
    (y, x, height, width), (top, left) = plan.source, plan.wanted[:2]
    down, right = plan.scaled[0] / height, plan.scaled[1] / width
    return right, 0, float(plan.left) - left - x * right, 0, down, float(plan.top) - top - y * down


def draw_flips(options: ImageOptions, seed: int, epoch: int, index: int) -> tuple[bool, bool]:
    """Return whether a sample is mirrored left-right, and top-bottom."""
    horizontal, vertical = (
        bool(wanted) and stream(seed, epoch, index, operation=operation).random() < 0.5
        for wanted, operation in ((options.flip, FLIP), (options.vertical_flip, VERTICAL_FLIP))
    )
    return horizontal, vertical


def sample_matrix(size: Size, orientation: int, options: ImageOptions, seed: int, epoch: int, index: int) -> Matrix:
    """Return the matrix from the stored image to the slot."""
    upright = size[::-1] if orientation >= 5 else size
    matrix = then(turn_matrix(size, orientation), crop_matrix(plan_crop(upright, options, seed, epoch, index)))
    horizontal, vertical = draw_flips(options, seed, epoch, index)
    flipped = (-1.0 if horizontal else 1, 0, options.width if horizontal else 0, 0)
    return then(matrix, (*flipped, -1.0 if vertical else 1, options.height if vertical else 0))
