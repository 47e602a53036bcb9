# SPDX-License-Identifier: MIT
"""Keras's image generators, dataset functions and sequences: change the import, keep the script.

    from fastbatch.keras import ImageDataGenerator

Same seed, same batches as Keras, many times faster. Nothing here imports Keras or TensorFlow.
"""

from __future__ import annotations

from .array_iterator import NumpyArrayIterator
from .backup import BackupLoader
from .dataframe_iterator import DataFrameIterator, validate_filename
from .dataset import KerasDataset
from .datasets import image_dataset_from_directory, text_dataset_from_directory
from .directory_iterator import DirectoryIterator
from .image_data_generator import ImageDataGenerator
from .image_utils import array_to_img, img_to_array, load_img, save_img
from .iterator import Iterator
from .sequences import TimeseriesGenerator, pad_sequences, timeseries_dataset_from_array
from .skipgrams import make_sampling_table, skipgrams
from .text import Tokenizer, hashing_trick, one_hot, text_to_word_sequence, tokenizer_from_json
from .transforms import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)

__all__ = [
    "BackupLoader",
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "KerasDataset",
    "NumpyArrayIterator",
    "TimeseriesGenerator",
    "Tokenizer",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "hashing_trick",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "make_sampling_table",
    "one_hot",
    "pad_sequences",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "skipgrams",
    "text_dataset_from_directory",
    "text_to_word_sequence",
    "timeseries_dataset_from_array",
    "tokenizer_from_json",
    "validate_filename",
]
