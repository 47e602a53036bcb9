# SPDX-License-Identifier: MIT
"""Columns of batches of documents. In C++: `csrc/decode/documents_decoder.cpp`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.batch.column import array_identity, native_dtype
from fastbatch.decode.conversion import Conversion
from fastbatch.plan.streams import BUCKET, stream
from fastbatch.source.documents import DocumentBatches

from .convert import convert
from .plan import Permutation
from .sequences import require_parts, verify_source

Array = NDArray[Any]


def documents_of(batches: DocumentBatches, batch: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """Return the document of each row of a batch."""
    b = batches.buckets
    first, count, rows = (int(one[batch]) for one in (b.firsts, b.counts, b.rows))
    bucket = int(np.searchsorted(b.ends, first, "right"))
    begin = int(b.ends[bucket - 1]) if bucket else 0
    places = np.arange(first - begin, first - begin + count, dtype=np.uint64)
    if batches.is_shuffled:
        places = Permutation(int(b.ends[bucket]) - begin, stream(seed, epoch, bucket, BUCKET)).at(places)
    found: NDArray[np.intp] = np.resize(b.members[begin + places.astype(np.intp)], rows).astype(np.intp)
    return found


def width_of(batches: DocumentBatches, batch: int, lengths: Array) -> int:
    """Return the tokens of a row of a batch whose documents have these lengths."""
    bucket = int(np.searchsorted(batches.buckets.ends, batches.buckets.firsts[batch], "right"))
    return int(batches.buckets.widths[bucket]) or int(lengths.max())


class DocumentTokensColumn:
    """The tokens of each batch: rows of its width, or its documents one after another."""

    def __init__(self, tokens: Any, batches: DocumentBatches, conversion: Conversion, fill: int) -> None:
        self.tokens = tokens
        self.n_samples = batches.buckets.n_batches
        self.dtype = conversion.dtype
        self.shape: tuple[int, ...] = (batches.capacity(),)
        self._batches, self._conversion, self._fill = batches, conversion, fill

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        require_parts(self.tokens)
        documents = self._batches.documents
        of = documents_of(self._batches, index, seed, epoch)
        width = width_of(self._batches, index, documents.lengths[of]) if self._batches.is_padded else 0
        sample = np.full(self.shape, self._fill, self.dtype)
        at = 0
        for start, length in zip(documents.starts[of].tolist(), documents.lengths[of].tolist(), strict=True):
            sample[at : at + length] = convert(np.asarray(self.tokens[start : start + length]), self._conversion)
            at += width if self._batches.is_padded else length
        return sample

    def verify(self, may_be_shorter: bool = False) -> None:
        verify_source(self.tokens, may_be_shorter)

    def identity(self) -> Any:
        tokens = array_identity(self.tokens.shape, self.tokens.dtype, self._row)
        return [self._batches.documents.identity(), tokens]

    def _row(self, index: int) -> bytes:
        require_parts(self.tokens)
        row = np.asarray(self.tokens[index : index + 1])
        return row.astype(native_dtype(row.dtype), copy=False).tobytes()


class DocumentNumbersColumn:
    """Rows, width and documents of each batch, then the length of each row, then the number of its document."""

    dtype: np.dtype[Any] = np.dtype("i8")

    def __init__(self, batches: DocumentBatches) -> None:
        self.n_samples = batches.buckets.n_batches
        self._rows = batches.buckets.max_rows
        self.shape: tuple[int, ...] = (3 + 2 * self._rows,)
        self._batches = batches

    def sample(self, index: int, seed: int, epoch: int) -> Array:
        of = documents_of(self._batches, index, seed, epoch)
        lengths = self._batches.documents.lengths[of]
        sample = np.zeros(self.shape, self.dtype)
        sample[:3] = len(of), width_of(self._batches, index, lengths), int(self._batches.buckets.counts[index])
        sample[3 : 3 + len(of)] = lengths
        sample[3 + self._rows : 3 + self._rows + len(of)] = of
        return sample

    def identity(self) -> Any:
        return "numbers"
