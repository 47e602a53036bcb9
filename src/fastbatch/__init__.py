# SPDX-License-Identifier: MIT
"""fastbatch: the data loader that training does not wait for.

    import fastbatch as fb

    train = fb.images("photos/train", size=224, flip=True, batch_size=64, shuffle=True, seed=1)
    for epoch in range(3):
        for x, y in train:      # float32 (64, 3, 224, 224), int64 (64,)
            ...

`fastbatch.pure` has the same functions in plain Python: slow, easy to read, and equal to the byte.
"""

from __future__ import annotations

import os as _os

try:
    from . import _core
except ImportError as _error:
    raise ImportError(
        f"fastbatch's compiled core cannot be loaded ({_error}). In a checkout, `./dev setup` builds it; "
        "elsewhere, `pip install --force-reinstall fastbatch` installs it."
    ) from _error

from fastbatch.api.mixup import cutmix, mixup
from fastbatch.api.words import TextSurface as _TextSurface
from fastbatch.decode.augment import Augment
from fastbatch.decode.conversion import field
from fastbatch.decode.labels import image_table
from fastbatch.decode.transform import get_include
from fastbatch.generators.data_generator import DataGenerator as _DataGenerator
from fastbatch.generators.data_generator import ImageDataLoader as _ImageDataLoader
from fastbatch.generators.restartable import RestartableGeneratorWrapper, restartable
from fastbatch.generators.stream import stream
from fastbatch.generators.time_series_dataset import TimeSeriesDataset as _TimeSeriesDataset
from fastbatch.loader.loader import Loader
from fastbatch.loader.map import BatchInfo
from fastbatch.native.array_file import idx, npy, npz, raw
from fastbatch.native.backend import NativeSurface as _NativeSurface
from fastbatch.native.image import decode as _decode
from fastbatch.native.image import probe, resize
from fastbatch.native.text import NativeText as _NativeText
from fastbatch.text.loader import TextLoader
from fastbatch.text.vocabulary import Vocabulary

from .errors import ClosedError, DecodeError, EncodingError, FastbatchError, FormatError, StateError

_core.narrow_targets(_os.environ.get("FASTBATCH_SIMD", ""))  # ValueError for an unknown name

decode = _decode  # the function, not the stage, whose module was imported before
_surface = _NativeSurface()
arrays = _surface.arrays
images = _surface.images
image_generator = _surface.image_generator
csv = _surface.csv
series = _surface.series
statistics = _surface.statistics
windows = _surface.windows
tokens = _surface.tokens
_text = _TextSurface(_NativeText())
text_generator = _text.text_generator
words = _text.words
lines = _text.lines
vocabulary = _text.vocabulary


class DataGenerator(_DataGenerator):  # noqa: D101
    __doc__ = _DataGenerator.__doc__
    _surface = _surface


class ImageDataLoader(_ImageDataLoader):  # noqa: D101
    __doc__ = _ImageDataLoader.__doc__
    _surface = _surface


class TimeSeriesDataset(_TimeSeriesDataset):  # noqa: D101
    __doc__ = _TimeSeriesDataset.__doc__
    _surface = _surface


__version__ = "0.1.0"
__all__ = [
    "Augment",
    "BatchInfo",
    "ClosedError",
    "DataGenerator",
    "DecodeError",
    "EncodingError",
    "FastbatchError",
    "FormatError",
    "ImageDataLoader",
    "Loader",
    "RestartableGeneratorWrapper",
    "StateError",
    "TextLoader",
    "TimeSeriesDataset",
    "Vocabulary",
    "arrays",
    "csv",
    "cutmix",
    "decode",
    "field",
    "get_include",
    "idx",
    "image_generator",
    "image_table",
    "images",
    "lines",
    "mixup",
    "npy",
    "npz",
    "probe",
    "raw",
    "resize",
    "restartable",
    "series",
    "statistics",
    "stream",
    "text_generator",
    "tokens",
    "vocabulary",
    "windows",
    "words",
]
