# SPDX-License-Identifier: MIT
"""A step: one transform that runs natively. And how options that several transforms have are read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastbatch.checks import shown

from .canvas import Canvas
from .streams import Stream
from .tensors import NotNative

_FILTERS = {
    **{name: name for name in ("nearest", "bilinear", "bicubic", "box", "hamming", "lanczos")},
    "nearest-exact": "nearest",
}

Size = tuple[int, int]  # height, width
Apply = Callable[[Canvas, Stream], None]


@dataclass(frozen=True)
class Step:
    """A transform that runs natively.

    Attributes:
        name: Of its class.
        key: Its options: equal for equal transforms.
        apply: Does it to a canvas; draws from the stream what torchvision draws, in that order.
        kind: "resize", "pixels" (they move, nothing else), "color", "turn" (an affine transform), "erase", or "tensor"
            (element by element).
        draws: It draws random numbers.
        size: The size that it makes; None: that of its input, and `grows`.
        grows: (rows, columns) that it adds.
        filter: Of its resize, or None.
        fill: Of its padding, one number per channel; None if it pads nothing.
        fill_outside: What its affine transform takes from outside, one byte per channel or more.
        channels: Of its result, if it makes images grey.
        erasing: The value of an erased rectangle, one number for all channels or one per channel.
        is_regular: It draws as many numbers for each image of the same size, and only by `below` and `chance`.
    """

    name: str
    key: tuple[Any, ...]
    apply: Apply
    kind: str
    draws: bool = False
    size: Size | None = None
    grows: Size = (0, 0)
    filter: str | None = None
    fill: tuple[int, ...] | None = None
    fill_outside: tuple[int, ...] | None = None
    channels: int | None = None
    erasing: tuple[float, ...] = ()
    is_regular: bool = False


def filter_name(interpolation: Any) -> str:
    """Return the name of a resize filter of torchvision's."""
    if isinstance(interpolation, int):
        interpolation = sys.modules["torchvision.transforms.functional"]._interpolation_modes_from_int(interpolation)
    return _FILTERS[getattr(interpolation, "value", interpolation)]


def bytes_of(fill: Any) -> tuple[int, ...]:
    """Return the bytes of a padding."""
    if fill is None:
        return (0,)
    numbers = (fill,) if isinstance(fill, (int, float)) else fill
    if not isinstance(numbers, (tuple, list)) or not all(isinstance(x, (int, float)) for x in numbers):
        raise NotNative(f"fill={shown(fill)}")
    if not all(0 <= int(x) <= 255 for x in numbers):
        raise NotNative(f"fill={shown(fill)}: expected bytes")
    return tuple(int(x) for x in numbers)
