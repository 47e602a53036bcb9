# SPDX-License-Identifier: MIT
# The part of the compiled core for columns of images; `_core.pyi` has its names.
from collections.abc import Sequence
from typing import final

from ._core import Augmentation, Conversion, Decoder, SampleSource

Edges = tuple[int, int, int, int]  # x, y, width, height

@final
class ImageOptions:
    def __init__(
        self,
        conversion: Conversion,
        *,
        height: int,
        width: int,
        crop: str = "none",
        resize: int = 0,
        area: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = ...,
        filter: str = "bilinear",
        flip: bool = False,
        vertical_flip: bool = False,
        color: str = "rgb",
        apply_exif: bool = False,
        exact: bool = True,
        dct_scale: bool = True,
        pad_value: Sequence[int] = (),
        max_pixels: int = 178956970,
        augmentation: Augmentation | None = None,
        seek_index_bytes: int = 0,
        deep: Conversion | None = None,
        floats: Conversion | None = None,
        clips: bool = True,
        stored_channels: int = 0,
        fills: bool = False,
        ints: Conversion | None = None,
        uints: Conversion | None = None,
        pad_element: bytes = b"",
    ) -> None: ...
    def crop(
        self, width: int, height: int, seed: int, epoch: int, index: int
    ) -> tuple[Edges, tuple[int, int], Edges, int, int]: ...

@final
class ImageDecoder(Decoder):
    def __init__(self, source: SampleSource, options: ImageOptions, with_pillow: bool, /) -> None: ...
    @property
    def through_pillow(self) -> int: ...
    @property
    def jpeg_own(self) -> int: ...
    @property
    def jpeg_library(self) -> int: ...
    @property
    def jpeg_indexed(self) -> int: ...

@final
class MatrixDecoder(Decoder):
    def __init__(self, images: SampleSource, options: ImageOptions, with_pillow: bool, /) -> None: ...

@final
class MaskDecoder(Decoder):
    def __init__(
        self, images: SampleSource, masks: SampleSource, options: ImageOptions, with_pillow: bool, /
    ) -> None: ...
    @property
    def jpeg_own(self) -> int: ...
    @property
    def jpeg_library(self) -> int: ...
