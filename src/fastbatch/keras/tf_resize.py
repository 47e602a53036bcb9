# SPDX-License-Identifier: MIT
"""Resizing as in `tf.image.resize` without antialiasing: a separable kernel, applied along both axes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .image_utils import Array, middle_box

Kernel = Callable[[Array], Array]


def _triangle(x: Array) -> Array:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _cubic(b: float, c: float) -> Kernel:
    """The Mitchell-Netravali family; b = 0, c = 0.5 is Keys's cubic."""

    def kernel(x: Array) -> Array:
        x = np.abs(x)
        near = ((12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + (6 - 2 * b)) / 6
        far = ((-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)) / 6
        return np.where(x < 1, near, np.where(x < 2, far, 0.0))

    return kernel


def _lanczos(radius: int) -> Kernel:
    return lambda x: np.where(np.abs(x) < radius, np.sinc(x) * np.sinc(x / radius), 0.0)


def _gaussian(x: Array) -> Array:
    return np.where(np.abs(x) < 1.5, np.exp(-2.0 * x**2), 0.0)


KERNELS: dict[str, tuple[float, Kernel]] = {
    "bilinear": (1, _triangle),
    "bicubic": (2, _cubic(0, 0.5)),
    "lanczos3": (3, _lanczos(3)),
    "lanczos5": (5, _lanczos(5)),
    "gaussian": (1.5, _gaussian),
    "mitchellcubic": (2, _cubic(1 / 3, 1 / 3)),
}
METHODS = (*KERNELS, "nearest", "area")


def resize(image: Array, size: tuple[int, int], method: str) -> Array:
    """Return an image (height, width, channels) resized, as float32; "nearest" keeps the type."""
    if method == "nearest":
        rows, columns = (
            np.minimum((np.arange(n) + 0.5) * have / n, have - 1).astype(int)
            for n, have in zip(size, image.shape[:2], strict=True)
        )
        picked: Array = image[rows[:, np.newaxis], columns]
        return picked
    if method == "area":
        down, across = (_overlaps(have, n) for n, have in zip(size, image.shape[:2], strict=True))
        half = np.tensordot(down, image.astype(np.float32), (1, 0))
        return np.ascontiguousarray(np.tensordot(across, half, (1, 1)).transpose(1, 0, 2))
    half = _along(image.astype(np.float32), 0, size[0], method)
    return _along(half, 1, size[1], method)


def resize_cropped(image: Array, size: tuple[int, int], method: str) -> Array:
    """Return the largest centred crop with the target's aspect ratio, resized."""
    left, top, right, bottom = middle_box((image.shape[1], image.shape[0]), (size[1], size[0]))
    return resize(image[top:bottom, left:right], size, method)


def resize_padded(image: Array, size: tuple[int, int], method: str) -> Array:
    """Return the image resized to fit inside the target, centred and padded with zeros."""
    sides = np.array(image.shape[:2], np.float32)
    ideal = sides / np.max(sides / np.array(size, np.float32))  # TensorFlow computes this in float32
    inner = (int(ideal[0]), int(ideal[1]))
    top, left = (max(0, math.floor((outer - n) / 2)) for outer, n in zip(size, ideal, strict=True))
    fitted = resize(image, inner, method)
    padded = np.zeros((*size, image.shape[2]), fitted.dtype)
    padded[top : top + inner[0], left : left + inner[1]] = fitted
    return padded


def _along(image: Array, axis: int, n: int, method: str) -> Array:
    radius, kernel = KERNELS[method]
    have = image.shape[axis]
    at = (np.arange(n) + 0.5) * (have / n) - 0.5
    first = np.floor(at).astype(int) - math.ceil(radius) + 1
    taps = first[:, np.newaxis] + np.arange(2 * math.ceil(radius))
    weights = kernel(taps - at[:, np.newaxis])
    if method != "bilinear":  # taps outside the image have no weight
        weights = np.where((taps >= 0) & (taps < have), weights, 0.0)
        weights /= weights.sum(1, keepdims=True)
    taps = np.clip(taps, 0, have - 1)
    shape = [1] * image.ndim
    shape[axis] = n
    total: Array = np.take(image, taps[:, 0], axis) * weights[:, 0].astype("f4").reshape(shape)
    for k in range(1, taps.shape[1]):
        total += np.take(image, taps[:, k], axis) * weights[:, k].astype("f4").reshape(shape)
    return total


def _overlaps(have: int, n: int) -> Array:
    """Return the share of each of `have` pixels in each of `n`: a matrix whose rows sum to 1."""
    edges = np.arange(n + 1) * (have / n)
    pixels = np.arange(have)
    overlap = np.minimum(edges[1:, np.newaxis], pixels + 1) - np.maximum(edges[:-1, np.newaxis], pixels)
    shares: Array = (np.maximum(overlap, 0) / (have / n)).astype("f4")
    return shares
