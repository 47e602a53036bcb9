# SPDX-License-Identifier: MIT
"""Columns of batches of documents: each holds a decoder of the core. See `csrc/decode/documents_decoder.h`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch import _core
from fastbatch.batch.column import array_identity
from fastbatch.batch.pickling import ByArguments
from fastbatch.source.documents import DocumentBatches

from .array_file import Source
from .columns import array_decoders, joined
from .options import core_conversion

if TYPE_CHECKING:
    from fastbatch.decode.conversion import Conversion


def core_batches(batches: DocumentBatches) -> _core.DocumentBatches:
    """Return the core's object."""
    return _core.DocumentBatches(batches.arrays(), batches.buckets.max_rows, batches.is_shuffled)  # type: ignore[arg-type]


class DocumentTokensColumn(ByArguments):
    """The tokens of each batch."""

    def __init__(self, tokens: Any, batches: DocumentBatches, conversion: Conversion, fill: int) -> None:
        self.source = tokens
        self.n_samples = batches.buckets.n_batches
        self.dtype = conversion.dtype
        self._documents = batches.documents
        dense = tokens.view if isinstance(tokens, Source) else np.ascontiguousarray(tokens)
        converts = not conversion.is_copy or not tokens.dtype.isnative
        self.decoder = _core.DocumentTokens(
            dense,
            core_conversion(conversion) if converts else None,
            core_batches(batches),
            batches.is_padded,
            np.array(fill, self.dtype).tobytes(),
        )
        self.shape: tuple[int, ...] = (batches.capacity(),)

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if the file was written to since it was opened."""
        if isinstance(self.source, Source):
            self.source.verify(may_be_shorter)

    def identity(self) -> Any:
        row = joined(array_decoders(self.source, None)).row
        return [self._documents.identity(), array_identity(self.source.shape, self.source.dtype, row)]


class DocumentNumbersColumn(ByArguments):
    """Rows, width and documents of each batch, then the length of each row, then the number of its document."""

    dtype: np.dtype[Any] = np.dtype("i8")

    def __init__(self, batches: DocumentBatches) -> None:
        self.n_samples = batches.buckets.n_batches
        self.shape: tuple[int, ...] = (3 + 2 * batches.buckets.max_rows,)
        self.decoder = _core.DocumentNumbers(core_batches(batches))

    def identity(self) -> Any:
        return "numbers"
