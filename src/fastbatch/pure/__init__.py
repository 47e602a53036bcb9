# SPDX-License-Identifier: MIT
"""The same functions in plain Python, NumPy and Pillow: slow, made to be read, and the oracle of every test.

Start with `loader.batches`, which is the whole of fastbatch in one function; then `plan` (which sample stands where),
`source` (where its bytes are) and `decode` (what becomes of it).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastbatch.batch import Column
from fastbatch.decode import Conversion, ImageOptions, field
from fastbatch.errors import ClosedError, DecodeError, FastbatchError, FormatError, StateError
from fastbatch.loader import EngineOptions, Loader
from fastbatch.plan import Plan
from fastbatch.surface import Surface

from .loader import ArrayColumn, ImageColumn, PureEngine, batch_plan
from .plan import BatchPlan
from .source import idx, npy, npz, open_file, raw


class PureSurface(Surface):
    """`fastbatch.pure` itself. Threads and prefetch are accepted, and there are none."""

    def open_file(self, path: bytes) -> Any:
        return open_file(path)

    def array_column(self, source: Any, conversion: Conversion) -> Column:
        return ArrayColumn(source, conversion)

    def image_column(self, paths: Sequence[bytes], options: ImageOptions) -> Column:
        return ImageColumn(paths, options)

    def batch_plan(self, plan: Plan, position: int) -> BatchPlan:
        return batch_plan(plan, position)

    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> PureEngine:
        return PureEngine(columns, plan)


_surface = PureSurface()
arrays = _surface.arrays
images = _surface.images

__all__ = [
    "ClosedError",
    "DecodeError",
    "FastbatchError",
    "FormatError",
    "Loader",
    "StateError",
    "arrays",
    "field",
    "idx",
    "images",
    "npy",
    "npz",
    "raw",
]
