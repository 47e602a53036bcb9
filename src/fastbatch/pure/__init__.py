# SPDX-License-Identifier: MIT
"""The same functions in plain Python, NumPy and Pillow: slow, made to be read, and the oracle of every test.

Start with `loader.batches`, which is the whole of fastbatch in one function; then `plan` (which sample stands where),
`source` (where its bytes are) and `decode` (what becomes of it).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastbatch.api.csv import Blocks, Wish, is_csv
from fastbatch.api.images import ImageSurface
from fastbatch.api.mixup import cutmix, mixup
from fastbatch.api.words import TextSurface
from fastbatch.batch.column import Column
from fastbatch.decode.augment import Augment
from fastbatch.decode.concat import Join
from fastbatch.decode.conversion import Conversion, field
from fastbatch.decode.image_options import ImageOptions
from fastbatch.decode.labels import image_table
from fastbatch.decode.transform import NativeTransform, get_include
from fastbatch.errors import ClosedError, DecodeError, EncodingError, FastbatchError, FormatError, StateError
from fastbatch.generators.data_generator import DataGenerator as _DataGenerator
from fastbatch.generators.data_generator import ImageDataLoader as _ImageDataLoader
from fastbatch.generators.data_generator import ImageGeneratorSurface
from fastbatch.generators.restartable import RestartableGeneratorWrapper, restartable
from fastbatch.generators.time_series_dataset import TimeSeriesDataset as _TimeSeriesDataset
from fastbatch.loader.engine import EngineOptions
from fastbatch.loader.loader import Loader
from fastbatch.loader.map import BatchInfo
from fastbatch.plan.plan import Plan
from fastbatch.source.csv.rows import Layout, plain_blocks
from fastbatch.source.image_folder import scan_folder
from fastbatch.source.sequence import Part
from fastbatch.text.loader import TextLoader
from fastbatch.text.vocabulary import Vocabulary

from .image import decode as _decode
from .image import probe, resize
from .loader import ArrayColumn, ConcatColumn, ImageColumn, PureEngine, TransformColumn, batch_plan, order_of
from .paired import MaskColumn, MatrixColumn
from .plan import BatchPlan
from .sequences import PartOf, PureMoments
from .source import NPY_MAGIC, idx, npy, npz, open_file, open_regular, raw
from .streams import stream
from .text import PureText


class PureSurface(ImageSurface, ImageGeneratorSurface):
    """`fastbatch.pure` itself. Threads and prefetch are accepted, and there are none."""

    def open_file(self, path: bytes) -> Any:
        return self.csv(os.fsdecode(path)).rows if is_csv(path) else open_file(path)

    def csv_blocks(self, path: str, layout: Layout, wish: Wish) -> Blocks:
        return plain_blocks(path, layout, wish)

    def open_raw(self, path: bytes, dtype: np.dtype[Any]) -> Any:
        return raw(path, dtype, -1)

    def is_npy(self, path: bytes) -> bool:
        with open_regular(path) as file:
            return file.read(len(NPY_MAGIC)) == NPY_MAGIC

    def part(self, source: Any, part: Part) -> PartOf:
        return PartOf(source, part)

    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> Any:
        return batch_plan(plan, position).indices(order_of(plan, epoch), k)

    def moments(self, channels: int) -> PureMoments:
        return PureMoments(channels)

    def find_all(self, blocks: Any, value: int) -> Any:
        found = [i * blocks.shape[1] + np.flatnonzero(blocks[i] == value) for i in range(blocks.shape[0])]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def array_column(self, source: Any, conversion: Conversion) -> Column:
        return ArrayColumn(source, conversion)

    def scan_folder(self, path: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
        return scan_folder(path)

    def concat_column(self, parts: Sequence[Any], join: Join) -> Column:
        return ConcatColumn(parts, join)

    def transform_column(self, column: Any, transform: NativeTransform) -> Column:
        return TransformColumn(column, transform)

    def image_column(self, paths: Sequence[bytes], options: ImageOptions) -> Column:
        return ImageColumn(paths, options)

    def matrix_column(self, images: Any, options: ImageOptions) -> Column:
        return MatrixColumn(images.paths, options)

    def mask_column(self, images: Any, paths: Sequence[bytes], options: ImageOptions) -> Column:
        return MaskColumn(images.paths, paths, options)

    def batch_plan(self, plan: Plan, position: int) -> BatchPlan:
        return batch_plan(plan, position)

    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> PureEngine:
        return PureEngine(columns, plan)


decode = _decode  # the function, not the stage, whose module was imported before
_surface = PureSurface()
arrays = _surface.arrays
images = _surface.images
image_generator = _surface.image_generator
csv = _surface.csv
series = _surface.series
statistics = _surface.statistics
windows = _surface.windows
tokens = _surface.tokens
_text = TextSurface(PureText())
text_generator = _text.text_generator
words = _text.words
lines = _text.lines
vocabulary = _text.vocabulary


class DataGenerator(_DataGenerator):  # noqa: D101
    __doc__ = _DataGenerator.__doc__
    _surface = _surface


class ImageDataLoader(_ImageDataLoader):  # noqa: D101
    __doc__ = _ImageDataLoader.__doc__
    _surface = _surface


class TimeSeriesDataset(_TimeSeriesDataset):  # noqa: D101
    __doc__ = _TimeSeriesDataset.__doc__
    _surface = _surface


__all__ = [
    "Augment",
    "BatchInfo",
    "ClosedError",
    "DataGenerator",
    "DecodeError",
    "EncodingError",
    "FastbatchError",
    "FormatError",
    "ImageDataLoader",
    "Loader",
    "RestartableGeneratorWrapper",
    "StateError",
    "TextLoader",
    "TimeSeriesDataset",
    "Vocabulary",
    "arrays",
    "csv",
    "cutmix",
    "decode",
    "field",
    "get_include",
    "idx",
    "image_generator",
    "image_table",
    "images",
    "lines",
    "mixup",
    "npy",
    "npz",
    "probe",
    "raw",
    "resize",
    "restartable",
    "series",
    "statistics",
    "stream",
    "text_generator",
    "tokens",
    "vocabulary",
    "windows",
    "words",
]
