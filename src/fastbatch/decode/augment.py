# SPDX-License-Identifier: MIT
"""Random changes of an image after its crop, resize and flips: the options, checked once for both implementations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from fastbatch.calls import public_class
from fastbatch.checks import Range, limited, pair, shown

FILLS = ("nearest", "constant", "reflect", "wrap")
MUCH = 1e6


@public_class
@dataclass(frozen=True)
class Augment:
    """Random changes of an image, for `images(..., augment=...)`; drawn anew for each sample in each epoch.

    A range is `(lowest, highest)`. One number `r` is short for `(-r, r)`, or for factors `(1 - r, 1 + r)`. An option
    with its default value changes nothing and draws nothing. The changes are applied in the order of the arguments,
    after the crop and the flips, and before `scale`, `mean` and `std`. In between, pixels are float32 in [0, 255]; a
    batch of integers gets them rounded. `docs/augment.md` defines each change.

    Args:
        rotation: Angle in degrees.
        shear: Angle in degrees.
        zoom: Zoom factor, drawn independently per axis; below 1 magnifies, above 1 shrinks (Keras's convention).
        shift: Largest shift, as a share of the height and of the width: one number, or `(rows, columns)`.
        order: Interpolation of rotation, shear, zoom and shift: 1 is linear, 0 takes the nearest pixel.
        fill: Pixels outside of the image: "nearest", "constant", "reflect" or "wrap", as in `scipy.ndimage`.
        fill_value: Value for fill="constant", 0 to 255.
        channel_shift: Number added to all colours; the result is clipped to the image's own minimum and maximum.
        brightness, contrast, saturation: Factors, at least 0.
        hue: Rotation of the colour circle, as a share of a full turn, at most 0.5.
        erase: Probability that a rectangle is erased.
        erase_scale, erase_ratio: Ranges of the rectangle's share of the image's area, and of its height / width.
        erase_value: 0 to 255, one number or one per channel; or "random" for noise.
        standardize: Scale each image to mean 0 and standard deviation 1; not valid with `scale`, `mean` or `std`.

    Raises:
        ValueError, TypeError: A value out of range, or of another type.

    Example:
        >>> import fastbatch as fb
        >>> augment = fb.Augment(rotation=15, brightness=0.2, erase=0.5)
        >>> loader = fb.images("photos/train", size=64, augment=augment, batch_size=8, seed=1)
        >>> x, y = next(iter(loader))
        >>> x.shape
        (8, 3, 64, 64)

    Source: `csrc/image/augment.cpp`, `csrc/kernels/warp.h`, `csrc/kernels/color.h`.
    """

    rotation: Any = 0.0
    shear: Any = 0.0
    zoom: Any = 0.0
    shift: Any = 0.0
    order: Literal[0, 1] = 1
    fill: Literal["nearest", "constant", "reflect", "wrap"] = "nearest"
    fill_value: float = 0.0
    channel_shift: Any = 0.0
    brightness: Any = 0.0
    contrast: Any = 0.0
    saturation: Any = 0.0
    hue: Any = 0.0
    erase: float = 0.0
    erase_scale: Range = (0.02, 0.33)
    erase_ratio: Range = (0.3, 3.3)
    erase_value: Any = 0.0
    standardize: bool = False

    def __post_init__(self) -> None:
        if self.order not in (0, 1) or isinstance(self.order, bool):
            raise ValueError(f"order: expected 0 or 1, found {shown(self.order)}")
        if self.fill not in FILLS:
            raise ValueError(f"fill: expected one of {', '.join(FILLS)}, found {shown(self.fill)}")
        _ = self.ranges, self.shifts, self.noise
        limited("fill_value", self.fill_value, 0, 255)
        limited("erase", self.erase, 0, 1)

    @property
    def ranges(self) -> dict[str, Range]:
        """All ranges as (lowest, highest), by name."""
        return {
            "rotation": around("rotation", self.rotation, 0, -MUCH, MUCH),
            "shear": around("shear", self.shear, 0, -MUCH, MUCH),
            "zoom": around("zoom", self.zoom, 1, 1 / MUCH, MUCH),
            "channel_shift": around("channel_shift", self.channel_shift, 0, -MUCH, MUCH),
            "brightness": around("brightness", self.brightness, 1, 0, MUCH),
            "contrast": around("contrast", self.contrast, 1, 0, MUCH),
            "saturation": around("saturation", self.saturation, 1, 0, MUCH),
            "hue": around("hue", self.hue, 0, -0.5, 0.5),
            "erase_scale": pair("erase_scale", self.erase_scale, 0, 1),
            "erase_ratio": pair("erase_ratio", self.erase_ratio, 1 / MUCH, MUCH),
        }

    @property
    def shifts(self) -> tuple[Range, Range]:
        """Ranges of the shift of rows and of columns, as shares of height and width."""
        given = self.shift if isinstance(self.shift, Iterable) else (self.shift, self.shift)
        both = tuple(given)
        if len(both) != 2:
            raise ValueError(f"shift: expected one number, or (rows, columns), found {shown(self.shift)}")
        rows, columns = (limited("shift", number, 0, MUCH) for number in both)
        return (-rows, rows), (-columns, columns)

    @property
    def noise(self) -> tuple[float, ...]:
        """The value of erased pixels: one number, one per channel, or none for noise."""
        if isinstance(self.erase_value, str):
            if self.erase_value != "random":
                raise ValueError(
                    f"erase_value: expected numbers in 0..255 or 'random', found {shown(self.erase_value)}"
                )
            return ()
        values = self.erase_value if isinstance(self.erase_value, Iterable) else (self.erase_value,)
        found = tuple(limited("erase_value", value, 0, 255) for value in values)
        if not found:
            raise ValueError("erase_value: expected one number, or one for each channel, found none")
        return found

    @property
    def moves(self) -> bool:
        """True if pixels may move."""
        ranges = self.ranges
        still = all(
            ranges[name] == (neutral, neutral) for name, neutral in (("rotation", 0), ("shear", 0), ("zoom", 1))
        )
        return not still or self.shifts != ((0, 0), (0, 0))

    @property
    def does_nothing(self) -> bool:
        """True if no image is changed."""
        colors = ("channel_shift", "brightness", "contrast", "saturation", "hue")
        same = all(self.ranges[name] == (1 - (name in ("channel_shift", "hue")),) * 2 for name in colors)
        return same and not (self.moves or self.erase or self.standardize)


def check_augment(augment: Any, channels: int, is_float: bool, is_scaled: bool) -> Augment | None:
    """Return the checked `augment` of `images`, or None if it changes nothing.

    Raises:
        TypeError: It is not an `Augment`.
        ValueError: It does not fit the other options.
    """
    if augment is None:
        return None
    if not isinstance(augment, Augment):
        raise TypeError(f"augment: expected an Augment, found {type(augment).__name__}")
    if len(augment.noise) not in (0, 1, channels):
        found = shown(augment.erase_value)
        raise ValueError(f"erase_value: expected one number, or one for each of {channels} channels, found {found}")
    if augment.standardize and is_scaled:
        raise ValueError("standardize: expected no scale, mean or std beside it")
    if augment.standardize and not is_float:
        raise ValueError("standardize: expected a batch of floats")
    return None if augment.does_nothing else augment


def around(name: str, given: Any, neutral: float, low: float, high: float) -> Range:
    """Return the range that an option describes: the range itself, or `given` to both sides of `neutral`."""
    if isinstance(given, Iterable):
        return pair(name, given, low, high)
    reach = limited(name, given, 0, max(abs(low), high))
    if neutral == 1:
        if reach >= 1 and low > 0:
            raise ValueError(f"{name}: expected a number below 1, or (lowest, highest), found {shown(given)}")
        return max(low, 1 - reach), 1 + reach
    return -reach, reach
