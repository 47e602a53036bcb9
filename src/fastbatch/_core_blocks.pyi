# SPDX-License-Identifier: MIT
# The part of the compiled core for objects that arrive in blocks; `_core.pyi` has its names.
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from ._core import ArrayView, BatchPlan, Decoder, Order, SampleSource

@final
class BlockPager:
    def __init__(self, empty: int, bell: int, blocks: int, bytes: int) -> None: ...
    def find(self, space: int, /) -> BlockSpace | None: ...
    def take_wanted(self) -> list[tuple[int, int]]: ...

@final
class BlockSpace:
    def __init__(
        self,
        pager: BlockPager,
        name: bytes,
        starts: NDArray[np.uint64],
        sizes: NDArray[np.uint64],
        names: Sequence[bytes],
    ) -> None: ...
    @property
    def id(self) -> int: ...
    def is_here(self, block: int, /) -> bool: ...
    def provide(self, block: int, file: int, /) -> None: ...
    def fail(self, block: int, code: int, message: str) -> None: ...
    def forget_errors(self) -> None: ...
    def foresee(self, block: int, next_use: int) -> None: ...
    def npy(self) -> ArrayView: ...
    def raw(self, descr: str, shape: Sequence[int], offset: int, /) -> ArrayView: ...

@final
class MappedSamples(SampleSource):
    def __init__(
        self,
        spaces: Sequence[BlockSpace],
        file: NDArray[np.uint64],
        offsets: NDArray[np.uint64],
        sizes: NDArray[np.uint64],
        names: Sequence[bytes],
    ) -> None: ...

def block_uses(
    columns: Sequence[Decoder], order: Order, plan: BatchPlan, first: int, count: int
) -> NDArray[np.uint64]: ...
