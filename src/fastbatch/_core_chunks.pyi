# SPDX-License-Identifier: MIT
# The part of the compiled core for rows that are stored in chunks; `_core.pyi` has its names.
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, final

from numpy.typing import ArrayLike, NDArray

from ._core import Conversion, Decoder, SampleSource

class ChunkSource:
    def __init__(self, *args: object, **kwargs: object) -> NoReturn: ...

@final
class PythonChunks(ChunkSource):
    def __init__(self, function: Callable[[int], Sequence[NDArray[Any]]], /) -> None: ...

@final
class Hdf5Chunks(ChunkSource):
    def __init__(
        self,
        file: tuple[bytes, int, int, int, int],
        descr: str,
        shape: Sequence[int],
        tile: Sequence[int],
        filters: Sequence[str],
        fill: bytes,
        offsets: ArrayLike,
        sizes: ArrayLike,
        masks: ArrayLike,
        most_bytes: int,
    ) -> None: ...

@final
class ParquetImages(ChunkSource):
    def __init__(
        self,
        other: ChunkSource,
        files: Sequence[tuple[bytes, int, int, int, int]],
        groups: Sequence[tuple[int, int, Sequence[tuple[int, int, int, bool, int]]]],
        most_bytes: int,
    ) -> None: ...

@final
class ChunkCache:
    def __init__(self, source: ChunkSource, ends: ArrayLike, most_bytes: int) -> None: ...

@final
class ChunkedDecoder(Decoder):
    def __init__(self, chunks: ChunkCache, field: int, none: NDArray[Any], conversion: Conversion | None) -> None: ...
    def standardize_samples(self) -> None: ...

@final
class ChunkedSamples(SampleSource):
    def __init__(self, chunks: ChunkCache, field: int, files: list[bytes], first_rows: list[int]) -> None: ...

@final
class IndexDecoder(Decoder):
    def __init__(self, n: int) -> None: ...
