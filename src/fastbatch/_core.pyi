# SPDX-License-Identifier: MIT
# The compiled core, as csrc/bindings/ gives it. Checked against the module by tests/test_stubs.py and stubtest.
from collections.abc import Sequence
from typing import Any, Literal, NoReturn, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core_blocks import *  # noqa: F403
from ._core_blocks import BlockSpace
from ._core_chunks import *  # noqa: F403
from ._core_documents import *  # noqa: F403
from ._core_images import *  # noqa: F403

def supported_targets() -> list[str]: ...
def active_target() -> str: ...
def narrow_targets(name: str, /) -> None: ...
def available_cpus() -> int: ...

@final
class ArrayView:
    def __init__(self, *args: object, **kwargs: object) -> NoReturn: ...
    @property
    def mapped(self) -> bool: ...
    def array(self) -> NDArray[Any]: ...
    def read(self) -> NDArray[Any]: ...
    def windows(self, length: int, step: int) -> ArrayView: ...
    def every(self, start: int, n: int, stride: int) -> ArrayView: ...

def view_of(array: NDArray[Any], /) -> ArrayView: ...
def open_npy(path: bytes, /) -> ArrayView: ...
def open_idx(path: bytes, /) -> ArrayView: ...
def open_raw(path: bytes, descr: str, shape: Sequence[int], offset: int, /) -> ArrayView: ...
def list_folder(path: bytes, extensions: list[str], /) -> tuple[list[bytes], list[bytes], list[bytes]]: ...
def tar_members(archive: bytes | BlockSpace, /) -> tuple[bytes, NDArray[np.uint64], NDArray[np.uint64]]: ...

@final
class NpzFile:
    def __init__(self, path: bytes, /) -> None: ...
    @property
    def names(self) -> list[str]: ...
    def open(self, i: int, /) -> ArrayView: ...

class SampleSource:
    def __init__(self, *args: object, **kwargs: object) -> NoReturn: ...
    def __len__(self) -> int: ...
    def name(self, i: int, /) -> bytes: ...

@final
class FileList(SampleSource):
    def __init__(self, paths: list[bytes], /) -> None: ...
    def __getitem__(self, i: int, /) -> bytes: ...

@final
class FileRanges(SampleSource):
    def __init__(self, files: list[Any], file: Any, offsets: Any, sizes: Any, names: list[bytes]) -> None: ...

@final
class JoinedSamples(SampleSource):
    def __init__(self, parts: Sequence[SampleSource], order: NDArray[np.uint64]) -> None: ...

@final
class EncodedSamples(SampleSource):
    def __init__(self, blob: Any, offsets: NDArray[np.uint64], names: list[bytes] | None = None) -> None: ...

def codecs() -> list[tuple[str, list[str], bool]]: ...  # name, extensions, scales
def library_versions() -> list[tuple[str, str]]: ...
def compiler_version() -> str: ...
def name_format(file: bytes, /) -> str: ...
def decode_bytes(data: Any, mode: str, max_pixels: int) -> tuple[NDArray[Any], str, int] | str: ...
def decode_file(path: bytes, mode: str, max_pixels: int) -> tuple[NDArray[Any], str, int] | str: ...
def resize_array(
    array: NDArray[Any], height: int, width: int, filter: str, box: tuple[float, float, float, float] | None
) -> NDArray[Any]: ...
def probe_images(
    source: SampleSource, first: int, n: int, threads: int, max_pixels: int = 178956970
) -> list[tuple[int, int, str, str, int, str | None, bool]]: ...
def verify_images(
    source: SampleSource, first: int, n: int, threads: int, max_pixels: int
) -> list[tuple[int, str | None, int, bool]]: ...  # bytes, error, errno, whether only Pillow may know
def philox(seed: int, epoch: int, index: int, purpose: int, operation: int, n: int, /) -> NDArray[np.uint64]: ...

@final
class Permutation:
    def __init__(self, n: int, seed: int, epoch: int, purpose: int = 1, index: int = 0) -> None: ...
    def at(self, positions: ArrayLike, /) -> NDArray[np.uint64]: ...
    def inverse(self, i: int, /) -> int: ...

@final
class IndexList:
    def __init__(self, items: ArrayLike, /) -> None: ...

@final
class Order:
    def __init__(
        self,
        n: int,
        subsets: Sequence[tuple[bool, int, int, int, int] | tuple[int, IndexList]],
        shuffle: str,
        block_size: int,
        window: int,
        seed: int,
        epoch: int,
        n_drawn: int = 0,
        cumulative: ArrayLike | None = None,
        listed: ArrayLike | None = None,
        block_ends: ArrayLike | None = None,
        mixture: Mixture | None = None,
    ) -> None: ...
    @property
    def size(self) -> int: ...
    def at(self, positions: ArrayLike, /) -> NDArray[np.uint64]: ...

@final
class Mixture:
    def __init__(self, parts: Sequence[tuple[Order, int]], turns: ArrayLike, n: int) -> None: ...

@final
class BatchPlan:
    def __init__(
        self,
        n: int,
        position: int,
        rank: int,
        world_size: int,
        tail: str,
        batch_size: int,
        drop_last: bool,
        max_batches: int | None = None,
    ) -> None: ...
    @property
    def n_samples(self) -> int: ...
    @property
    def n_batches(self) -> int: ...
    def batch_size(self, k: int, /) -> int: ...
    def position_after(self, k: int, /) -> int: ...
    def indices(self, order: Order, k: int, /) -> NDArray[np.uint64]: ...

@final
class Conversion:
    def __init__(
        self,
        dtype: np.dtype[Any],
        channels: int = 1,
        from_first: bool = False,
        to_first: bool = False,
        scale: Sequence[float] = (),
        shift: Sequence[float] = (),
    ) -> None: ...

class Decoder:
    def __init__(self, *args: object, **kwargs: object) -> NoReturn: ...
    def row(self, index: int) -> bytes: ...

@final
class ArrayDecoder(Decoder):
    def __init__(
        self, data: ArrayView | NDArray[Any], conversion: Conversion | None, pieces: Pieces | None = None
    ) -> None: ...
    def standardize_samples(self) -> None: ...
    def expect_random_access(self) -> None: ...

@final
class ConcatDecoder(Decoder):
    def __init__(self, parts: list[ArrayDecoder], outer: int, /) -> None: ...

@final
class TransformDecoder(Decoder):
    def __init__(
        self,
        inner: Decoder,
        itemsize: int,
        type: str,
        shape: Sequence[int],
        function: int,
        user_data: int,
        owners: object,
        /,
    ) -> None: ...

@final
class Augmentation:
    def __init__(
        self,
        *,
        rotation: tuple[float, float],
        shear: tuple[float, float],
        zoom: tuple[float, float],
        shift_rows: tuple[float, float],
        shift_columns: tuple[float, float],
        order: int,
        fill: str,
        fill_value: float,
        channel_shift: tuple[float, float],
        brightness: tuple[float, float],
        contrast: tuple[float, float],
        saturation: tuple[float, float],
        hue: tuple[float, float],
        erase: float,
        erase_scale: tuple[float, float],
        erase_ratio: tuple[float, float],
        erase_value: Sequence[float],
        standardize: bool,
    ) -> None: ...
    def apply(self, pixels: NDArray[np.uint8], seed: int, epoch: int, index: int) -> NDArray[np.float32]: ...
    def affine_matrix(
        self, height: float, width: float, seed: int, epoch: int, index: int
    ) -> tuple[list[float], list[float]]: ...

@final
class Pieces:
    def __init__(self, starts: ArrayLike, counts: ArrayLike, stride: int) -> None: ...
    @property
    def size(self) -> int: ...
    def rows(self, samples: ArrayLike, /) -> NDArray[np.uint64]: ...

@final
class JoinedDecoder(Decoder):
    def __init__(self, parts: Sequence[Decoder]) -> None: ...

def pack_documents(
    bounds: ArrayLike, are_lengths: bool, context: int, window: int, splits: bool, /
) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint64]]: ...

@final
class Moments:
    def __init__(self, channels: int) -> None: ...
    def add(self, blocks: Decoder, /) -> None: ...
    @property
    def n(self) -> int: ...
    @property
    def mean(self) -> NDArray[np.float64]: ...
    @property
    def variance(self) -> NDArray[np.float64]: ...

def find_all(blocks: Decoder, value: int, /) -> NDArray[np.uint64]: ...
def warp_batch(
    images: NDArray[Any],
    matrices: ArrayLike,
    offsets: ArrayLike,
    order: int,
    mode: str,
    cval: float,
    threads: int,
    flips: ArrayLike | None = None,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]: ...

_Bad = tuple[int, int | None, tuple[str, str | None, str, int | None], bool]

def change_batch(
    images: NDArray[Any],
    places: ArrayLike,
    out: NDArray[np.float32],
    moves: ArrayLike | None = None,
    matrices: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
    order: int = 1,
    fill: int = 0,
    cval: float = 0.0,
    flips: ArrayLike | None = None,
    shifts: ArrayLike | None = None,
    brightness: ArrayLike | None = None,
    scale: float = 1.0,
    threads: int = 1,
) -> None: ...

@final
class DecodeWorker:
    def __init__(self, decoder: Decoder, /) -> None: ...
    def decode_into(self, indices: ArrayLike, out: NDArray[Any]) -> None: ...

@final
class Run:
    def __init__(self, *args: object, **kwargs: object) -> NoReturn: ...
    def next(self) -> tuple[int, list[NDArray[Any]], tuple[_Bad, ...]] | Literal[False] | None: ...
    def under_way(self) -> list[tuple[str, int, int, int, int]]: ...

@final
class Loader:
    def __init__(
        self,
        decoders: Sequence[Decoder],
        dtypes: Sequence[np.dtype[Any]],
        shapes: Sequence[tuple[int, ...]],
        threads: int,
        batch_size: int,
        prefetch: int,
        prefetch_bytes: int,
        advise: bool,
        on_error: str,
        in_turns: bool = True,
    ) -> None: ...
    def start(self, order: Order, plan: BatchPlan, seed: int, epoch: int, /) -> Run: ...
    def stats(self) -> dict[str, Any]: ...
    def start_recording(self, events_per_thread: int, /) -> None: ...
    def stop_recording(self) -> tuple[np.ndarray[Any, Any], int]: ...
    def is_own_thread(self) -> bool: ...
    def close(self) -> None: ...

@final
class DrawnBatch:
    def __init__(
        self,
        geometry: ArrayLike,
        samples: ArrayLike,
        paths: Sequence[bytes] | None = None,
        changes: ArrayLike | None = None,
        erasing: bytes = b"",
    ) -> None: ...

@final
class DrawnDecoder(Decoder):
    def __init__(
        self,
        arrays: tuple[NDArray[np.uint8], ...],
        channels: int,
        height: int,
        width: int,
        table: bytes | None = None,
        itemsize: int = 1,
        planes: bool = True,
        filter: str = "bilinear",
        exact: bool = True,
        pad_value: Sequence[int] = ...,
        with_pillow: bool = False,
        table_channels: int = 3,
        seek_index_bytes: int = 0,
    ) -> None: ...
    def add(self, batch: DrawnBatch, /) -> int: ...

def probe_sizes(paths: Sequence[bytes], threads: int) -> NDArray[np.int64]: ...

@final
class Vocabulary:
    def __init__(self, words: list[bytes], /) -> None: ...

@final
class LineIndex:
    def __init__(self, files: FileList, encoding: str, /) -> None: ...
    def __len__(self) -> int: ...

@final
class TextRun:
    def __init__(
        self,
        files: FileList,
        item: str,
        encoding: str,
        errors: str,
        batch_size: int,
        drop_last: bool,
        rank: int,
        world_size: int,
        threads: int,
        block_size: int,
        blocks_ahead: int,
        unit: int,
        byte: int,
        output: str,
        chop: bool,
        index: LineIndex | None = None,
        order: Order | None = None,
        vocabulary: Vocabulary | None = None,
        most_batches: int | None = None,
    ) -> None: ...
    def next(self) -> Any: ...
    def progress(self) -> tuple[int, int, int, int, int]: ...
    def close(self) -> None: ...

def count_items(files: FileList, item: str, encoding: str, errors: str, block_size: int, threads: int, /) -> int: ...
def count_words(
    files: FileList, encoding: str, errors: str, block_size: int, threads: int, max_words: int, min_count: int, /
) -> list[tuple[bytes, int]]: ...
