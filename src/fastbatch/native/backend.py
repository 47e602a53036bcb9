# SPDX-License-Identifier: MIT
"""The compiled backend of `fastbatch`: columns are decoders of the C++ core, the engine is its loader."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastbatch import _core
from fastbatch.decode.conversion import Conversion, Field, make_conversion
from fastbatch.generators.stream import Stream
from fastbatch.loader.zero_copy import strided
from fastbatch.source.chunks import refuse_chunks
from fastbatch.source.csv.rows import Layout, plain_blocks
from fastbatch.source.documents import DocumentBatches
from fastbatch.source.image_folder import known_extensions
from fastbatch.source.packing import Packing, PackPart

from . import array_file, codecs, image
from .array_file import Source, part_of
from .columns import (
    ArrayColumn,
    ConcatColumn,
    ImageColumn,
    IndexColumn,
    JoinedColumn,
    MaskColumn,
    MatrixColumn,
    PiecedRows,
    TransformColumn,
    array_decoders,
    joined,
)
from .document_columns import DocumentNumbersColumn, DocumentTokensColumn
from .engine import NativeEngine, core_batch_plan, core_order
from .packing import PackedNumbersColumn, PackedTokensColumn

if TYPE_CHECKING:
    from fastbatch.batch.column import Column
    from fastbatch.decode.concat import Join
    from fastbatch.decode.image_options import ImageOptions
    from fastbatch.decode.transform import NativeTransform
    from fastbatch.generators.stream_options import StreamOptions
    from fastbatch.loader.engine import EngineOptions
    from fastbatch.plan.plan import Plan
    from fastbatch.source.csv.options import CsvOptions
    from fastbatch.source.opener import StoredArchive
    from fastbatch.source.samples import SampleSource
    from fastbatch.source.tar.groups import Members
    from fastbatch.source.window import Part
    from fastbatch.text.plan import TextImplementation


class NativeMoments:
    """The core's statistics of numeric rows."""

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


class NativeBackend:
    """The backend of `fastbatch`."""

    name = "fastbatch"

    npy = staticmethod(array_file.npy)
    npz = staticmethod(array_file.npz)
    idx = staticmethod(array_file.idx)
    raw = staticmethod(array_file.raw)
    decode_image = staticmethod(image.decode_image)
    resize_image = staticmethod(image.resize_image)
    probe_images = staticmethod(image.probe_images)
    verify_images = staticmethod(image.verify_images)
    configuration = staticmethod(codecs.configuration)

    @property
    def text(self) -> TextImplementation:
        """Return the implementation of words and lines."""
        from .text import NativeText

        return NativeText()

    def stored_archive(self, url: str) -> StoredArchive:
        from .stored_archive import NativeStoredArchive

        return NativeStoredArchive(url)

    def tar_members(self, path: str) -> Members:
        from fastbatch.source.tar.groups import Members

        names, offsets, sizes = _core.tar_members(os.fsencode(path))
        return Members(names.split(b"\0")[:-1], offsets, sizes)

    def csv_blocks(self, path: str, layout: Layout, options: CsvOptions) -> Iterator[NDArray[Any]]:
        try:
            from fastbatch.source.csv.arrow import blocks
        except ImportError:  # pyarrow is not installed
            return plain_blocks(path, layout, options)
        return blocks(path, layout, options)

    def reopened_by(self, source: Any, path: str, function: Callable[..., Any], *arguments: Any) -> Any:
        return Source(source.view, path, (function, *arguments))

    def scan_folder(self, path: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
        return _core.list_folder(path, list(known_extensions()))

    def part(self, source: Any, part: Part) -> Any:
        refuse_chunks(source, "parts")
        if part.pieces is not None:
            return PiecedRows(source, part)
        if isinstance(source, Source):
            return part_of(source, part)
        return strided(np.asarray(source), part)

    def moments(self, channels: int) -> NativeMoments:
        return NativeMoments(channels)

    def find_all(self, blocks: Any, value: int) -> NDArray[Any]:
        conversion = make_conversion(blocks.dtype, tuple(blocks.shape[1:]), Field(None, "i8"))
        return _core.find_all(joined(array_decoders(blocks, conversion)), value)

    def array_column(self, source: Any, conversion: Conversion) -> Column:
        return ArrayColumn(source, conversion)

    def index_column(self, n: int, identity: Callable[[], Any], verify: Callable[[bool], None] | None = None) -> Column:
        return IndexColumn(n, identity, verify)

    def concat_column(self, parts: Sequence[Column], join: Join) -> Column:
        return ConcatColumn(parts, join)

    def joined_column(self, parts: Sequence[Any]) -> Column:
        return JoinedColumn(parts)

    def pack_documents(
        self, bounds: NDArray[np.uint64], are_lengths: bool, context: int, window: int, splits: bool
    ) -> Packing:
        return Packing(*_core.pack_documents(bounds, are_lengths, context, window, splits), context)

    def packed_column(self, tokens: Any, packing: Packing, part: PackPart, conversion: Conversion, fill: int) -> Column:
        if part == "segment_ids" or part == "position_ids":
            return PackedNumbersColumn(packing, part)
        return PackedTokensColumn(tokens, packing, part, conversion, fill)

    def document_columns(
        self, tokens: Any, batches: DocumentBatches, conversion: Conversion, fill: int
    ) -> tuple[Column, ...]:
        return DocumentTokensColumn(tokens, batches, conversion, fill), DocumentNumbersColumn(batches)

    def transform_column(self, column: Column, transform: NativeTransform) -> Column:
        return TransformColumn(column, transform)

    def image_column(self, samples: SampleSource, options: ImageOptions) -> Column:
        return ImageColumn(samples, options)

    def matrix_column(self, images: Any, options: ImageOptions) -> Column:
        return MatrixColumn(images, options)

    def mask_column(self, images: Any, masks: SampleSource, options: ImageOptions) -> Column:
        return MaskColumn(images, masks, options)

    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> NDArray[Any]:
        return core_batch_plan(plan, position).indices(core_order(plan, epoch), k)

    def batch_plan(self, plan: Plan, position: int) -> _core.BatchPlan:
        return core_batch_plan(plan, position)

    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> NativeEngine:
        return NativeEngine(columns, plan, options)

    def stream(self, source: Any, options: StreamOptions) -> Stream:
        return Stream(source, options)
