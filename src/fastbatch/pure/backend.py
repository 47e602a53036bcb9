# SPDX-License-Identifier: MIT
"""The backend of `fastbatch.pure`. Options for threads and prefetch are accepted and ignored."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.batch.column import Column
from fastbatch.decode.concat import Join
from fastbatch.decode.conversion import Conversion
from fastbatch.decode.image_options import ImageOptions
from fastbatch.decode.transform import NativeTransform
from fastbatch.generators.stream_options import StreamOptions
from fastbatch.loader.engine import EngineOptions
from fastbatch.plan.plan import Plan
from fastbatch.source.chunks import refuse_chunks
from fastbatch.source.csv.options import CsvOptions
from fastbatch.source.csv.rows import Layout, plain_blocks
from fastbatch.source.documents import DocumentBatches
from fastbatch.source.image_folder import scan_folder
from fastbatch.source.packing import Packing, PackPart
from fastbatch.source.samples import SampleSource
from fastbatch.source.window import Part
from fastbatch.text.plan import TextImplementation

from . import array_file
from .columns import ArrayColumn, ConcatColumn, IndexColumn, JoinedColumn, TransformColumn
from .document_columns import DocumentNumbersColumn, DocumentTokensColumn
from .engine import PureEngine, batch_plan, order_of
from .packing import PackedColumn, pack_documents
from .plan import BatchPlan
from .sequences import PartOf, PureMoments

if TYPE_CHECKING:
    from fastbatch.source.tar.groups import Members


_PILLOW_FEATURES = {"libjpeg-turbo": "libjpeg_turbo", "libwebp": "webp", "zlib": "zlib"}


class PureBackend:
    """The backend of `fastbatch.pure`. Modules that need Pillow are imported on use."""

    name = "fastbatch.pure"

    npy = staticmethod(array_file.npy)
    npz = staticmethod(array_file.npz)
    idx = staticmethod(array_file.idx)
    raw = staticmethod(array_file.raw)

    def configuration(self) -> dict[str, dict[str, str]]:
        try:
            from PIL import features

            libraries = {"Pillow": features.version("pil") or "unknown"}
            libraries |= {name: features.version(key) or "none" for name, key in _PILLOW_FEATURES.items()}
        except ImportError:
            libraries = {"Pillow": "not installed"}
        cpus = {"CPUs": str(os.cpu_count())}
        return {"build": {"core": "plain Python"}, "libraries": libraries, "simd": {"in use": "none"}, "threads": cpus}

    def stored_archive(self, url: str) -> None:
        return None

    def tar_members(self, path: str) -> Members:
        from .tar_file import tar_members

        return tar_members(path)

    def csv_blocks(self, path: str, layout: Layout, options: CsvOptions) -> Iterator[NDArray[Any]]:
        return plain_blocks(path, layout, options)

    def reopened_by(self, source: Any, path: str, function: Callable[..., Any], *arguments: Any) -> Any:
        return source

    def scan_folder(self, path: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
        return scan_folder(path)

    def part(self, source: Any, part: Part) -> PartOf:
        refuse_chunks(source, "parts")
        return PartOf(source, part)

    def moments(self, channels: int) -> PureMoments:
        return PureMoments(channels)

    def find_all(self, blocks: Any, value: int) -> NDArray[Any]:
        found = [i * blocks.shape[1] + np.flatnonzero(blocks[i] == value) for i in range(blocks.shape[0])]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def array_column(self, source: Any, conversion: Conversion) -> Column:
        return ArrayColumn(source, conversion)

    def index_column(self, n: int, identity: Callable[[], Any], verify: Callable[[bool], None] | None = None) -> Column:
        return IndexColumn(n, identity, verify)

    def concat_column(self, parts: Sequence[Any], join: Join) -> Column:
        return ConcatColumn(parts, join)

    def joined_column(self, parts: Sequence[Any]) -> Column:
        return JoinedColumn(parts)

    def pack_documents(
        self, bounds: NDArray[np.uint64], are_lengths: bool, context: int, window: int, splits: bool
    ) -> Packing:
        return pack_documents(bounds, are_lengths, context, window, splits)

    def packed_column(self, tokens: Any, packing: Packing, part: PackPart, conversion: Conversion, fill: int) -> Column:
        return PackedColumn(tokens, packing, part, conversion, fill)

    def document_columns(
        self, tokens: Any, batches: DocumentBatches, conversion: Conversion, fill: int
    ) -> tuple[Column, ...]:
        return DocumentTokensColumn(tokens, batches, conversion, fill), DocumentNumbersColumn(batches)

    def transform_column(self, column: Any, transform: NativeTransform) -> Column:
        return TransformColumn(column, transform)

    def image_column(self, samples: SampleSource, options: ImageOptions) -> Column:
        from .image_columns import ImageColumn

        return ImageColumn(samples, options)

    def matrix_column(self, images: Any, options: ImageOptions) -> Column:
        from .image_columns import MatrixColumn

        return MatrixColumn(images.samples, options)

    def mask_column(self, images: Any, masks: SampleSource, options: ImageOptions) -> Column:
        from .image_columns import MaskColumn

        return MaskColumn(images.samples, masks, options)

    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> Any:
        return batch_plan(plan, position).indices(order_of(plan, epoch), k)

    def batch_plan(self, plan: Plan, position: int) -> BatchPlan:
        return batch_plan(plan, position)

    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> PureEngine:
        return PureEngine(columns, plan)

    def decode_image(
        self, path: bytes | None, content: Any, mode: str | None, exif: str, max_pixels: int, fills: bool = False
    ) -> NDArray[Any]:
        from .image import decode_image

        return decode_image(path, content, mode, exif, max_pixels, fills)

    def resize_image(
        self, pixels: NDArray[Any], height: int, width: int, filter: str, box: tuple[float, float, float, float] | None
    ) -> NDArray[Any]:
        from .image import resize_image

        return resize_image(pixels, height, width, filter, box)

    def probe_images(self, samples: SampleSource, threads: int | None, max_pixels: int) -> list[tuple[Any, ...]]:
        from .image import probe_images

        return probe_images(samples, threads, max_pixels)

    def verify_images(
        self, samples: SampleSource, first: int, n: int, threads: int | None, max_pixels: int
    ) -> list[tuple[int, str | None]]:
        from .image import verify_images

        return verify_images(samples, first, n, threads, max_pixels)

    @property
    def text(self) -> TextImplementation:
        from .text import PureText

        return PureText()

    def stream(self, source: Any, options: StreamOptions) -> Any:
        from .streams import Stream

        return Stream(source, options)
