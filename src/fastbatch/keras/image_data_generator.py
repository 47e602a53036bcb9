# SPDX-License-Identifier: MIT
"""Keras's ImageDataGenerator: random augmentation of images."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from fastbatch.checks import shown

from .array_iterator import NumpyArrayIterator
from .config import DATA_FORMATS, floatx, image_data_format
from .dataframe_iterator import DataFrameIterator
from .directory_iterator import DirectoryIterator
from .draws import Parameters, draw, zoom_factors
from .image_utils import Array
from .transforms import apply_affine_transform, apply_brightness_shift, apply_channel_shift


class ImageDataGenerator:
    """Batches of images with random changes: Keras's class, with its arguments, draws and pixels.

    Parameters are drawn from NumPy's global generator, in Keras's order, when a batch is requested.

    Args:
        featurewise_center, featurewise_std_normalization, zca_whitening: Use statistics of all data: call `fit` first.
        samplewise_center, samplewise_std_normalization: Scale each image to mean 0, and to standard deviation 1.
        zca_epsilon: Added to the singular values in ZCA whitening.
        rotation_range, shear_range: Largest angle in degrees, in both directions.
        width_shift_range, height_shift_range: In both directions, a float below 1: share of the image; a float from 1:
            pixels; an integer k: 0 to k - 1 pixels; a list: one of its numbers. As in Keras, `height_shift_range`
            shifts horizontally and `width_shift_range` vertically.
        brightness_range: (lowest, highest) factor; None changes nothing.
        zoom_range: (lowest, highest) factor, or z for (1 - z, 1 + z); below 1 magnifies, above 1 shrinks.
        channel_shift_range: Largest number added to all pixels, in both directions.
        fill_mode, cval: Pixels outside of the image: "nearest", "constant" (`cval`), "reflect" or "wrap".
        horizontal_flip, vertical_flip: Mirror half of the images.
        rescale: Factor, applied after all other changes except `preprocessing_function`.
        preprocessing_function: Called with each image, in order; returns an image of the same shape.
        data_format: "channels_last" or "channels_first"; None: Keras's setting.
        validation_split: Share of the data, from the start, for subset="validation".
        interpolation_order: Order of the spline, 0 to 5.
        dtype: Type of the batches; None: Keras's float type.

    Raises:
        ValueError: An argument out of range.

    Example:
        >>> from fastbatch.keras import ImageDataGenerator
        >>> augmented = ImageDataGenerator(rotation_range=20, horizontal_flip=True, rescale=1 / 255)
        >>> x, y = next(augmented.flow_from_directory("photos/train", target_size=(64, 64), seed=1))
        Found 96 images belonging to 3 classes.
        >>> x.shape, y.shape
        ((32, 64, 64, 3), (32, 3))

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Array], Array] | None = None,
        data_format: str | None = None,
        validation_split: float | None = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.brightness_range = brightness_range
        self.shear_range = shear_range
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.interpolation_order = interpolation_order
        self.dtype = floatx() if dtype is None else dtype
        self.data_format = image_data_format() if data_format is None else data_format
        if self.data_format not in DATA_FORMATS:
            raise ValueError(
                f'`data_format`: expected "channels_last" or "channels_first", found {shown(self.data_format)}'
            )
        is_last = self.data_format == "channels_last"
        self.row_axis, self.col_axis, self.channel_axis = (1, 2, 3) if is_last else (2, 3, 1)
        if validation_split and not 0 < validation_split < 1:
            found = shown(validation_split)
            raise ValueError(f"`validation_split`: expected a number strictly between 0 and 1, found {found}")
        self._validation_split = validation_split
        self.zoom_range = zoom_factors(zoom_range)
        if brightness_range is not None and not (
            isinstance(brightness_range, (tuple, list)) and len(brightness_range) == 2
        ):
            raise ValueError(
                f"`brightness_range`: expected a tuple or list of two floats, found {shown(brightness_range)}"
            )
        self.mean: Array | None = None
        self.std: Array | None = None
        self.zca_whitening_matrix: Array | None = None
        self._complete_options()

    def _complete_options(self) -> None:
        """Set options that other options require, with a warning."""
        center, std = self.featurewise_center, self.featurewise_std_normalization

        def turn(name: str, value: bool, reason: str) -> None:
            setattr(self, name, value)
            warnings.warn(
                f"This ImageDataGenerator specifies `{reason}`, which overrides setting of `{name}`.", stacklevel=4
            )

        if self.zca_whitening:
            if not center:
                turn("featurewise_center", True, "zca_whitening")
            if std:
                turn("featurewise_std_normalization", False, "zca_whitening")
        if std and not center:
            turn("featurewise_center", True, "featurewise_std_normalization")
        if self.samplewise_std_normalization and not self.samplewise_center:
            turn("samplewise_center", True, "samplewise_std_normalization")

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Return endless batches of arrays; arguments as for `NumpyArrayIterator`."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            ignore_class_split=ignore_class_split,
            dtype=self.dtype,
        )

    def flow_from_directory(
        self,
        directory: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Return endless batches of a folder with a sub-folder per class; arguments as for `DirectoryIterator`."""
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
            dtype=self.dtype,
        )

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        **kwargs: Any,
    ) -> DataFrameIterator:
        """Return endless batches of the files in a pandas data frame; arguments as for `DataFrameIterator`."""
        for name, instead in (
            ("has_ext", "name the files in the dataframe as they are on disk"),
            ("sort", "batches come in the order of the dataframe with `shuffle=False`"),
            ("drop_duplicates", "use `pandas.DataFrame.drop_duplicates`"),
        ):
            if name in kwargs:
                warnings.warn(f"{name} is deprecated: {instead}.", DeprecationWarning, stacklevel=2)
        if class_mode == "other":
            warnings.warn(
                '`class_mode="other"` is deprecated, use `class_mode="raw"`.', DeprecationWarning, stacklevel=2
            )
            class_mode = "raw"
        return DataFrameIterator(
            dataframe,
            directory,
            self,
            x_col=x_col,
            y_col=y_col,
            weight_col=weight_col,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            data_format=self.data_format,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
            dtype=self.dtype,
            validate_filenames=validate_filenames,
        )

    def get_random_transform(self, img_shape: tuple[int, ...], seed: int | None = None) -> Parameters:
        """Return random parameters for one image of this shape; `seed` seeds NumPy's global generator first."""
        if seed is not None:
            np.random.seed(seed)
        return draw(self, img_shape[self.row_axis - 1], img_shape[self.col_axis - 1])

    def apply_transform(self, x: Array, transform_parameters: Parameters) -> Array:
        """Return an image changed by some of the parameters of `get_random_transform`."""
        given = transform_parameters
        moved = {name: given.get(name, 0) for name in ("theta", "tx", "ty", "shear")}
        moved |= {name: given.get(name, 1) for name in ("zx", "zy")}
        rows, columns, channels = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        x = apply_affine_transform(
            x,
            **moved,
            row_axis=rows,
            col_axis=columns,
            channel_axis=channels,
            fill_mode=self.fill_mode,
            cval=self.cval,
            order=self.interpolation_order,
        )
        if given.get("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given["channel_shift_intensity"], channels)
        if given.get("flip_horizontal", False):
            x = np.flip(x, columns)
        if given.get("flip_vertical", False):
            x = np.flip(x, rows)
        if given.get("brightness") is not None:
            x = apply_brightness_shift(x, given["brightness"], False)
        return x

    def random_transform(self, x: Array, seed: int | None = None) -> Array:
        """Return an image with random changes."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def standardize(self, x: Array) -> Array:
        """Return an image, or a batch, rescaled and standardized as the options say; in place if possible."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + 1e-6
        if self.featurewise_center:
            if self.mean is not None:
                x -= self.mean
            else:
                _warn_unfitted("featurewise_center")
        if self.featurewise_std_normalization:
            if self.std is not None:
                x /= self.std + 1e-6
            else:
                _warn_unfitted("featurewise_std_normalization")
        if self.zca_whitening:
            if self.zca_whitening_matrix is not None:
                flat = x.reshape(-1, math.prod(x.shape[-3:]))
                x = np.reshape(flat @ self.zca_whitening_matrix, x.shape)
            else:
                _warn_unfitted("zca_whitening")
        return x

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Compute the statistics for the featurewise options and ZCA whitening.

        Args:
            x: Images, 4 dimensions.
            augment, rounds: Use randomly changed images, `rounds` times the data.
            seed: Seed of NumPy's global generator.

        Raises:
            ValueError: Not 4 dimensions.
        """
        images = np.array(x, dtype=self.dtype)
        if images.ndim != 4:
            raise ValueError(f"`fit()`: expected images of 4 dimensions together, found shape {images.shape}")
        channels = images.shape[self.channel_axis]
        if channels not in (1, 3, 4):
            warnings.warn(
                f'Expected 1, 3 or 4 channels on axis {self.channel_axis} ("{self.data_format}"), found {channels}: '
                f"the array's shape is {images.shape}.",
                stacklevel=2,
            )
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            images *= self.rescale
        if augment:
            changed = np.zeros((rounds * len(images), *images.shape[1:]), dtype=self.dtype)
            for i in range(len(changed)):
                changed[i] = self.random_transform(images[i % len(images)])
            images = changed
        over = (0, self.row_axis, self.col_axis)
        shape = [1, 1, 1]
        shape[self.channel_axis - 1] = channels
        if self.featurewise_center:
            self.mean = np.reshape(np.mean(images, axis=over), shape)
            images -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.reshape(np.std(images, axis=over), shape)
            images /= self.std + 1e-6
        if self.zca_whitening:
            flat = np.reshape(images, (len(images), -1))
            u, s, _ = np.linalg.svd(flat.T, full_matrices=False)
            self.zca_whitening_matrix = (u * (np.sqrt(len(images)) / (s + self.zca_epsilon))).dot(u.T)


def _warn_unfitted(option: str) -> None:
    warnings.warn(
        f"This ImageDataGenerator specifies `{option}`, but it hasn't been fit on any training data. "
        "Fit it first by calling `.fit(numpy_data)`.",
        stacklevel=3,
    )
