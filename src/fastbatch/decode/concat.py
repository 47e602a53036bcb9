# SPDX-License-Identifier: MIT
"""Several arrays concatenated per sample, as `np.concatenate` does, but decoded directly into place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import SupportsIndex

import numpy as np

from fastbatch.batch.column import Column
from fastbatch.checks import shown, whole

from .conversion import Conversion, Field, make_conversion
from .transform import NativeTransform


@dataclass(frozen=True)
class Joined:
    """Arrays concatenated into one.

    Attributes:
        fields: The opened arrays with their conversions.
        axis: Axis of the batch; 0 is the axis of samples.
        transform: C function that runs on the concatenated sample.
    """

    fields: tuple[Field, ...]
    axis: int
    transform: NativeTransform | None


@dataclass(frozen=True)
class Join:
    """The layout of a concatenated sample.

    Attributes:
        axis: Axis of the sample.
        shape: Shape of the concatenated sample.
    """

    axis: int
    shape: tuple[int, ...]

    @property
    def outer(self) -> int:
        """Number of elements before the axis."""
        return int(np.prod(self.shape[: self.axis], dtype=np.int64))


def conversions(fields: Sequence[Field]) -> list[Conversion]:
    """Return the conversion of each part; different result types are promoted as in NumPy."""

    def convert(field: Field) -> Conversion:
        return make_conversion(field.leaf.dtype, tuple(field.leaf.shape[1:]), field)

    made = [convert(field) for field in fields]
    if len({conversion.dtype for conversion in made}) > 1:
        common = np.result_type(*(conversion.dtype for conversion in made))
        made = [convert(replace(field, dtype=common)) for field in fields]
    return made


def join(columns: Sequence[Column], axis: SupportsIndex) -> Join:
    """Return the layout of these columns concatenated.

    Raises:
        ValueError: Different numbers of samples or of dimensions, an invalid axis, other sides that differ.
    """
    shapes = [column.shape for column in columns]
    lengths = [column.n_samples for column in columns]
    if len(set(lengths)) != 1:
        raise ValueError(f"expected arrays of equal length, found {', '.join(map(str, lengths))} samples")
    n_dimensions = len(shapes[0]) + 1
    place = whole("concat", axis, -n_dimensions, n_dimensions - 1) % n_dimensions
    if place == 0:
        raise ValueError(f"concat: expected an axis of the samples, found {shown(axis)} of {n_dimensions} dimensions")
    place -= 1
    others = {(len(shape), shape[:place], shape[place + 1 :]) for shape in shapes}
    if len(others) > 1:
        raise ValueError(f"concat: expected samples that differ along axis {shown(axis)} only, found {shapes}")
    side = sum(shape[place] for shape in shapes)
    return Join(place, (*shapes[0][:place], side, *shapes[0][place + 1 :]))
