# SPDX-License-Identifier: MIT
"""`images`: a loader over image files, their labels, masks, boxes and keypoints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastbatch.batch.column import Column
from fastbatch.calls import takes
from fastbatch.checks import flag, listed, shown
from fastbatch.decode.annotations import PackPairs, make_moved, mask_options, mask_samples
from fastbatch.decode.augment import Augment
from fastbatch.decode.conversion import Field, Numbers
from fastbatch.decode.image_limits import SEEK_INDEX_BYTES
from fastbatch.decode.image_options import ImageOptions, make_image_options
from fastbatch.decode.labels import make_labels
from fastbatch.decode.transform import native_transform
from fastbatch.loader.engine import Recipe
from fastbatch.loader.first_part import python_steps
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.source.image_folder import expanded
from fastbatch.source.samples import EncodedSamples, make_encoded

from .arrays import column_of, numbers_column
from .backend import Backend
from .image_data import ImageData, open_images
from .table import in_blocks

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
    column: str | None = None,
    index_cache: bool = True,
    memory_bytes: SupportsIndex | None = None,
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
    channels: int | None = None,
    depth: Literal[8, 16] | None = None,
    exif: Literal["ignore", "apply"] = "ignore",
    exact: bool = False,
    dct_scale: bool = True,
    max_pixels: int | None = None,
    on_truncated: Literal["raise", "fill"] = "raise",
    seek_index_bytes: int = SEEK_INDEX_BYTES,
    augment: Augment | None = None,
    dtype: DTypeLike = "float32",
    layout: Literal["NCHW", "NHWC"] = "NCHW",
    scale: Numbers | None = None,
    mean: Numbers | None = None,
    std: Numbers | None = None,
    transform: Any = None,
    **options: Unpack[LoaderKeywords],
) -> SampleLoader:
    """Return a loader over image files: batches `(x, y)`, or x alone without labels.

    Masks, boxes and keypoints follow in this order: `(x, y, masks, boxes, keypoints)`, each if it is given. Random
    draws for a sample depend only on the seed, the epoch and the sample's index.

    Args:
        root_or_paths: A folder with one sub-folder per class (searched recursively, in sorted order); or paths as a
            list, an array, a column of a data frame, or a pattern with `*`, `?` or `[` (sorted); or the same in a
            store: `s3://bucket/photos` (`docs/stores.md`); or images in memory: `encoded([...])`; or tar archives, as
            of WebDataset: a path that ends in .tar, a pattern, `"shards/{000..099}.tar"`, or a list. Members of one
            name up to its first dot are one sample. Nothing is unpacked. Or a table with a column of images: see
            `table`.
        labels: "infer": the number of the sub-folder in sorted order; no labels for paths. None: no labels.
            Otherwise one label per file, in the order of the paths: numbers, strings (numbered in sorted order), rows
            of numbers, or lists of strings for files of several classes (rows of 0 and 1). `image_table` reads paths
            and labels from a CSV file. For tar archives: "infer": the `.cls` members, if there are any; ".txt",
            ".json:label": the members with this extension, or a field of them; or a function of a sample, which is a
            mapping from extensions to bytes with a `key`.
        label_mode: "int" (int64), "one_hot", "float" or "multi_label" (all float32); None: chosen by the labels.
        class_names: The classes in the order of their numbers, instead of in sorted order.
        root: Folder, here or in a store, that the paths of a list are relative to.
        column: Extension of the images in tar archives whose samples have several, such as "jpg".
        index_cache: Store the listing of a folder of more than 1,000 images, or of an archive of as many members, in
            the user's cache folder. Sub-folders and archives that changed are listed again; see
            `src/fastbatch/source/folder_index.py`.
        memory_bytes: For Parquet files that are larger than memory, as in `table`: as many bytes of row groups are kept
            in memory, and one more for each thread while it is read. `shuffle="block"` permutes the row groups, and
            shuffles the images of each `window` groups together. Labels are read into memory. Images are not drawn by
            weight, selected or split at random.

        masks: One mask file per image; or a folder with one mask of the same name (except for the extension) per image,
            or of this name and `_mask` ("7_mask.png" of "7.jpg");
            or, in tar archives, the extension of the masks: ".seg.png".
            Palette images give their indices, grayscale images their levels, black-and-white images 0 and 1. Masks are
            cropped, resized and flipped like their images, with nearest-neighbour sampling; (batch, height, width).
        mask_dtype: Type of the masks. Those of 16 and of 32 bits need a type that holds all of their values. TIFF files
            of more than 8 bits are read by tifffile.
        mask_pad_value: Value of mask pixels outside of the image: an integer that `mask_dtype` holds.
        boxes: One array per image with rows x0, y0, x1, y1, ..., in pixels of the stored file; or None for an image
            without boxes. Further columns are kept. Boxes are moved with their image and clipped; a batch has a list of
            float32 arrays.
        min_box_area: Drop boxes whose area after clipping, in pixels of the batch's image, is not above this; None
            keeps all.
        keypoints: One array per image with rows x, y, ..., or None. They are moved with their image, but not clipped.

        size: (height, width) of the batch's images in pixels, or one number for both.
        crop: How an image is fitted to `size`.

            - "none" or "stretch": the whole image is resized; its aspect ratio may change.
            - "center": the shorter side is resized to `resize` (default: the larger number of `size`), and the centre
              is cropped: torchvision's Resize and CenterCrop.
            - "random": the same with a random position of the crop. Without `resize` the crop is cut from the image at
              its original size (torchvision's RandomCrop); a smaller image is placed at a random position among
              `pad_value`.
            - "random_resized": a crop of random area, aspect ratio and position is resized: torchvision's
              RandomResizedCrop.
            - "pad": the whole image is resized with its aspect ratio kept, centred on `pad_value`: Pillow's
              ImageOps.pad.

        resize: Length of the shorter side before the crop; only valid with crop="center" and crop="random".
        crop_scale, crop_ratio: Range of the area (as a share of the image) and of the aspect ratio (width / height) of
            "random_resized".
        pad_value: 0 to 255, one number or one per channel.
        filter: Resampling filter. All but "nearest" are antialiased.
        flip, vertical_flip: Mirror half of the samples left-right, or top-bottom, drawn anew in each epoch.

        color: "rgb", "rgba" or "grayscale"; converted as by Pillow.
        channels: Number of channels, in place of `color`: the file's own are taken, as of satellite or microscope
            images. A file with another number of channels is an error. The type must be a float or uint16.
        depth: Bits of a pixel's channels before `scale`. 16: 0 to 65535; values of 8-bit files are multiplied by 257.
            8: 0 to 255; files of more bits are reduced as by Pillow, which clips gray to 255. None: 16 for uint16; for
            other integers 8, but files that would be clipped are an error; for floats, all bits of each file, in units
            of 8 bits. TIFF files of more than 8 bits are read by tifffile; floats and other types keep their values.
        exif: "ignore" the orientation that cameras store in the file, as Pillow, torchvision and Keras do, or "apply"
            it before everything else.
        exact: True gives exactly the pixels of Pillow's `image.convert(mode).crop(box).resize(size, filter)`. False
            decodes only the needed part, which is faster; bytes near edges may differ. `fastbatch.pure` is always
            exact.
        dct_scale: Unless `exact`, let the codec reduce large photographs while it decodes.
        max_pixels: Refuse larger images; None: 178,956,970 pixels, Pillow's limit.
        on_truncated: "fill": truncated and damaged images, and masks, get the pixels that Pillow gives with
            LOAD_TRUNCATED_IMAGES; what is missing is gray or black. It needs Pillow. `report()` lists them, and
            `stats()["filled"]` counts them. "raise": they are errors, which `on_error` handles.
        seek_index_bytes: Memory for an index of JPEGs (64 MiB), unless `exact`: the first time that a part of a file is
            decoded, it notes where the rows of the file begin, and later parts are read from there. 0: no index. The
            images are the same.
        augment: Random changes of the pixels (rotation, colours, erasing, ...): an `Augment`.

        dtype: Type of x.
        layout: "NCHW" for x of shape (batch, channels, height, width), "NHWC" for (batch, height, width, channels).
        scale, mean, std: Conversion `(x * scale - mean) / std`, one number or one per channel. None: scale is 1/255 for
            float types, 1/65535 for pixels of 16 bits, which gives [0, 1]; none for files of floats.
        transform: Function of one image in its final shape and type: see `arrays`.
        batch_size: Images in a batch (32); the last batch may be smaller.
        shuffle: True for a new random order in each epoch.
        seed: Together with the epoch, determines the order and all random draws.
        drop_last: Omit a smaller last batch.
        shard: `(rank, world_size)`: every world_size-th image of the shuffled order, starting at `rank`.
        weights, balance: Draw images by weight, or (`balance="classes"`) so that all labels are equally likely.
        on_error: "raise", "skip" or "replace": the handling of files that cannot be read or decoded.
        threads: Worker threads; None: the CPUs available to this process.
        options: Remaining options: see `LoaderOptions` (`fastbatch.loader.options`).

    Returns:
        A loader; its `class_names` are the names of the labels 0, 1, ..., or None.

    Raises:
        ValueError: A folder without images, missing labels or labels of another number, or an option out of range.
        TypeError: Paths, labels or options of another type.
        OSError: The folder cannot be read.
        OSError, DecodeError: By `next()`: a file cannot be read or decoded.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.images("photos/train", size=64, crop="center", flip=True, batch_size=8, shuffle=True, seed=1)
        >>> loader.class_names
        ('cat', 'dog', 'owl')
        >>> x, y = next(iter(loader))
        >>> x.shape, x.dtype, y.dtype
        ((8, 3, 64, 64), dtype('float32'), dtype('int64'))

    Source: `csrc/decode/image_decoder.cpp`, `csrc/image/`, `csrc/codecs/`.
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
        on_truncated=on_truncated,
        augment=augment,
        seek_index_bytes=seek_index_bytes,
        depth=depth,
        channels=channels,
    )
    wanted_masks = mask_options(wanted, mask_dtype, mask_pad_value)
    flag("index_cache", index_cache)
    root_or_paths = expanded(root_or_paths, root)
    names = None if class_names is None else _names(class_names)
    opened = open_images(backend, root_or_paths, labels, masks, column, root, names, index_cache, memory_bytes)
    samples, n = opened.samples, len(opened.samples)
    if n == 0:
        raise ValueError("images: expected at least one path, found none")
    pictures = backend.image_column(samples, wanted)
    native = None if transform is None else native_transform(transform)
    columns = [pictures if native is None else backend.transform_column(pictures, native)]
    given = opened.labels
    label_values = None
    if given is not None:
        made = make_labels(given, n, label_mode, opened.class_names or names)
        names, label_values = made.class_names, made.values
        columns.append(column_of(backend, Field(made.values)))
    elif label_mode is not None:
        raise ValueError("label_mode: there are no labels")
    if opened.masks is not None:
        folder = root_or_paths if isinstance(root_or_paths, str | bytes | os.PathLike) else root
        of_masks = mask_samples(opened.masks, samples, folder)
        columns.append(backend.mask_column(pictures, of_masks, wanted_masks))
    moved = make_moved(n, wanted, boxes, min_box_area, keypoints)
    chosen = _loader_options(opened, options)
    has_index = flag("with_index", chosen.with_index)
    pack = PackPairs(len(columns), moved, has_index)
    if moved:
        if transform is not None and native is None:
            raise ValueError("transform: boxes and keypoints differ in shape; use `Loader.map` instead")
        columns += _moving_columns(backend, pictures, n, wanted)
    index_column = partial(numbers_column, backend) if has_index else None
    if index_column is not None:
        columns.append(index_column(np.arange(n)))
    plan = chosen.plan(n, lambda: given, opened.blocks)
    steps = python_steps(transform, native, alone=pack.n_parts == 1)
    recipe = Recipe(backend, tuple(columns), pack, chosen.engine(), names, steps, "images", files=samples)
    return SampleLoader(replace(recipe, labels=label_values, index_column=index_column), plan)


def _loader_options(opened: ImageData, options: LoaderKeywords) -> LoaderOptions:
    chosen = LoaderOptions(**options)
    return chosen if opened.blocks is None else in_blocks(chosen, opened.window, "window" in options)


def encoded(images: Any, offsets: ArrayLike | None = None, names: Iterable[Any] | None = None) -> EncodedSamples:
    """Return encoded images in memory as data for `images` and for its `masks`.

    Args:
        images: A list of `bytes` (or other contiguous buffers), each the content of an image file; or, with `offsets`,
            one block that holds them one after another: `bytes`, a uint8 array, an `np.memmap`. A block is not copied.
        offsets: Integers of shape (n + 1,): image i is `images[offsets[i]:offsets[i + 1]]`.
        names: One name per image, for messages; None: messages give the image's number.

    Returns:
        A source of n samples.

    Raises:
        TypeError: An image that is not bytes, or offsets that are not integers in one dimension.
        ValueError: No images, offsets that decrease or lie outside the block, or a wrong number of names.

    Example:
        >>> import fastbatch as fb
        >>> with open("images/0.jpg", "rb") as file:
        ...     image = file.read()
        >>> x, y = next(iter(fb.images(fb.encoded([image, image]), [0, 1], size=64)))
        >>> x.shape, y.tolist()
        ((2, 3, 64, 64), [0, 1])

    Source: `csrc/source/encoded_samples.h`.
    """
    return make_encoded(images, offsets, names)


def _moving_columns(backend: Backend, pictures: Column, n: int, options: ImageOptions) -> list[Column]:
    """Return the internal columns for boxes and keypoints: the sample's index and its affine matrix."""
    return [column_of(backend, Field(np.arange(n))), backend.matrix_column(pictures, options)]


def _names(class_names: Sequence[str]) -> tuple[str, ...]:
    names = tuple(listed("class_names", class_names, "strings"))
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"class_names: expected strings, found {shown(class_names)}")
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"class_names: expected different names, found {shown(class_names)}")
    return names
