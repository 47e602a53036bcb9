# SPDX-License-Identifier: MIT
"""What happens to an image between its resize and its batch: the options, checked once for both implementations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastbatch.calls import public_class
from fastbatch.checks import Range, limited, pair

FILLS = ("nearest", "constant", "reflect", "wrap")
MUCH = 1e6


@public_class
@dataclass(frozen=True)
class Augment:
    """Random changes of an image, for `images(..., augment=...)`: drawn anew for each sample in each epoch.

    A range is `(lowest, highest)`; one number `r` stands for `(-r, r)`, and for factors for `(1 - r, 1 + r)`. What is
    left as it is here does nothing and draws nothing. The order is that of the arguments up to `erase`, then
    `standardize`; pixels are float32 in 0 to 255 meanwhile, and a batch of integers gets them rounded. The crop and the
    flips come before, `scale`, `mean` and `std` after. `docs/augment.md` defines each.

    Args:
        rotation, shear: Degrees.
        zoom: How many pixels of the image become one, for rows and columns apart: below 1 enlarges. One number:
            `(1 - zoom, 1 + zoom)`.
        shift: Share of the height and of the width: one number, or `(rows, columns)`, each up and down.
        order: 1 interpolates linearly, 0 takes the nearest pixel.
        fill: What stands beyond the border: "nearest", "constant" (`fill_value`, 0 to 255), "reflect" or "wrap", in the
            words of `scipy.ndimage`.
        channel_shift: Added to all colours, kept within the image's own lowest and highest number.
        brightness, contrast, saturation: Factors. One number: `(1 - r, 1 + r)`, not below 0.
        hue: In rounds of the colour circle, at most 0.5.
        erase: How likely a rectangle is erased.
        erase_scale, erase_ratio: The rectangle's share of the image, and height / width.
        erase_value: 0 to 255, one number or one per channel, or "random" for noise.
        standardize: Give each image mean 0 and deviation 1; not together with `scale`, `mean` and `std`.

    Raises:
        ValueError: A range that makes no sense.

    Source: `csrc/image/augment.cpp`, `csrc/kernels/warp.h`, `csrc/kernels/color.h`.
    """

    rotation: Any = 0.0
    shear: Any = 0.0
    zoom: Any = 0.0
    shift: Any = 0.0
    order: int = 1
    fill: str = "nearest"
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
            raise ValueError(f"order: expected 0 or 1, found {self.order!r}")
        if self.fill not in FILLS:
            raise ValueError(f"fill: expected one of {', '.join(FILLS)}, found {self.fill!r}")
        _ = self.ranges, self.shifts, self.noise
        limited("fill_value", self.fill_value, 0, 255)
        limited("erase", self.erase, 0, 1)

    @property
    def ranges(self) -> dict[str, Range]:
        """Every range by its name, as (lowest, highest)."""
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
            raise ValueError(f"shift: expected one number, or (rows, columns), found {self.shift!r}")
        rows, columns = (limited("shift", number, 0, MUCH) for number in both)
        return (-rows, rows), (-columns, columns)

    @property
    def noise(self) -> tuple[float, ...]:
        """What is put where a rectangle is erased: one number, one per channel, or none for noise."""
        if isinstance(self.erase_value, str):
            if self.erase_value != "random":
                raise ValueError(f"erase_value: expected numbers in 0..255 or 'random', found {self.erase_value!r}")
            return ()
        values = self.erase_value if isinstance(self.erase_value, Iterable) else (self.erase_value,)
        found = tuple(limited("erase_value", value, 0, 255) for value in values)
        if not found:
            raise ValueError("erase_value: expected one number, or one for each channel, found none")
        return found

    @property
    def moves(self) -> bool:
        """Whether pixels may change their places."""
        ranges = self.ranges
        still = all(
            ranges[name] == (neutral, neutral) for name, neutral in (("rotation", 0), ("shear", 0), ("zoom", 1))
        )
        return not still or self.shifts != ((0, 0), (0, 0))

    @property
    def does_nothing(self) -> bool:
        """Whether every image stays as it is."""
        colors = ("channel_shift", "brightness", "contrast", "saturation", "hue")
        same = all(self.ranges[name] == (1 - (name in ("channel_shift", "hue")),) * 2 for name in colors)
        return same and not (self.moves or self.erase or self.standardize)


def check_augment(augment: Any, channels: int, is_float: bool, is_scaled: bool) -> Augment | None:
    """Return what `images` was given if it does anything to images of so many channels.

    Raises:
        TypeError: It is no `Augment`.
        ValueError: It does not fit the other options.
    """
    if augment is None:
        return None
    if not isinstance(augment, Augment):
        raise TypeError(f"augment: expected an Augment, found {type(augment).__name__}")
    if len(augment.noise) not in (0, 1, channels):
        raise ValueError(
            f"erase_value: expected one number, or one for each of {channels} channels, found {augment.erase_value!r}"
        )
    if augment.standardize and is_scaled:
        raise ValueError("standardize: expected no scale, mean or std beside it")
    if augment.standardize and not is_float:
        raise ValueError("standardize: expected a batch of floats")
    return None if augment.does_nothing else augment


def around(name: str, given: Any, neutral: float, low: float, high: float) -> Range:
    """Return the range that `given` stands for: itself, or that far around `neutral`."""
    if isinstance(given, Iterable):
        return pair(name, given, low, high)
    reach = limited(name, given, 0, max(abs(low), high))
    if neutral == 1:
        if reach >= 1 and low > 0:
            raise ValueError(f"{name}: expected a number below 1, or (lowest, highest), found {given!r}")
        return max(low, 1 - reach), 1 + reach
    return -reach, reach
