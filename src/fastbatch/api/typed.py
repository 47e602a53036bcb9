# SPDX-License-Identifier: MIT
"""The types of the public names, for type checkers. At run time they are imported at first use."""

from __future__ import annotations

from fastbatch.api.array_file import idx as _idx
from fastbatch.api.array_file import npy as _npy
from fastbatch.api.array_file import npz as _npz
from fastbatch.api.array_file import raw as _raw
from fastbatch.api.arrays import arrays as _arrays
from fastbatch.api.class_weight import class_weight
from fastbatch.api.config import show_config as _show_config
from fastbatch.api.csv import csv as _csv
from fastbatch.api.documents import documents as _documents
from fastbatch.api.image_data_loader import ImageDataLoader
from fastbatch.api.image_generator import image_generator as _image_generator
from fastbatch.api.image_table import image_table
from fastbatch.api.images import encoded
from fastbatch.api.images import images as _images
from fastbatch.api.mixtures import concat as _concat
from fastbatch.api.mixtures import mix as _mix
from fastbatch.api.mixtures import zip as _zip
from fastbatch.api.mixup import cutmix, mixup
from fastbatch.api.pack import pack as _pack
from fastbatch.api.series import series as _series
from fastbatch.api.single_image import decode as _decode
from fastbatch.api.single_image import probe as _probe
from fastbatch.api.single_image import resize as _resize
from fastbatch.api.statistics import statistics as _statistics
from fastbatch.api.stream import stream as _stream
from fastbatch.api.subset import subset
from fastbatch.api.table import table as _table
from fastbatch.api.tar import tar as _tar
from fastbatch.api.time_series_dataset import TimeSeriesDataset
from fastbatch.api.tokens import tokens as _tokens
from fastbatch.api.verify import verify as _verify
from fastbatch.api.windows import windows as _windows
from fastbatch.api.words import lines as _lines
from fastbatch.api.words import text_generator as _text_generator
from fastbatch.api.words import vocabulary as _vocabulary
from fastbatch.api.words import words as _words
from fastbatch.decode.augment import Augment
from fastbatch.decode.conversion import field
from fastbatch.decode.transform import get_include
from fastbatch.decode.verification import Verification
from fastbatch.errors import ClosedError, DecodeError, EncodingError, FastbatchError, FormatError, StateError
from fastbatch.generators.data_generator import DataGenerator
from fastbatch.generators.restartable import RestartableGeneratorWrapper, restartable
from fastbatch.loader.agreement import check_ranks, rank_digest
from fastbatch.loader.loader import Loader
from fastbatch.loader.map import BatchInfo
from fastbatch.loader.merge import merge_states
from fastbatch.loader.samples import SampleLoader
from fastbatch.native.backend import NativeBackend
from fastbatch.preview.preview import Preview
from fastbatch.profile.profile import Profile
from fastbatch.text.loader import TextLoader
from fastbatch.text.vocabulary import Vocabulary

from .bind import bind

_backend = NativeBackend()
idx = bind(_backend, _idx)
npy = bind(_backend, _npy)
npz = bind(_backend, _npz)
raw = bind(_backend, _raw)
arrays = bind(_backend, _arrays)
concat = bind(_backend, _concat)
csv = bind(_backend, _csv)
documents = bind(_backend, _documents)
decode = bind(_backend, _decode)
image_generator = bind(_backend, _image_generator)
images = bind(_backend, _images)
lines = bind(_backend, _lines)
mix = bind(_backend, _mix)
pack = bind(_backend, _pack)
probe = bind(_backend, _probe)
resize = bind(_backend, _resize)
series = bind(_backend, _series)
show_config = bind(_backend, _show_config)
statistics = bind(_backend, _statistics)
stream = bind(_backend, _stream)
table = bind(_backend, _table)
tar = bind(_backend, _tar)
text_generator = bind(_backend, _text_generator)
tokens = bind(_backend, _tokens)
verify = bind(_backend, _verify)
vocabulary = bind(_backend, _vocabulary)
windows = bind(_backend, _windows)
words = bind(_backend, _words)
zip = bind(_backend, _zip)  # noqa: A001 - its public name

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
    "Preview",
    "Profile",
    "RestartableGeneratorWrapper",
    "SampleLoader",
    "StateError",
    "TextLoader",
    "TimeSeriesDataset",
    "Verification",
    "Vocabulary",
    "arrays",
    "check_ranks",
    "class_weight",
    "concat",
    "csv",
    "cutmix",
    "decode",
    "documents",
    "encoded",
    "field",
    "get_include",
    "idx",
    "image_generator",
    "image_table",
    "images",
    "lines",
    "merge_states",
    "mix",
    "mixup",
    "npy",
    "npz",
    "pack",
    "probe",
    "rank_digest",
    "raw",
    "resize",
    "restartable",
    "series",
    "show_config",
    "statistics",
    "stream",
    "subset",
    "table",
    "tar",
    "text_generator",
    "tokens",
    "verify",
    "vocabulary",
    "windows",
    "words",
    "zip",
]
