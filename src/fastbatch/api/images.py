# SPDX-License-Identifier: MIT
"""`images`: a loader over image files, their labels, masks, boxes and points."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastbatch.batch.column import Column
from fastbatch.calls import takes
from fastbatch.checks import flag, listed, shown
from fastbatch.decode.annotations import PackPairs, make_moved, mask_options, mask_samples
from fastbatch.decode.augment import Augment
from fastbatch.decode.conversion import Field, Numbers
from fastbatch.decode.image_options import ImageOptions, make_image_options
from fastbatch.decode.labels import make_labels
from fastbatch.decode.transform import native_transform
from fastbatch.loader.engine import Recipe
from fastbatch.loader.first_part import python_steps
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.source.image_folder import ImageFiles, list_images
from fastbatch.source.samples import EncodedSamples, make_encoded

from .arrays import column_of
from .backend import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack


@takes(LoaderOptions)
def images(
    backend: Backend,
    root_or_paths: Any,
    labels: Any = "infer",
    *,
    label_mode: Literal["int", "one_hot", "float", "multi_label"] | None = None,
    class_names: Sequence[str] | None = None,
    root: str | os.PathLike[str] | None = None,
    index_cache: bool = True,
    masks: Any = None,
    mask_dtype: DTypeLike = "uint8",
    mask_pad_value: int = 0,
    boxes: Any = None,
    min_box_area: float | None = None,
    keypoints: Any = None,
    size: int | tuple[int, int] = 224,
    crop: Literal["none", "stretch", "center", "random", "random_resized", "pad"] = "none",
    resize: int | None = None,
    crop_scale: tuple[float, float] = (0.08, 1.0),
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3),
    pad_value: int | Sequence[int] = 0,
    filter: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] = "bilinear",
    flip: bool = False,
    vertical_flip: bool = False,
    color: Literal["rgb", "rgba", "grayscale"] = "rgb",
    exif: Literal["ignore", "apply"] = "ignore",
    exact: bool = False,
    dct_scale: bool = True,
    max_pixels: int | None = None,
    augment: Augment | None = None,
    dtype: DTypeLike = "float32",
    layout: Literal["NCHW", "NHWC"] = "NCHW",
    scale: Numbers | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    transform: Any = None,
    **options: Unpack[LoaderKeywords],
) -> SampleLoader:
    """Return a loader over image files: `(x, y)` with y int64, or x alone without labels.

    Masks, boxes and points follow, in this order: `(x, y, masks, boxes, keypoints)`, each if it is given.

    What is drawn for a sample depends on the seed, the epoch and its index alone.

    Args:
        root_or_paths: A folder with one sub-folder per class (searched recursively, in sorted order); or paths: a
            list, an array, a column of a data frame; or images in memory: `encoded([...])`.
        labels: "infer": the sub-folder's number in sorted order (`class_names` has their names), none for a list of
            paths. None: no labels. Or one per file, in the order of the paths: numbers, strings (numbered in sorted
            order), rows of numbers, or lists of strings for files of several classes (rows of 0 and 1).
            `image_table` reads paths and labels from a CSV file.
        label_mode: "int" (int64), "one_hot", "float" or "multi_label" (float32); None takes what the labels are.
        class_names: The classes in the order of their numbers, instead of in sorted order.
        root: Folder that a list's paths start from.
        index_cache: Remember, in the user's cache folder, what a folder of more than 1,000 images contains. It is
            listed again where it has changed; see `fastbatch.folder_index`.

        masks: One mask file per image, or a folder that has one of the same name (but for the extension) for each:
            palette images give their indices, grayscale ones their levels, black-and-white ones 0 and 1. They go
            the same way as their images, pixels picked and never mixed; (batch, height, width) of `mask_dtype`.
        mask_pad_value: What masks are where no image is; 0 to 255.
        boxes: For each image rows of x0, y0, x1, y1 (and whatever else you keep with a box), in pixels of the file
            as it is stored, or None. They are moved along and clipped: batches have a list of float32 arrays.
        min_box_area: Leave boxes out of which no more is left; None keeps all.
        keypoints: For each image rows of x, y (and whatever else), or None. They are moved along, not clipped.

        size: (height, width) of the batch's images, or one number for both.
        crop: How an image gets to that size.
            "none" or "stretch": the whole image, whatever its shape.
            "center": its shorter side becomes `resize` (default: the larger number of `size`), and the middle is
            cut out: torchvision's Resize and CenterCrop.
            "random": the same, but the place of the window is drawn. Without `resize` it is cut from the image as
            it is (torchvision's RandomCrop); where that is smaller, it stands at a drawn place among `pad_value`.
            "random_resized": a part of drawn area, shape and place is cut out and resized: torchvision's
            RandomResizedCrop, with `crop_scale` (share of the area) and `crop_ratio` (width / height).
            "pad": the whole image, its shape kept, in the middle of `pad_value`: Pillow's ImageOps.pad.
        filter: "nearest", "box", "bilinear", "hamming", "bicubic" or "lanczos", all antialiased but the first.
        pad_value: 0 to 255, one number or one per channel.
        flip, vertical_flip: Mirror half of the samples left and right, and upside down, drawn anew in each epoch.

        color: "rgb", "rgba" or "grayscale", converted as Pillow converts.
        exif: "ignore" the orientation that cameras note beside the pixels, as Pillow, torchvision and Keras do, or
            "apply" it: the image is turned upright before anything else.
        exact: True gives exactly Pillow's pixels, `image.convert(mode).crop(box).resize(size, filter)`. False
            decodes only what is needed, faster; `fastbatch.pure` is always exact.
        dct_scale: Unless `exact`, large photographs may be made smaller by their codec while it decodes.
        max_pixels: Larger images are refused (default: 178,956,970, where Pillow stops).
        augment: Random changes of the pixels: rotation, colours, erasing, ...; see `Augment`.

        dtype, layout: Of the batch: (batch, channels, height, width) for "NCHW", channels last for "NHWC".
        scale, mean, std: `(x * scale - mean) / std`, one number or one per channel; scale is 1/255 for float types.

        transform: A function of your own for each image as it stands in the batch: see `arrays`.
        weights, balance, replacement, samples_per_epoch: Samples drawn by weight, "classes" being the labels.
        batch_size, shuffle, seed, ...: As for `arrays`.

    Raises:
        ValueError: A folder without images, labels that are missing or too many, options out of range.
        OSError, DecodeError: By `next()`, for the file that cannot be read or decoded.
    """
    wanted = make_image_options(
        size,
        Field(None, dtype, scale, mean, std, layout),
        crop=crop,
        resize=resize,
        crop_scale=crop_scale,
        crop_ratio=crop_ratio,
        pad_value=pad_value,
        filter=filter,
        flip=flip,
        vertical_flip=vertical_flip,
        color=color,
        exif=exif,
        exact=exact,
        dct_scale=dct_scale,
        max_pixels=max_pixels,
        augment=augment,
    )
    wanted_masks = mask_options(wanted, mask_dtype, mask_pad_value)
    flag("index_cache", index_cache)
    names = None if class_names is None else _names(class_names)
    files = _files(backend, root_or_paths, labels, root, names, index_cache)
    samples, n = files.samples, len(files.samples)
    pictures = backend.image_column(samples, wanted)
    native = None if transform is None else native_transform(transform)
    columns = [pictures if native is None else backend.transform_column(pictures, native)]
    given = files.labels if _is_infer(labels) else labels
    if given is not None:
        made = make_labels(given, n, label_mode, files.class_names or names)
        names = made.class_names
        columns.append(column_of(backend, Field(made.values)))
    elif label_mode is not None:
        raise ValueError("label_mode: there are no labels")
    if masks is not None:
        folder = root_or_paths if isinstance(root_or_paths, str | bytes | os.PathLike) else root
        of_masks = mask_samples(masks, samples, folder)
        columns.append(backend.mask_column(pictures, of_masks, wanted_masks))
    moved = make_moved(n, wanted, boxes, min_box_area, keypoints)
    pack = PackPairs(len(columns), moved)
    if moved:
        if transform is not None and native is None:
            raise ValueError("transform: boxes and keypoints differ in shape; use `Loader.map` instead")
        columns += _moving_columns(backend, pictures, n, wanted)
    chosen = LoaderOptions(**options)
    plan = chosen.plan(n, lambda: given)
    steps = python_steps(transform, native, alone=pack.n_parts == 1)
    return SampleLoader(Recipe(backend, tuple(columns), pack, chosen.engine(), names, steps, "images"), plan)


def encoded(images: Any, offsets: ArrayLike | None = None, names: Iterable[Any] | None = None) -> EncodedSamples:
    """Return encoded images that are in memory, as data for `images` and for its `masks`.

    Args:
        images: A list of `bytes` (or other contiguous buffers), each the content of an image file; or, with `offsets`,
            one block that holds them one after another: `bytes`, a uint8 array, an `np.memmap`. A block is not copied.
        offsets: Integers of shape (n + 1,): image i is `images[offsets[i]:offsets[i + 1]]`.
        names: One per image, for messages; None: messages give the image's number.

    Returns:
        A source of n samples.

    Raises:
        TypeError: An image that is not bytes, offsets that are not integers in one dimension.
        ValueError: No images, offsets that fall or lie outside the block, names of another number.

    Example:
        >>> import fastbatch as fb
        >>> image = open("photos/cat/0.jpg", "rb").read()
        >>> x, y = next(iter(fb.images(fb.encoded([image, image]), [0, 1], size=64)))
        >>> x.shape, y.tolist()
        ((2, 3, 64, 64), [0, 1])

    Source: `csrc/source/encoded_samples.h`.
    """
    return make_encoded(images, offsets, names)


def _is_infer(labels: Any) -> bool:
    return isinstance(labels, str) and labels == "infer"


def _files(
    backend: Backend, data: Any, labels: Any, root: Any, names: tuple[str, ...] | None, index_cache: bool
) -> ImageFiles:
    """Return the samples behind the first argument of `images`."""
    if isinstance(data, EncodedSamples):
        if root is not None:
            raise ValueError("root: only valid with a list of paths")
        return ImageFiles(data)
    return list_images(
        data, _is_infer(labels), root=root, class_names=names, scan=backend.scan_folder, index_cache=index_cache
    )


def _moving_columns(backend: Backend, pictures: Column, n: int, options: ImageOptions) -> list[Column]:
    """Return the hidden columns that boxes and points are moved by: the sample's index and its matrix."""
    return [column_of(backend, Field(np.arange(n))), backend.matrix_column(pictures, options)]


def _names(class_names: Sequence[str]) -> tuple[str, ...]:
    names = tuple(listed("class_names", class_names, "strings"))
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"class_names: expected strings, found {shown(class_names)}")
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"class_names: expected different names, found {shown(class_names)}")
    return names
