# SPDX-License-Identifier: MIT
"""Keras's `image_dataset_from_directory` and `text_dataset_from_directory`."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import fastbatch
from fastbatch.checks import shown, whole
from fastbatch.loader.map import BatchInfo
from fastbatch.source.local_file import open_regular

from .config import standardize_data_format
from .dataset import KerasDataset
from .directory_index import Listing, Request, label_column
from .image_utils import PILLOW_MODES, Array, naming, open_img, pillow
from .prefetcher import Prefetcher
from .tf_resize import METHODS, resize, resize_cropped, resize_padded

IMAGE_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    interpolation: str = "bilinear",
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return a loader over the images in a folder: float32 in [0, 255], resized as by `tf.image.resize`.

    Files, labels, the split and the printed lines are Keras's, for the same seed. The order within the epochs is a new
    full shuffle for each epoch, which differs from Keras's.

    Args:
        directory: A folder with a sub-folder per class.
        labels: "inferred": the sub-folders; None: no labels; or a number per file in sorted order.
        label_mode: "int" (int32; a list of floats stays floats with format="tf"), "binary" (float32, (batch, 1)),
            "categorical" (float32, one-hot), or None for no labels.
        class_names: The sub-folders in the order of their numbers; None: sorted. Only valid with labels="inferred".
        color_mode: "rgb", "rgba" or "grayscale".
        batch_size: Images in a batch; the last batch may be smaller. None gives single images.
        image_size: (height, width) in pixels, or one number for both.
        shuffle: A new order in each epoch; False: sorted.
        seed: Determines the order and the split; None draws a seed from NumPy's global generator.
        validation_split: Share of the files for validation.
        subset: "training" is the first part of the shuffled files, "validation" the last one; "both" returns a list of
            two loaders, the second of which is not shuffled in each epoch. Only valid with `validation_split`.
        follow_links: Follow links to folders.
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian" or "mitchellcubic";
            "nearest" gives uint8.
        crop_to_aspect_ratio, pad_to_aspect_ratio: Crop the image, or pad it with zeros, to keep its aspect ratio.
        data_format: "channels_last" or "channels_first"; None: Keras's setting.
        format: "tf" or "grain". The batches are NumPy arrays in both cases; see `KerasDataset.to_tf`.
        verbose: Print the number of files and classes.

    Returns:
        A `KerasDataset`, or a list of two for subset="both".

    Raises:
        ValueError: An argument that Keras refuses; no files.
        OSError: By `next()`: a file cannot be read or decoded.

    Example:
        >>> from fastbatch.keras import image_dataset_from_directory
        >>> train = image_dataset_from_directory("photos/train", image_size=(64, 64), batch_size=16)
        Found 96 files belonging to 3 classes.
        >>> x, y = next(iter(train))
        >>> x.shape, x.dtype, y.dtype
        ((16, 64, 64, 3), dtype('float32'), dtype('int32'))

    Source: Keras's `keras/src/utils/image_dataset_utils.py`.
    """
    request = Request(
        directory,
        labels,
        label_mode,
        class_names,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        format,
        verbose,
    )
    if color_mode not in CHANNELS:
        raise ValueError(f'`color_mode` must be one of "rgb", "rgba", "grayscale". Received: color_mode={color_mode}')
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise ValueError(f"Invalid `image_size` value. Expected a tuple of 2 integers. Received: {shown(image_size)}")
    method = interpolation.lower()
    if method not in METHODS:
        raise ValueError(f"`interpolation` should be one of {METHODS}. Received: interpolation={interpolation}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`.")
    how = resize_cropped if crop_to_aspect_ratio else resize_padded if pad_to_aspect_ratio else resize
    is_first = standardize_data_format(data_format) == "channels_first"
    fit = partial(how, size=(whole("image_size", size[0], 1), whole("image_size", size[1], 1)), method=method)

    def read(path: str) -> Array:
        fitted = fit(_pixels(path, color_mode))
        return fitted.transpose(2, 0, 1) if is_first else fitted

    return _datasets(request, IMAGE_FORMATS, "images", batch_size, partial(_in_parallel, Prefetcher(), read))


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return a loader over the text files (.txt) in a folder.

    Args:
        directory, labels, label_mode, class_names: As for `image_dataset_from_directory`.
        batch_size: Texts in a batch; the last batch may be smaller. None gives single texts.
        max_length: Cut longer texts: to this many bytes with format="tf", to this many characters with "grain".
        shuffle, seed, validation_split, subset, follow_links: As for `image_dataset_from_directory`.
        format: "tf" gives arrays of bytes objects, "grain" arrays of str objects.
        verbose: Print the number of files and classes.

    Returns:
        A `KerasDataset`, or a list of two for subset="both".

    Raises:
        ValueError: An argument that Keras refuses; no files.
        OSError: By `next()`: a file cannot be read.

    Example:
        >>> from fastbatch.keras import text_dataset_from_directory
        >>> texts = text_dataset_from_directory("reviews", batch_size=2, shuffle=False)
        Found 8 files belonging to 2 classes.
        >>> next(iter(texts))
        (array([b'a bad film', b'a bad film'], dtype=object), array([0, 0], dtype=int32))

    Source: Keras's `keras/src/utils/text_dataset_utils.py`.
    """
    request = Request(
        directory,
        labels,
        label_mode,
        class_names,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        format,
        verbose,
    )

    def read(path: str) -> Any:
        if format == "tf":
            with open_regular(path) as file:
                return file.read(-1 if max_length is None else max_length)
        with io.TextIOWrapper(open_regular(path), "utf-8") as text:
            return text.read()[:max_length]

    def read_all(paths: list[str]) -> Array:
        texts = np.empty(len(paths), dtype=object)
        texts[:] = [read(path) for path in paths]
        return texts

    return _datasets(request, (".txt",), "text files", batch_size, read_all)


def _pixels(path: str, color_mode: str) -> Array:
    """Return an image as TensorFlow decodes it: gray from the Y channel of a JPEG, 16 bits by their upper 8."""
    image = open_img(path)
    if color_mode == "grayscale":
        image.draft("L", None)
    if image.mode.startswith("I"):
        wide = naming(path, lambda: np.asarray(image))
        image = pillow().fromarray((wide.astype(np.uint32) >> 8).astype(np.uint8))
    pixels: Array = np.asarray(naming(path, lambda: image.convert(PILLOW_MODES[color_mode])))
    return pixels.reshape(*pixels.shape[:2], CHANNELS[color_mode])


def _in_parallel(prefetcher: Prefetcher, read: Callable[[str], Array], paths: list[str]) -> Array:
    samples: list[Any] = [None] * len(paths)

    def work(start: int, stop: int) -> None:
        for i in range(start, stop):
            samples[i] = read(paths[i])

    prefetcher.run(work, len(paths))
    return np.stack(samples)


@dataclass(frozen=True)
class _Reader:
    """Maps a batch of file numbers to a batch of file contents."""

    paths: list[str]
    read: Callable[[list[str]], Array]

    def __call__(self, batch: Any, info: BatchInfo) -> Any:
        numbers = batch[0] if isinstance(batch, tuple) else batch
        samples = self.read([self.paths[i] for i in numbers.tolist()])
        return (samples, batch[1]) if isinstance(batch, tuple) else samples


def _datasets(
    request: Request, formats: tuple[str, ...], kind: str, batch_size: int | None, read: Callable[[list[str]], Array]
) -> Any:
    seed = int(np.random.randint(1_000_000)) if request.seed is None else request.seed
    listings = request.listings(formats, kind, seed)

    def dataset(listing: Listing, shuffle: bool) -> KerasDataset:
        columns = [np.arange(len(listing.paths))]
        if listing.labels is not None:
            n_classes = len(listing.class_names or ())
            columns.append(label_column(listing.labels, request.label_mode, n_classes, request.format))
        loader = fastbatch.arrays(
            *columns, batch_size=1 if batch_size is None else batch_size, shuffle=shuffle, seed=seed
        )
        mapped = loader.map(_Reader(listing.paths, read))
        return KerasDataset.of(mapped, listing.class_names, listing.paths, batch_size is not None)

    made = [dataset(listing, request.shuffle and i == 0) for i, listing in enumerate(listings)]
    return made if request.subset == "both" else made[0]
