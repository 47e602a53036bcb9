# SPDX-License-Identifier: MIT
"""The types of the public names, for type checkers. At run time they are imported at first use."""

from __future__ import annotations

from fastbatch.api.array_file import idx as _idx
from fastbatch.api.array_file import npy as _npy
from fastbatch.api.array_file import npz as _npz
from fastbatch.api.array_file import raw as _raw
from fastbatch.api.arrays import arrays as _arrays
from fastbatch.api.class_weight import class_weight
from fastbatch.api.csv import csv as _csv
from fastbatch.api.image_data_loader import ImageDataLoader
from fastbatch.api.image_generator import image_generator as _image_generator
from fastbatch.api.image_table import image_table
from fastbatch.api.images import encoded
from fastbatch.api.images import images as _images
from fastbatch.api.mixup import cutmix, mixup
from fastbatch.api.series import series as _series
from fastbatch.api.single_image import decode as _decode
from fastbatch.api.single_image import probe as _probe
from fastbatch.api.single_image import resize as _resize
from fastbatch.api.statistics import statistics as _statistics
from fastbatch.api.stream import stream as _stream
from fastbatch.api.subset import subset
from fastbatch.api.time_series_dataset import TimeSeriesDataset
from fastbatch.api.tokens import tokens as _tokens
from fastbatch.api.windows import windows as _windows
from fastbatch.api.words import lines as _lines
from fastbatch.api.words import text_generator as _text_generator
from fastbatch.api.words import vocabulary as _vocabulary
from fastbatch.api.words import words as _words
from fastbatch.decode.augment import Augment
from fastbatch.decode.conversion import field
from fastbatch.decode.transform import get_include
from fastbatch.errors import ClosedError, DecodeError, EncodingError, FastbatchError, FormatError, StateError
from fastbatch.generators.data_generator import DataGenerator
from fastbatch.generators.restartable import RestartableGeneratorWrapper, restartable
from fastbatch.loader.loader import Loader
from fastbatch.loader.map import BatchInfo
from fastbatch.loader.samples import SampleLoader
from fastbatch.native.backend import NativeBackend
from fastbatch.text.loader import TextLoader
from fastbatch.text.vocabulary import Vocabulary

from .bind import bind

_backend = NativeBackend()
idx = bind(_backend, _idx)
npy = bind(_backend, _npy)
npz = bind(_backend, _npz)
raw = bind(_backend, _raw)
arrays = bind(_backend, _arrays)
csv = bind(_backend, _csv)
decode = bind(_backend, _decode)
image_generator = bind(_backend, _image_generator)
images = bind(_backend, _images)
lines = bind(_backend, _lines)
probe = bind(_backend, _probe)
resize = bind(_backend, _resize)
series = bind(_backend, _series)
statistics = bind(_backend, _statistics)
stream = bind(_backend, _stream)
text_generator = bind(_backend, _text_generator)
tokens = bind(_backend, _tokens)
vocabulary = bind(_backend, _vocabulary)
windows = bind(_backend, _windows)
words = bind(_backend, _words)

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
    "SampleLoader",
    "StateError",
    "TextLoader",
    "TimeSeriesDataset",
    "Vocabulary",
    "arrays",
    "class_weight",
    "csv",
    "cutmix",
    "decode",
    "encoded",
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
    "subset",
    "text_generator",
    "tokens",
    "vocabulary",
    "windows",
    "words",
]
