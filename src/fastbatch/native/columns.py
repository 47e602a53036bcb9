# SPDX-License-Identifier: MIT
"""Columns: each holds a decoder of the core, can be pickled, and has the identity of its data."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch import _core
from fastbatch.batch.column import array_identity, for_evaluation
from fastbatch.batch.pickling import ByArguments
from fastbatch.loader.zero_copy import strided
from fastbatch.source.chunks import ChunkedRows, ChunkedSamples
from fastbatch.source.identity import OpenedFile
from fastbatch.source.ranges import RangeSamples
from fastbatch.source.remote.samples import ObjectSamples
from fastbatch.source.samples import EncodedSamples, FileSamples, JoinedSamples, SampleSource, verify_samples
from fastbatch.source.series import Series
from fastbatch.system import core_identity

from . import pillow
from .array_file import Source, part_of
from .chunks import chunked_decoder, chunked_samples
from .options import core_conversion, core_image_options

if TYPE_CHECKING:
    from fastbatch.decode.concat import Join
    from fastbatch.decode.conversion import Conversion
    from fastbatch.decode.image_options import ImageOptions
    from fastbatch.decode.transform import NativeTransform
    from fastbatch.source.window import Part


def core_samples(samples: SampleSource) -> _core.SampleSource:
    """Return the core's object for encoded samples."""
    if isinstance(samples, EncodedSamples):
        names = None if samples.names is None else [os.fsencode(name) for name in samples.names]
        return _core.EncodedSamples(samples.blob, samples.offsets, names)
    if isinstance(samples, JoinedSamples):
        return _core.JoinedSamples([core_samples(part) for part in samples.parts], samples.order)
    if isinstance(samples, RangeSamples):
        local = [file for file in samples.files if isinstance(file, OpenedFile)]
        if len(local) < len(samples.files):
            from .stored_archive import core_members

            return core_members(samples, samples.files)
        files = [
            (os.fsencode(file.path), one.size, one.mtime, *core_identity(one.inode, one.device))
            for file, one in ((file, file.identity) for file in local)
        ]
        return _core.FileRanges(files, samples.file, samples.offsets, samples.sizes, samples.names)
    if isinstance(samples, ChunkedSamples):
        return chunked_samples(samples)
    if isinstance(samples, ObjectSamples):
        from .stores import core_objects

        return core_objects(samples)
    assert isinstance(samples, FileSamples)
    return _core.FileList(samples.paths)


class PiecedRows(ByArguments):
    """The rows of a source at which the samples of its pieces begin."""

    serves_rows = True

    def __init__(self, source: Any, part: Part) -> None:
        assert part.pieces is not None
        reach = 1 if part.length is None else (part.length - 1) * part.step + 1
        every_row = replace(part, n=source.shape[0] - part.start - reach + 1, stride=1, pieces=None)
        self.rows = part_of(source, every_row) if isinstance(source, Source) else strided(np.asarray(source), every_row)
        self.source = source
        self.pieces = _core.Pieces(part.pieces.starts, part.pieces.counts, part.stride)
        self.dtype: np.dtype[Any] = self.rows.dtype
        self.shape: tuple[int, ...] = (part.n, *self.rows.shape[1:])


RowDecoder = _core.ArrayDecoder | _core.ChunkedDecoder


def array_decoders(source: Any, conversion: Conversion | None) -> list[RowDecoder]:
    """Return a decoder for the rows of an array or a source, or one per part of a series."""
    if isinstance(source, Series):
        return [decoder for part in source.parts for decoder in array_decoders(part, conversion)]
    converts = conversion is not None and not conversion.is_copy
    made = core_conversion(conversion) if conversion and converts else None
    if isinstance(source, ChunkedRows):
        decoder: RowDecoder = chunked_decoder(source, made)
    else:
        pieces, rows = (source.pieces, source.rows) if isinstance(source, PiecedRows) else (None, source)
        decoder = _core.ArrayDecoder(rows.view if isinstance(rows, Source) else np.asarray(rows), made, pieces)
    if conversion is not None and conversion.standardize:
        decoder.standardize_samples()
    return [decoder]


def verify_source(source: Any, may_be_shorter: bool) -> None:
    """Raise FormatError if a file under a source, or under one of several, was written to since it was opened."""
    for part in source.parts if isinstance(source, Series) else [source]:
        rows = part.source if isinstance(part, PiecedRows) else part
        if isinstance(rows, Source | ChunkedRows):
            rows.verify(may_be_shorter)


def joined(decoders: list[RowDecoder]) -> _core.Decoder:
    """Return one decoder for the concatenated samples of all."""
    return decoders[0] if len(decoders) == 1 else _core.JoinedDecoder(decoders)


class ArrayColumn(ByArguments):
    """Rows of an array, or of several concatenated ones."""

    def __init__(self, source: Any, conversion: Conversion) -> None:
        self.source = source
        self.n_samples: int = source.shape[0]
        self.dtype = conversion.dtype
        self.shape = conversion.shape
        self._decoders = array_decoders(source, conversion)
        self.decoder = joined(self._decoders)

    def expect_random_access(self) -> None:
        for decoder in self._decoders:
            if isinstance(decoder, _core.ArrayDecoder):
                decoder.expect_random_access()

    def verify(self, may_be_shorter: bool = False) -> None:
        verify_source(self.source, may_be_shorter)

    def identity(self) -> Any:
        known = self.source.own_identity() if isinstance(self.source, ChunkedRows) else None
        if known is not None:
            return known
        rows = joined(array_decoders(self.source, None))
        return array_identity(self.source.shape, self.source.dtype, rows.row)


class IndexColumn(ByArguments):
    """The number of each sample."""

    dtype: np.dtype[Any] = np.dtype("i8")
    shape: tuple[int, ...] = ()

    def __init__(self, n: int, identity: Callable[[], Any], verify: Callable[[bool], None] | None) -> None:
        self.n_samples = n
        self.decoder = _core.IndexDecoder(n)
        self._identity = identity
        self._verify = verify

    def verify(self, may_be_shorter: bool = False) -> None:
        if self._verify is not None:
            self._verify(may_be_shorter)

    def identity(self) -> Any:
        return [self.n_samples, self._identity()]


class ImageColumn(ByArguments):
    """Decoded images."""

    def __init__(self, samples: SampleSource, options: ImageOptions) -> None:
        self.samples = core_samples(samples)
        self.n_samples = len(samples)
        self.dtype = options.conversion.dtype
        self.shape = options.conversion.shape
        self.decoder = _core.ImageDecoder(self.samples, core_image_options(options), pillow.is_available())
        self.identity = samples.identity

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if a file that holds samples was replaced or written to."""
        verify_samples(self._arguments[0], may_be_shorter)

    def for_evaluation(self) -> ImageColumn:
        samples, options = self._arguments
        counterpart = options.for_evaluation()
        return self if counterpart is options else ImageColumn(samples, counterpart)


class ConcatColumn(ByArguments):
    """Arrays concatenated per sample."""

    def __init__(self, parts: Sequence[Any], join: Join) -> None:
        self.parts = parts
        self.n_samples: int = parts[0].n_samples
        self.dtype: np.dtype[Any] = parts[0].dtype
        self.shape = join.shape
        self.decoder = _core.ConcatDecoder([part.decoder for part in parts], join.outer)

    def identity(self) -> Any:
        return [part.identity() for part in self.parts]


class JoinedColumn(ByArguments):
    """The samples of several columns, one after another."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = parts
        self.n_samples: int = sum(part.n_samples for part in parts)
        self.dtype: np.dtype[Any] = parts[0].dtype
        self.shape: tuple[int, ...] = parts[0].shape
        self.decoder = _core.JoinedDecoder([part.decoder for part in parts])

    def identity(self) -> Any:
        return [part.identity() for part in self.parts]

    def for_evaluation(self) -> JoinedColumn:
        return JoinedColumn([for_evaluation(part) for part in self.parts])


class TransformColumn(ByArguments):
    """Another column whose samples are processed by the user's C function."""

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

    def for_evaluation(self) -> TransformColumn:
        inner = for_evaluation(self.inner)
        return self if inner is self.inner else TransformColumn(inner, self._arguments[1])


class MatrixColumn(ByArguments):
    """The 2x3 affine matrix of each sample, from image coordinates to output coordinates."""

    dtype: np.dtype[Any] = np.dtype("f8")
    shape: tuple[int, ...] = (2, 3)

    def __init__(self, images: ImageColumn, options: ImageOptions) -> None:
        self.n_samples = images.n_samples
        self.decoder = _core.MatrixDecoder(images.samples, core_image_options(options), pillow.is_available())

    def identity(self) -> Any:
        return "matrix"

    def for_evaluation(self) -> MatrixColumn:
        images, options = self._arguments
        counterpart = options.for_evaluation()
        return self if counterpart is options else MatrixColumn(images, counterpart)


class MaskColumn(ByArguments):
    """Masks, transformed like their images."""

    def __init__(self, images: ImageColumn, masks: SampleSource, options: ImageOptions) -> None:
        self.n_samples = len(masks)
        self.dtype = options.conversion.dtype
        self.shape = options.conversion.shape
        wanted = core_image_options(options)
        self.decoder = _core.MaskDecoder(images.samples, core_samples(masks), wanted, pillow.is_available())
        self.identity = masks.identity

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if a file that holds masks was replaced or written to."""
        verify_samples(self._arguments[1], may_be_shorter)

    def for_evaluation(self) -> MaskColumn:
        images, masks, options = self._arguments
        counterpart = options.for_evaluation()
        return self if counterpart is options else MaskColumn(images, masks, counterpart)
