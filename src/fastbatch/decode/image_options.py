# SPDX-License-Identifier: MIT
"""Decoding, crop and resize of images: the options, checked once for both implementations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np

from fastbatch.checks import MAX_INT64, element_type, flag, refuse_unordered, shown, whole

from .augment import Augment, check_augment
from .conversion import Conversion, Field
from .image_depth import Conversions, make_conversions
from .image_limits import FILTERS, MOST_PIXELS, MOST_SIDE, SEEK_INDEX_BYTES

Crop = Literal["none", "stretch", "center", "random", "random_resized", "pad"]
Color = Literal["rgb", "rgba", "grayscale"]
Exif = Literal["ignore", "apply"]
Truncated = Literal["raise", "fill"]
CROPS: tuple[str, ...] = get_args(Crop)
COLORS: dict[str, int] = {"rgb": 3, "rgba": 4, "grayscale": 1}  # number of channels
EXIFS: tuple[str, ...] = get_args(Exif)
TRUNCATED: tuple[str, ...] = get_args(Truncated)
LEAST_RATIO = 0.001
MOST_CHANNELS = 512


def pixel_limit(max_pixels: Any) -> int:
    """Return the checked option `max_pixels`."""
    return MOST_PIXELS if max_pixels is None else whole("max_pixels", max_pixels, 1, MAX_INT64)


def check_truncated(on_truncated: Any) -> bool:
    """Return whether truncated images are filled.

    Raises:
        ModuleNotFoundError: They are, and Pillow is not installed.
    """
    if on_truncated not in TRUNCATED:
        raise ValueError(f"on_truncated: expected one of {', '.join(TRUNCATED)}, found {shown(on_truncated)}")
    if on_truncated == "fill" and find_spec("PIL") is None:
        raise ModuleNotFoundError("on_truncated='fill' needs Pillow: pip install pillow", name="PIL")
    return bool(on_truncated == "fill")


@dataclass(frozen=True)
class ImageOptions:
    """Options of an image column. The order of operations: EXIF orientation, crop and resize, flips.

    Attributes:
        height, width: Size of the image in the batch.
        crop: Kind of crop; defined in `csrc/image/geometry.h` and `src/fastbatch/pure/geometry.py`.
        resize: Length of the shorter side before a "center" or "random" crop; 0: "random" crops the unscaled image.
        area, ratio: For "random_resized": (lowest, highest) fraction of the area, and of width / height.
        filter: Resampling filter, by Pillow's name.
        flip, vertical_flip: Mirror a sample with probability 0.5, drawn for each epoch.
        exact: Produce Pillow's bytes. Otherwise only the needed part is decoded, and bytes near edges may differ.
        dct_scale: Unless exact, JPEG may be decoded at a reduced size.
        pad_value: Value per channel of pixels outside the image.
        max_pixels: Larger images are rejected before memory is allocated.
        seek_index_bytes: Memory for where parts of JPEGs begin; 0: none. The result does not depend on it.
        augment: Random augmentation; None for none.
        deep, floats, clips: See `Conversions`.
        channels: The file's own channels, of which there must be so many; 0: `color`.
        fills: Truncated images are filled as by Pillow; False: they are refused.
        ints, uints: Of masks: the conversion of int32 and of uint32; None: such files are refused.
        pad_outside: Of masks: the element of the batch outside the image, if it is not 0 to 255; None: `pad_value`.
    """

    conversion: Conversion
    height: int
    width: int
    crop: str = "none"
    resize: int = 0
    area: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    filter: str = "bilinear"
    flip: bool = False
    vertical_flip: bool = False
    color: str = "rgb"
    exif: str = "ignore"
    exact: bool = False
    dct_scale: bool = True
    pad_value: tuple[int, ...] = (0, 0, 0)
    max_pixels: int = MOST_PIXELS
    augment: Augment | None = None
    seek_index_bytes: int = SEEK_INDEX_BYTES
    deep: Conversion | None = None
    floats: Conversion | None = None
    clips: bool = False
    channels: int = 0
    fills: bool = False
    ints: Conversion | None = None
    uints: Conversion | None = None
    pad_outside: np.generic | None = None

    def for_evaluation(self) -> ImageOptions:
        """Return the options without random changes: a centred crop, no flips; of `augment` only `standardize`."""
        options = replace(self, flip=False, vertical_flip=False)
        if self.crop in ("random", "random_resized"):
            options = replace(options, crop="center", resize=self.resize or max(self.height, self.width))
        if self.augment is not None:
            options = replace(options, augment=Augment(standardize=self.augment.standardize))
        return self if options == self else options


def make_image_options(
    size: Any,
    conversion: Field,
    *,
    crop: str = "none",
    resize: Any = None,
    crop_scale: Any = (0.08, 1.0),
    crop_ratio: Any = (3 / 4, 4 / 3),
    pad_value: Any = 0,
    filter: str = "bilinear",
    flip: bool = False,
    vertical_flip: bool = False,
    color: str = "rgb",
    exif: str = "ignore",
    exact: bool = False,
    dct_scale: bool = True,
    max_pixels: Any = None,
    augment: Any = None,
    seek_index_bytes: Any = SEEK_INDEX_BYTES,
    depth: Any = None,
    channels: Any = None,
    on_truncated: Any = "raise",
) -> ImageOptions:
    """Return the checked options; the error names a wrong one."""
    refuse_unordered("size", size)
    sides = tuple(size) if isinstance(size, Iterable) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"size: expected (height, width), or one number for both, found {shown(size)}")
    height, width = (whole("size", side, 1, MOST_SIDE) for side in sides)
    for name, value, known in (
        ("crop", crop, CROPS),
        ("filter", filter, FILTERS),
        ("color", color, tuple(COLORS)),
        ("exif", exif, EXIFS),
    ):
        if value not in known:
            raise ValueError(f"{name}: expected one of {', '.join(known)}, found {shown(value)}")
    if resize is not None:
        if crop not in ("center", "random"):
            raise ValueError("resize: only valid with crop='center' and crop='random'")
        resize = whole("resize", resize, max(height, width), MOST_SIDE)
    n_channels = COLORS[color] if channels is None else whole("channels", channels, 1, MOST_CHANNELS)
    is_scaled = any(option is not None for option in (conversion.scale, conversion.mean, conversion.std))
    is_float = element_type("dtype", conversion.dtype).kind == "f"
    augment = check_augment(augment, n_channels, is_float, is_scaled)
    made = _conversions(conversion, (height, width, n_channels), augment, depth)
    if channels is not None and made.deep is None:
        raise ValueError("channels: expected dtype= a float type or uint16, no depth=8, and no augment=")
    return ImageOptions(
        made.eight,
        height,
        width,
        crop,
        resize or (max(height, width) if crop == "center" else 0),
        _range("crop_scale", crop_scale, 0, 1),
        _range("crop_ratio", crop_ratio, LEAST_RATIO, 1 / LEAST_RATIO),
        filter,
        flag("flip", flip),
        flag("vertical_flip", vertical_flip),
        color,
        exif,
        flag("exact", exact),
        flag("dct_scale", dct_scale),
        _pixel("pad_value", pad_value, n_channels),
        pixel_limit(max_pixels),
        augment,
        whole("seek_index_bytes", seek_index_bytes, 0, MAX_INT64),
        made.deep,
        made.floats,
        made.clips,
        0 if channels is None else n_channels,
        check_truncated(on_truncated),
    )


def _conversions(options: Field, shape: tuple[int, ...], augment: Augment | None, depth: Any) -> Conversions:
    """Return the conversions of pixels: floats are scaled to [0, 1] unless the user gives a scale."""
    if options.layout not in ("NHWC", "NCHW"):
        raise ValueError(f"layout: expected NHWC or NCHW, found {shown(options.layout)}")
    if options.dtype is None:  # NumPy's None is float64
        raise TypeError("dtype: expected a NumPy dtype, found None")
    target = element_type("dtype", options.dtype)
    scales = target.kind == "f" and not (augment and augment.standardize)
    wanted = Field(None, target, options.scale, options.mean, options.std, options.layout)
    return make_conversions(wanted, shape, depth, augment is not None, scales)


def _range(name: str, limits: Any, least: float, most: float) -> tuple[float, float]:
    """Return (lowest, highest), both above 0 and within the limits."""
    refuse_unordered(name, limits)
    try:
        low, high = (float(limit) for limit in limits)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected (lowest, highest), found {shown(limits)}") from None
    if not (0 < low <= high <= most and low >= least):
        wanted = f"{least:g} <= lowest" if least else "0 < lowest"
        raise ValueError(f"{name}: expected {wanted} <= highest <= {most:g}, found {shown(limits)}")
    return low, high


def _pixel(name: str, value: Any, channels: int) -> tuple[int, ...]:
    """Return one number in 0..255 per channel."""
    refuse_unordered(name, value)
    numbers: Sequence[Any] = [value] * channels if not isinstance(value, Iterable) else list(value)
    if len(numbers) != channels:
        raise ValueError(f"{name}: expected one number, or one for each of {channels} channels, found {shown(value)}")
    pixel = tuple(whole(name, number, 0, 255) for number in numbers)
    if channels > len(COLORS) + 1 and len(set(pixel)) > 1:
        raise ValueError(f"{name}: expected one number for all of {channels} channels, found {shown(value)}")
    return pixel[: len(COLORS) + 1]
