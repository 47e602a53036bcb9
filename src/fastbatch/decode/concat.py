# SPDX-License-Identifier: MIT
"""Several arrays that stand side by side in one: `np.concatenate` of each sample's parts, written into place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import SupportsIndex

import numpy as np

from fastbatch.batch.column import Column
from fastbatch.checks import whole

from .conversion import Conversion, Field, make_conversion
from .transform import NativeTransform


@dataclass(frozen=True)
class Joined:
    """Arrays that make one.

    Attributes:
        fields: The parts, opened, with their conversions.
        axis: Of the batch, 0 being the samples'.
        transform: Of the whole.
    """

    fields: tuple[Field, ...]
    axis: int
    transform: NativeTransform | None


@dataclass(frozen=True)
class Join:
    """How the parts of a sample lie in it.

    Attributes:
        axis: Of the sample.
        shape: Of the whole sample.
    """

    axis: int
    shape: tuple[int, ...]

    @property
    def outer(self) -> int:
        """Elements before the axis."""
        return int(np.prod(self.shape[: self.axis], dtype=np.int64))


def conversions(fields: Sequence[Field]) -> list[Conversion]:
    """Return the conversion of each part; where their types differ, all take the one that NumPy would."""

    def convert(field: Field) -> Conversion:
        return make_conversion(field.leaf.dtype, tuple(field.leaf.shape[1:]), field)

    made = [convert(field) for field in fields]
    if len({conversion.dtype for conversion in made}) > 1:
        common = np.result_type(*(conversion.dtype for conversion in made))
        made = [convert(replace(field, dtype=common)) for field in fields]
    return made


def join(columns: Sequence[Column], axis: SupportsIndex) -> Join:
    """Return how these columns make one.

    Raises:
        ValueError: Another number of samples or of dimensions, an axis that is not there, other sides that differ.
    """
    shapes = [column.shape for column in columns]
    lengths = [column.n_samples for column in columns]
    if len(set(lengths)) != 1:
        raise ValueError(f"expected arrays of equal length, found {', '.join(map(str, lengths))} samples")
    n_dimensions = len(shapes[0]) + 1
    place = whole("concat", axis, -n_dimensions, n_dimensions - 1) % n_dimensions
    if place == 0:
        raise ValueError(f"concat: expected an axis of the samples, found {axis!r} of {n_dimensions} dimensions")
    place -= 1
    others = {(len(shape), shape[:place], shape[place + 1 :]) for shape in shapes}
    if len(others) > 1:
        raise ValueError(f"concat: expected samples that differ along axis {axis!r} only, found {shapes}")
    side = sum(shape[place] for shape in shapes)
    return Join(place, (*shapes[0][:place], side, *shapes[0][place + 1 :]))
