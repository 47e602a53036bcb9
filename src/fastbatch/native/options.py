# SPDX-License-Identifier: MIT
"""Conversion of options to the core's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastbatch import _core

if TYPE_CHECKING:
    from fastbatch.decode.augment import Augment
    from fastbatch.decode.conversion import Conversion
    from fastbatch.decode.image_options import ImageOptions


def core_conversion(conversion: Conversion) -> _core.Conversion:
    """Return the core's object for a conversion."""
    return _core.Conversion(
        conversion.dtype,
        conversion.channels,
        conversion.from_first,
        conversion.to_first,
        conversion.scale,
        conversion.shift,
    )


def core_image_options(options: ImageOptions) -> _core.ImageOptions:
    """Return the core's object for image options."""
    return _core.ImageOptions(
        core_conversion(options.conversion),
        height=options.height,
        width=options.width,
        crop=options.crop,
        resize=options.resize,
        area=options.area,
        ratio=options.ratio,
        filter=options.filter,
        flip=options.flip,
        vertical_flip=options.vertical_flip,
        color=options.color,
        apply_exif=options.exif == "apply",
        exact=options.exact,
        dct_scale=options.dct_scale,
        pad_value=options.pad_value,
        max_pixels=options.max_pixels,
        seek_index_bytes=options.seek_index_bytes,
        augmentation=None if options.augment is None else core_augmentation(options.augment),
        deep=None if options.deep is None else core_conversion(options.deep),
        floats=None if options.floats is None else core_conversion(options.floats),
        clips=options.clips,
        stored_channels=options.channels,
        fills=options.fills,
        ints=None if options.ints is None else core_conversion(options.ints),
        uints=None if options.uints is None else core_conversion(options.uints),
        pad_element=b"" if options.pad_outside is None else options.pad_outside.tobytes(),
    )


def core_augmentation(augment: Augment) -> _core.Augmentation:
    """Return the core's object for an augmentation."""
    rows, columns = augment.shifts
    return _core.Augmentation(
        **augment.ranges,
        shift_rows=rows,
        shift_columns=columns,
        order=augment.order,
        fill=augment.fill,
        fill_value=augment.fill_value,
        erase=augment.erase,
        erase_value=augment.noise,
        standardize=augment.standardize,
    )
