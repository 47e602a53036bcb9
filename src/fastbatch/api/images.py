# SPDX-License-Identifier: MIT
"""Loaders over image files: which files, what becomes of them, and their labels."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

from fastbatch.batch.column import Column
from fastbatch.decode.annotations import PackPairs, make_moved, mask_options, mask_paths
from fastbatch.decode.augment import Augment
from fastbatch.decode.conversion import Field, Numbers
from fastbatch.decode.image_options import ImageOptions, make_image_options
from fastbatch.decode.labels import make_labels
from fastbatch.decode.transform import native_transform
from fastbatch.generators.time_series_dataset import SequenceSurface
from fastbatch.loader.engine import Recipe
from fastbatch.loader.loader import Loader
from fastbatch.plan.plan import make_plan
from fastbatch.plan.sampling import make_draw
from fastbatch.source.image_folder import list_images

from .arrays import engine_options, python_steps


class ImageSurface(SequenceSurface):
    """A surface that serves image files too."""

    @abstractmethod
    def image_column(self, paths: Sequence[bytes], options: ImageOptions) -> Column: ...

    @abstractmethod
    def matrix_column(self, images: Any, options: ImageOptions) -> Column:
        """Return the matrices of the images in a column."""

    @abstractmethod
    def mask_column(self, images: Any, paths: Sequence[bytes], options: ImageOptions) -> Column:
        """Return the masks of the images in a column."""

    @abstractmethod
    def scan_folder(self, path: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
        """Return the names of the images, the folders and the other links in a folder."""

    def images(
        self,
        root_or_paths: Any,
        labels: Any = "infer",
        *,
        label_mode: str | None = None,
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
        crop: str = "none",
        resize: int | None = None,
        crop_scale: tuple[float, float] = (0.08, 1.0),
        crop_ratio: tuple[float, float] = (3 / 4, 4 / 3),
        pad_value: int | Sequence[int] = 0,
        filter: str = "bilinear",
        flip: bool = False,
        vertical_flip: bool = False,
        color: str = "rgb",
        exif: str = "ignore",
        exact: bool = False,
        dct_scale: bool = True,
        max_pixels: int | None = None,
        augment: Augment | None = None,
        dtype: DTypeLike = "float32",
        layout: str = "NCHW",
        scale: Numbers | None = None,
        mean: Numbers | None = None,
        std: Numbers | None = None,
        transform: Any = None,
        weights: Any = None,
        balance: Any = None,
        replacement: bool = True,
        samples_per_epoch: SupportsIndex | None = None,
        batch_size: int = 32,
        shuffle: bool | str = False,
        seed: int = 0,
        drop_last: bool = False,
        shard: tuple[int, int] | None = None,
        tail: str = "pad",
        block_size: int = 4096,
        window: int = 16,
        on_error: str = "raise",
        max_bad: float | None = None,
        threads: int | None = None,
        prefetch: int | None = None,
        prefetch_bytes: int | None = None,
    ) -> Loader:
        """Return a loader over image files: `(x, y)` with y int64, or x alone without labels.

        Masks, boxes and points follow, in this order: `(x, y, masks, boxes, keypoints)`, each if it is given.

        What is drawn for a sample depends on the seed, the epoch and its index alone.

        Args:
            root_or_paths: A folder with one sub-folder per class (searched recursively, in sorted order), or paths: a
                list, an array, a column of a data frame.
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
        options = make_image_options(
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
        infer = isinstance(labels, str) and labels == "infer"
        names = None if class_names is None else _names(class_names)
        files = list_images(
            root_or_paths, infer, root=root, class_names=names, scan=self.scan_folder, index_cache=index_cache
        )
        given = files.labels if infer else labels
        images = self.image_column(files.paths, options)
        native = None if transform is None else native_transform(transform)
        columns = [images if native is None else self.transform_column(images, native)]
        if given is not None:
            made = make_labels(given, len(files.paths), label_mode, files.class_names or names)
            names = made.class_names
            columns.append(self._column(Field(made.values)))
        elif label_mode is not None:
            raise ValueError("label_mode: there are no labels")
        if masks is not None:
            folder = root_or_paths if isinstance(root_or_paths, str | bytes | os.PathLike) else root
            paths = mask_paths(masks, files.paths, folder)
            columns.append(self.mask_column(images, paths, mask_options(options, mask_dtype, mask_pad_value)))
        moved = make_moved(len(files.paths), options, boxes, min_box_area, keypoints)
        pack = PackPairs(len(columns), moved)
        if moved:
            if transform is not None and native is None:
                raise ValueError("transform: boxes and keypoints differ in shape; use `Loader.map` instead")
            columns.append(self._column(Field(np.arange(len(files.paths)))))
            columns.append(self.matrix_column(images, options))
        plan = make_plan(
            len(files.paths),
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            shard=shard,
            tail=tail,
            block_size=block_size,
            window=window,
            on_error=on_error,
            max_bad=max_bad,
            draw=make_draw(len(files.paths), weights, balance, replacement, samples_per_epoch, lambda: given),
        )
        engine = engine_options(threads, prefetch, prefetch_bytes)
        steps = python_steps(transform, native, alone=pack.n_parts == 1)
        return Loader(Recipe(self, tuple(columns), pack, engine, names, steps), plan)


def _names(class_names: Sequence[str]) -> tuple[str, ...]:
    names = tuple(class_names)
    if isinstance(class_names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"class_names: expected strings, found {class_names!r}")
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"class_names: expected different names, found {class_names!r}")
    return names
