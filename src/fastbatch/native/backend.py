# SPDX-License-Identifier: MIT
"""The compiled implementation: columns are decoders of the C++ core, the engine is its loader."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch import _core
from fastbatch.api.csv import Blocks, Wish, is_csv
from fastbatch.api.images import ImageSurface
from fastbatch.batch.column import Column, array_identity, files_identity
from fastbatch.batch.pickling import Remade
from fastbatch.decode.augment import Augment
from fastbatch.decode.concat import Join
from fastbatch.decode.conversion import Conversion, Field, make_conversion
from fastbatch.decode.image_options import ImageOptions
from fastbatch.decode.transform import NativeTransform
from fastbatch.generators.data_generator import ImageGeneratorSurface
from fastbatch.loader.engine import EngineOptions
from fastbatch.loader.zero_copy import strided
from fastbatch.plan.plan import Plan
from fastbatch.plan.sampling import cumulative, listed
from fastbatch.source.csv.rows import Layout, plain_blocks
from fastbatch.source.image_folder import EXTENSIONS
from fastbatch.source.sequence import Part, Series

from . import pillow as foreign
from .array_file import Source, open_file, raw


def core_conversion(conversion: Conversion) -> _core.Conversion:
    """Return the core's form of a conversion."""
    return _core.Conversion(
        conversion.dtype,
        conversion.channels,
        conversion.from_first,
        conversion.to_first,
        conversion.scale,
        conversion.shift,
    )


def core_image_options(options: ImageOptions) -> _core.ImageOptions:
    """Return the core's form of what becomes of an image."""
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
        augmentation=None if options.augment is None else core_augmentation(options.augment),
    )


def core_augmentation(augment: Augment) -> _core.Augmentation:
    """Return the core's form of what is drawn for an image."""
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


class PiecedRows(Remade):
    """Rows of a source of which some are samples: those that begin a part of a piece."""

    def __init__(self, source: Any, part: Part) -> None:
        assert part.pieces is not None
        reach = 1 if part.length is None else (part.length - 1) * part.step + 1
        every_row = replace(part, n=source.shape[0] - part.start - reach + 1, stride=1, pieces=None)
        self.rows = part_of(source, every_row) if isinstance(source, Source) else strided(np.asarray(source), every_row)
        self.pieces = _core.Pieces(part.pieces.starts, part.pieces.counts, part.stride)
        self.dtype: np.dtype[Any] = self.rows.dtype
        self.shape: tuple[int, ...] = (part.n, *self.rows.shape[1:])


def array_decoders(source: Any, conversion: Conversion | None) -> list[_core.ArrayDecoder]:
    """Return a decoder for the rows of an array or a source, or one for each of several."""
    if isinstance(source, Series):
        return [decoder for part in source.parts for decoder in array_decoders(part, conversion)]
    pieces, rows = (source.pieces, source.rows) if isinstance(source, PiecedRows) else (None, source)
    data = rows.view if isinstance(rows, Source) else np.asarray(rows)
    converts = conversion is not None and not conversion.is_copy
    decoder = _core.ArrayDecoder(data, core_conversion(conversion) if conversion and converts else None, pieces)
    if conversion is not None and conversion.standardize:
        decoder.standardize_samples()
    return [decoder]


def joined(decoders: list[_core.ArrayDecoder]) -> _core.Decoder:
    """Return one decoder of the samples of all."""
    return decoders[0] if len(decoders) == 1 else _core.JoinedDecoder(decoders)


class ArrayColumn(Remade):
    """Rows of an array, or of several, one after another."""

    def __init__(self, source: Any, conversion: Conversion) -> None:
        self.source = source
        self.n_samples: int = source.shape[0]
        self.dtype = conversion.dtype
        self.shape = conversion.shape
        self._decoders = array_decoders(source, conversion)
        self.decoder = joined(self._decoders)

    def expect_random_access(self) -> None:
        for decoder in self._decoders:
            decoder.expect_random_access()

    def identity(self) -> Any:
        rows = joined(array_decoders(self.source, None))
        return array_identity(self.source.shape, self.source.dtype, rows.row)


class ImageColumn:
    """Image files, decoded."""

    def __init__(self, paths: Sequence[bytes], options: ImageOptions) -> None:
        self.files = _core.FileList(list(paths))
        self.n_samples = len(self.files)
        self.dtype = options.conversion.dtype
        self.shape = options.conversion.shape
        self.decoder = _core.ImageDecoder(self.files, core_image_options(options), foreign.is_available())
        self._options = options

    def __reduce__(self) -> Any:
        return type(self), (_paths(self.files), self._options)

    def identity(self) -> Any:
        return files_identity(_paths(self.files))


def _paths(files: _core.FileList) -> list[bytes]:
    return [files[i] for i in range(len(files))]


class NativeMoments:
    """The core's statistics of rows of any numbers."""

    def __init__(self, channels: int) -> None:
        self._moments = _core.Moments(channels)

    def add(self, blocks: Any) -> None:
        conversion = make_conversion(blocks.dtype, tuple(blocks.shape[1:]), Field(None, "f8"))
        self._moments.add(joined(array_decoders(blocks, conversion)))

    @property
    def mean(self) -> NDArray[np.float64]:
        return self._moments.mean

    @property
    def variance(self) -> NDArray[np.float64]:
        return self._moments.variance


class ConcatColumn(Remade):
    """Arrays side by side."""

    def __init__(self, parts: Sequence[Any], join: Join) -> None:
        self.parts = parts
        self.n_samples: int = parts[0].n_samples
        self.dtype: np.dtype[Any] = parts[0].dtype
        self.shape = join.shape
        self.decoder = _core.ConcatDecoder([part.decoder for part in parts], join.outer)

    def identity(self) -> Any:
        return [part.identity() for part in self.parts]


class TransformColumn(Remade):
    """Another column, each of whose samples goes through a C function of the user's own."""

    def __init__(self, inner: Any, transform: NativeTransform) -> None:
        self.inner = inner
        self.n_samples: int = inner.n_samples
        self.dtype: np.dtype[Any] = inner.dtype
        self.shape: tuple[int, ...] = inner.shape
        self.decoder = _core.TransformDecoder(
            inner.decoder,
            self.dtype.itemsize,
            self.dtype.char,
            self.shape,
            transform.address,
            transform.user_data,
            transform.owners,
        )

    def identity(self) -> Any:
        return self.inner.identity()


class MatrixColumn(Remade):
    """The matrix of each image's way into its slot."""

    dtype: np.dtype[Any] = np.dtype("f8")
    shape: tuple[int, ...] = (2, 3)

    def __init__(self, images: ImageColumn, options: ImageOptions) -> None:
        self.n_samples = images.n_samples
        self.decoder = _core.MatrixDecoder(images.files, core_image_options(options), foreign.is_available())

    def identity(self) -> Any:
        return "matrix"


class MaskColumn:
    """Mask files, moved as their images are."""

    def __init__(self, images: ImageColumn, paths: Sequence[bytes], options: ImageOptions) -> None:
        self.files = _core.FileList(list(paths))
        self.n_samples = len(self.files)
        self.dtype = options.conversion.dtype
        self.shape = options.conversion.shape
        self.decoder = _core.MaskDecoder(images.files, self.files, core_image_options(options), foreign.is_available())
        self._images, self._options = images, options

    def __reduce__(self) -> Any:
        return type(self), (self._images, _paths(self.files), self._options)

    def identity(self) -> Any:
        return files_identity(_paths(self.files))


class NativeEngine:
    """The core's loader for one process. FASTBATCH_READAHEAD=0 in the environment keeps it from advising the kernel."""

    def __init__(self, columns: Sequence[Any], plan: Plan, options: EngineOptions) -> None:
        if plan.shuffle is True or plan.draw is not None:
            for column in columns:
                _expect_random_access(column)
        self._columns = columns
        self._loader = _core.Loader(
            [column.decoder for column in columns],
            [column.dtype for column in columns],
            [column.shape for column in columns],
            options.threads or _core.available_cpus(),
            max(1, min(plan.batch_size, plan.n)),
            options.prefetch or 0,
            options.prefetch_bytes or 0,
            advise=os.environ.get("FASTBATCH_READAHEAD") != "0",
            on_error=plan.on_error,
        )

    def start(self, plan: Plan, epoch: int, position: int) -> _core.Run:
        return self._loader.start(core_order(plan, epoch), core_batch_plan(plan, position), plan.seed, epoch)

    def stats(self) -> dict[str, Any]:
        inner = [getattr(column, "inner", column) for column in self._columns]
        through_pillow = sum(column.decoder.through_pillow for column in inner if isinstance(column, ImageColumn))
        return {**self._loader.stats(), "through_pillow": through_pillow}

    def close(self) -> None:
        self._loader.close()


def _expect_random_access(column: Any) -> None:
    if isinstance(column, ArrayColumn):
        column.expect_random_access()
    for inside in [column.inner] if isinstance(column, TransformColumn) else getattr(column, "parts", ()):
        _expect_random_access(inside)


def core_order(plan: Plan, epoch: int) -> _core.Order:
    """Return the core's order of one epoch."""
    subsets = [(part.shuffled, part.seed, part.n, part.start, part.count) for part in plan.subsets]
    kind = "block" if plan.shuffle == "block" else "full" if plan.shuffle else "none"
    if plan.draw is None:
        return _core.Order(plan.n_source, subsets, kind, plan.block_size, plan.window, plan.seed, epoch)
    plain = _core.Order(plan.n_source, subsets, "none", 1, 1, 0, 0)
    weights = plan.draw.of_items(plan.subsets, plan.n_items, plain.at)
    if plan.draw.replacement or plan.n == 0:
        drawn: dict[str, Any] = {"cumulative": cumulative(weights)}
    else:
        drawn = {"listed": listed(weights, plan.seed, epoch, plan.n)}
    return _core.Order(plan.n_source, subsets, "none", 1, 1, plan.seed, epoch, plan.n, **drawn)


def core_batch_plan(plan: Plan, position: int) -> _core.BatchPlan:
    """Return the core's batches of the rest of an epoch."""
    return _core.BatchPlan(
        plan.n,
        position,
        plan.rank,
        plan.world_size,
        plan.tail,
        plan.batch_size,
        plan.drop_last,
        plan.max_batches(position),
    )


def part_of(source: Source, part: Part) -> Source:
    """Return a source whose sample `i` is part `i` of another."""
    view = source.view if part.length is None else source.view.windows(part.length, part.step)
    return Source(view.every(part.start, part.n, part.stride), source.path, (part_of, source, part))


class NativeSurface(ImageSurface, ImageGeneratorSurface):
    """`fastbatch` itself."""

    def open_file(self, path: bytes) -> Any:
        return self.csv(os.fsdecode(path)).rows if is_csv(path) else open_file(path)

    def csv_blocks(self, path: str, layout: Layout, wish: Wish) -> Blocks:
        try:
            from fastbatch.source.csv.arrow import blocks
        except ImportError:  # no pyarrow
            return plain_blocks(path, layout, wish)
        return blocks(path, layout, wish)

    def open_raw(self, path: bytes, dtype: np.dtype[Any]) -> Source:
        return raw(os.fsdecode(path), dtype, -1)

    def is_npy(self, path: bytes) -> bool:
        return _core.recognise(path) == "npy"

    def part(self, source: Any, part: Part) -> Any:
        if part.pieces is not None:
            return PiecedRows(source, part)
        if isinstance(source, Source):
            return part_of(source, part)
        return strided(np.asarray(source), part)

    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> NDArray[Any]:
        return core_batch_plan(plan, position).indices(core_order(plan, epoch), k)

    def moments(self, channels: int) -> NativeMoments:
        return NativeMoments(channels)

    def find_all(self, blocks: Any, value: int) -> NDArray[Any]:
        conversion = make_conversion(blocks.dtype, tuple(blocks.shape[1:]), Field(None, "i8"))
        return _core.find_all(joined(array_decoders(blocks, conversion)), value)

    def array_column(self, source: Any, conversion: Conversion) -> Column:
        return ArrayColumn(source, conversion)

    def scan_folder(self, path: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
        return _core.list_folder(path, list(EXTENSIONS))

    def concat_column(self, parts: Sequence[Column], join: Join) -> Column:
        return ConcatColumn(parts, join)

    def transform_column(self, column: Column, transform: NativeTransform) -> Column:
        return TransformColumn(column, transform)

    def image_column(self, paths: Sequence[bytes], options: ImageOptions) -> Column:
        return ImageColumn(paths, options)

    def matrix_column(self, images: Any, options: ImageOptions) -> Column:
        return MatrixColumn(images, options)

    def mask_column(self, images: Any, paths: Sequence[bytes], options: ImageOptions) -> Column:
        return MaskColumn(images, paths, options)

    def batch_plan(self, plan: Plan, position: int) -> _core.BatchPlan:
        return core_batch_plan(plan, position)

    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> NativeEngine:
        return NativeEngine(columns, plan, options)
