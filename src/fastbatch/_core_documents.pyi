# SPDX-License-Identifier: MIT
# The part of the compiled core for documents of tokens; `_core.pyi` has its names.
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from ._core import ArrayView, Conversion, Decoder

@final
class PackedTokens(Decoder):
    def __init__(
        self,
        data: ArrayView | NDArray[Any],
        conversion: Conversion | None,
        starts: NDArray[np.uint64],
        lengths: NDArray[np.uint32],
        ends: NDArray[np.uint64],
        context: int,
        shift: int,
        fill: bytes,
    ) -> None: ...

@final
class PackedNumbers(Decoder):
    def __init__(
        self,
        starts: NDArray[np.uint64],
        lengths: NDArray[np.uint32],
        ends: NDArray[np.uint64],
        context: int,
        positions: bool,
    ) -> None: ...

@final
class DocumentBatches:
    def __init__(
        self,
        arrays: tuple[
            NDArray[np.uint64],
            NDArray[np.uint64],
            NDArray[np.uint64],
            NDArray[np.uint64],
            NDArray[np.uint64],
            NDArray[np.uint64],
            NDArray[np.uint64],
            NDArray[np.uint64],
        ],
        max_rows: int,
        shuffled: bool,
    ) -> None: ...

@final
class DocumentTokens(Decoder):
    def __init__(
        self,
        data: ArrayView | NDArray[Any],
        conversion: Conversion | None,
        batches: DocumentBatches,
        padded: bool,
        fill: bytes,
    ) -> None: ...

@final
class DocumentNumbers(Decoder):
    def __init__(self, batches: DocumentBatches) -> None: ...
