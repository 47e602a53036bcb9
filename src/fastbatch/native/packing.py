# SPDX-License-Identifier: MIT
"""Columns of packed documents: each holds a decoder of the core. See `csrc/decode/packed_decoder.h`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch import _core
from fastbatch.batch.column import array_identity
from fastbatch.batch.pickling import ByArguments
from fastbatch.source.packing import Packing, PackPart

from .array_file import Source
from .columns import array_decoders, joined
from .options import core_conversion

if TYPE_CHECKING:
    from fastbatch.decode.conversion import Conversion


class PackedTokensColumn(ByArguments):
    """The tokens of each pack, or those after them."""

    def __init__(self, tokens: Any, packing: Packing, part: PackPart, conversion: Conversion, fill: int) -> None:
        self.source = tokens
        self.n_samples = packing.n
        self.dtype = conversion.dtype
        self.shape: tuple[int, ...] = (packing.context,)
        self._packing, self._part = packing, part
        dense = tokens.view if isinstance(tokens, Source) else np.ascontiguousarray(tokens)
        converts = not conversion.is_copy or not tokens.dtype.isnative
        self.decoder = _core.PackedTokens(
            dense,
            core_conversion(conversion) if converts else None,
            packing.starts,
            packing.lengths,
            packing.ends,
            packing.context,
            int(part == "targets"),
            np.array(fill, self.dtype).tobytes(),
        )

    def verify(self, may_be_shorter: bool = False) -> None:
        """Raise FormatError if the file was written to since it was opened."""
        if isinstance(self.source, Source):
            self.source.verify(may_be_shorter)

    def identity(self) -> Any:
        if self._part == "targets":
            return self._part
        row = joined(array_decoders(self.source, None)).row
        return [self._packing.identity(), array_identity(self.source.shape, self.source.dtype, row)]


class PackedNumbersColumn(ByArguments):
    """The number of the document, or the position in it, of each token of a pack."""

    dtype: np.dtype[Any] = np.dtype("i4")

    def __init__(self, packing: Packing, part: PackPart) -> None:
        self.n_samples = packing.n
        self.shape: tuple[int, ...] = (packing.context,)
        self._part = part
        arrays = (packing.starts, packing.lengths, packing.ends)
        self.decoder = _core.PackedNumbers(*arrays, packing.context, part == "position_ids")

    def identity(self) -> Any:
        return self._part
