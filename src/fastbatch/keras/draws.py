# SPDX-License-Identifier: MIT
"""Random parameters of images from NumPy's global generator in Keras's order: one image, or a whole batch at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.checks import shown

from .image_utils import Array

if TYPE_CHECKING:
    from .image_data_generator import ImageDataGenerator

Parameters = dict[str, Any]


def draw(generator: ImageDataGenerator, rows: int, columns: int) -> Parameters:
    """Return the parameters of one image."""
    uniform = np.random.uniform
    theta = uniform(-generator.rotation_range, generator.rotation_range) if generator.rotation_range else 0
    tx = _draw_shift(generator.height_shift_range, rows)
    ty = _draw_shift(generator.width_shift_range, columns)
    shear = uniform(-generator.shear_range, generator.shear_range) if generator.shear_range else 0
    low, high = generator.zoom_range
    zx, zy = (1, 1) if low == 1 and high == 1 else uniform(low, high, 2)
    flip_horizontal = (np.random.random() < 0.5) * generator.horizontal_flip  # drawn even when the flip is off
    flip_vertical = (np.random.random() < 0.5) * generator.vertical_flip
    intensity = brightness = None
    if generator.channel_shift_range != 0:
        intensity = uniform(-generator.channel_shift_range, generator.channel_shift_range)
    if generator.brightness_range is not None:
        brightness = uniform(generator.brightness_range[0], generator.brightness_range[1])
    return {
        "theta": theta,
        "tx": tx,
        "ty": ty,
        "shear": shear,
        "zx": zx,
        "zy": zy,
        "flip_horizontal": flip_horizontal,
        "flip_vertical": flip_vertical,
        "channel_shift_intensity": intensity,
        "brightness": brightness,
    }


def _draw_shift(wanted: Any, pixels: int) -> Any:
    """Return a shift: k or a list is passed to `np.random.choice`, with a random sign; a float is uniform in +-k."""
    if not wanted:
        return 0
    try:
        shift = np.random.choice(wanted)
        shift *= np.random.choice([-1, 1])
    except ValueError:  # np.random.choice rejects a float before it draws
        shift = np.random.uniform(-wanted, wanted)
    if np.max(wanted) < 1:
        shift *= pixels
    return shift


# ---- a whole batch -------------------------------------------------------------------------------------------------


class UniformDraws:
    """The parameters of many images, when each image takes the same number of uniform draws.

    `np.random.uniform(a, b)` is `a + (b - a) * np.random.random()`, and n calls of `random()` equal one call of size n.
    """

    def __init__(self, generator: ImageDataGenerator, rows: int, columns: int) -> None:
        self._ranges: list[tuple[str, float, float, float]] = []  # name, low, width, factor
        self._symmetric("theta", generator.rotation_range)
        for name, wanted, pixels in (
            ("tx", generator.height_shift_range, rows),
            ("ty", generator.width_shift_range, columns),
        ):
            self._symmetric(name, wanted, float(pixels) if _is_number(wanted) and wanted < 1 else 1.0)
        self._symmetric("shear", generator.shear_range)
        low, high = generator.zoom_range
        if not (low == 1 and high == 1):
            self._range("zx", low, high)
            self._range("zy", low, high)
        self.flips = (bool(generator.horizontal_flip), bool(generator.vertical_flip))
        self._ranges += [("flip_horizontal", 0.0, 1.0, 1.0), ("flip_vertical", 0.0, 1.0, 1.0)]
        self._symmetric("channel_shift_intensity", generator.channel_shift_range)
        if generator.brightness_range is not None:
            self._range("brightness", *generator.brightness_range)
        self._low = np.array([low for _, low, _, _ in self._ranges])
        self._width = np.array([width for _, _, width, _ in self._ranges])
        self._factor = np.array([factor for _, _, _, factor in self._ranges])
        self.per_image = len(self._ranges)

    def draw(self, n: int) -> dict[str, Array]:
        """Return n values of each parameter, equal to those that Keras draws image by image."""
        numbers = self._low + self._width * np.random.random_sample((n, self.per_image))
        numbers *= self._factor
        drawn: dict[str, Array] = {name: numbers[:, i] for i, (name, *_) in enumerate(self._ranges)}
        for name, wanted in zip(("flip_horizontal", "flip_vertical"), self.flips, strict=True):
            flip = drawn.pop(name)
            if wanted:
                drawn[name] = flip < 0.5
        return drawn

    def _symmetric(self, name: str, wanted: float, factor: float = 1.0) -> None:
        if wanted:
            self._range(name, -wanted, wanted, factor)

    def _range(self, name: str, low: float, high: float, factor: float = 1.0) -> None:
        self._ranges.append((name, float(low), float(high) - float(low), factor))


def uniform_draws(generator: ImageDataGenerator, rows: int, columns: int) -> UniformDraws | None:
    """Return the draws of a generator that uses uniform numbers only, else None."""
    symmetric = (generator.rotation_range, generator.shear_range, generator.channel_shift_range)
    shifts = (generator.height_shift_range, generator.width_shift_range)
    if not all(map(_is_number, (*symmetric, *generator.zoom_range))):
        return None
    if not all(isinstance(shift, (float, np.floating)) or (_is_number(shift) and not shift) for shift in shifts):
        return None  # whole numbers and lists use np.random.choice
    if not all(map(_is_number, shifts)) or not all(map(_is_number, generator.brightness_range or ())):
        return None
    if any(flip not in (False, True) for flip in (generator.horizontal_flip, generator.vertical_flip)):
        return None
    return UniformDraws(generator, rows, columns)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and math.isfinite(value) and abs(value) < 1e300


def columns_of(generator: ImageDataGenerator, shape: tuple[int, ...], n: int) -> dict[str, Array]:
    """Return the parameters of n images, drawn image by image, as arrays of length n."""
    rows = [generator.get_random_transform(shape) for _ in range(n)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {name: np.array(values) for name, values in columns.items() if values[0] is not None}


def rows_of(drawn: dict[str, Array], n: int) -> list[Parameters]:
    """Return the columns of a batch's parameters as one dictionary per image."""
    moved = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1}
    rest = {"flip_horizontal": 0, "flip_vertical": 0, "channel_shift_intensity": None, "brightness": None}
    columns = {name: values.tolist() for name, values in drawn.items()}
    return [{**moved, **rest, **{name: values[i] for name, values in columns.items()}} for i in range(n)]


def zoom_factors(zoom_range: Any) -> list[Any]:
    """Return the lowest and the highest factor of `zoom_range`, or raise ValueError."""
    if isinstance(zoom_range, (float, int)):
        return [1 - zoom_range, 1 + zoom_range]
    if len(zoom_range) == 2 and all(isinstance(factor, (float, int)) for factor in zoom_range):
        return list(zoom_range)
    raise ValueError(f"`zoom_range`: expected a float, or a tuple or list of two floats, found {shown(zoom_range)}")
