# SPDX-License-Identifier: MIT
"""The interface of a backend, used by the functions of `api/` and implemented by `native/` and `pure/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastbatch.batch.column import Column
from fastbatch.decode.concat import Join
from fastbatch.decode.conversion import Conversion
from fastbatch.decode.transform import NativeTransform
from fastbatch.generators.stream_options import StreamOptions
from fastbatch.loader.engine import BatchPlan, Engine, EngineOptions
from fastbatch.plan.plan import Plan
from fastbatch.source.documents import DocumentBatches
from fastbatch.source.opener import Opener
from fastbatch.source.packing import Packing, PackPart
from fastbatch.source.samples import SampleSource
from fastbatch.source.window import Part
from fastbatch.text.plan import TextImplementation

if TYPE_CHECKING:
    from fastbatch.decode.image_options import ImageOptions


class Moments(Protocol):
    """Mean and variance (divided by n) per channel, over the rows added so far."""

    @property
    def mean(self) -> NDArray[np.float64]: ...
    @property
    def variance(self) -> NDArray[np.float64]: ...
    def add(self, blocks: Any) -> None:
        """Add the samples of a source, each of shape (rows, channels...), one at a time."""


class Backend(Opener, Protocol):
    """A backend: files, columns, engines, text and single images.

    Attributes:
        name: The package of its public functions.
    """

    name: str

    # ---- sources

    def scan_folder(self, path: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
        """Return the names of the images, the sub-folders and the other links in a folder."""

    def part(self, source: Any, part: Part) -> Any:
        """Return a source whose sample `i` is part `i` of `source`, without copying."""

    def moments(self, channels: int) -> Moments:
        """Return empty statistics."""

    def find_all(self, blocks: Any, value: int) -> NDArray[Any]:
        """Return the positions of `value` among the integers of all samples of `blocks`."""

    # ---- columns

    def array_column(self, source: Any, conversion: Conversion) -> Column: ...
    def index_column(self, n: int, identity: Callable[[], Any], verify: Callable[[bool], None] | None = None) -> Column:
        """Return a column of the numbers of `n` samples, for data of an identity that are gathered batch by batch.

        `verify` raises FormatError if a file of these data was replaced or written to; None: they are in memory.
        """

    def concat_column(self, parts: Sequence[Column], join: Join) -> Column: ...
    def joined_column(self, parts: Sequence[Any]) -> Column:
        """Return the samples of several columns of one shape and type, one after another."""

    def pack_documents(
        self, bounds: NDArray[np.uint64], are_lengths: bool, context: int, window: int, splits: bool
    ) -> Packing:
        """Return the packs of documents from `bounds[d]` to `bounds[d + 1]`, or of `bounds[d]` tokens each.

        Args:
            window: Documents that are packed together.
            splits: Documents longer than the context become several pieces; otherwise they are cut.
        """

    def packed_column(self, tokens: Any, packing: Packing, part: PackPart, conversion: Conversion, fill: int) -> Column:
        """Return one part of the packs of an array of tokens, with `fill` where there is none."""

    def document_columns(
        self, tokens: Any, batches: DocumentBatches, conversion: Conversion, fill: int
    ) -> tuple[Column, ...]:
        """Return the tokens of batches of documents, with `fill` as padding, and their numbers.

        A sample is a whole batch; `loader.bucketed.Shape` cuts it to its own shape.
        """

    def transform_column(self, column: Column, transform: NativeTransform) -> Column: ...
    def image_column(self, samples: SampleSource, options: ImageOptions) -> Column: ...
    def matrix_column(self, images: Any, options: ImageOptions) -> Column:
        """Return a column of the affine matrices of the images in a column."""

    def mask_column(self, images: Any, masks: SampleSource, options: ImageOptions) -> Column:
        """Return a column of the masks of the images in a column."""

    # ---- order and engine

    def indices(self, plan: Plan, epoch: int, position: int, k: int) -> NDArray[Any]:
        """Return the samples of batch `k`, counted from a position within an epoch."""

    def batch_plan(self, plan: Plan, position: int) -> BatchPlan: ...
    def engine(self, columns: Sequence[Column], plan: Plan, options: EngineOptions) -> Engine: ...

    # ---- single images, text, streams

    def decode_image(
        self, path: bytes | None, content: Any, mode: str | None, exif: str, max_pixels: int, fills: bool = False
    ) -> NDArray[Any]:
        """Return the pixels of a file, or of its content if there is no path; `fills`: also of a truncated image."""

    def resize_image(
        self, pixels: NDArray[Any], height: int, width: int, filter: str, box: tuple[float, float, float, float] | None
    ) -> NDArray[Any]:
        """Return a resized image. The arguments are already checked."""

    def probe_images(self, samples: SampleSource, threads: int | None, max_pixels: int) -> list[tuple[Any, ...]]:
        """Return one record per sample, without decoding pixels."""

    def verify_images(
        self, samples: SampleSource, first: int, n: int, threads: int | None, max_pixels: int
    ) -> list[tuple[int, str | None]]:
        """Return bytes and reason of each of `n` samples, as `decode_image` judges; None: it is good."""

    def configuration(self) -> dict[str, dict[str, str]]:
        """Return how the backend was built and what it uses of this machine, in sections: see `show_config`."""

    @property
    def text(self) -> TextImplementation:
        """The implementation of words and lines."""

    def stream(self, source: Any, options: StreamOptions) -> Any:
        """Return the iterator over a stream."""
