# SPDX-License-Identifier: MIT
"""Batches from the image files listed in a pandas data frame. pandas itself is not imported."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from .config import say
from .file_iterator import FileIterator

WITHOUT_CLASSES = ("input", "multi_output", "raw", None)


def validate_filename(filename: str, white_list_formats: str | tuple[str, ...]) -> bool:
    """Return whether a path is an existing file with one of some extensions.

    Args:
        filename: The path.
        white_list_formats: The extensions in lower case: a tuple of `str`, or one.

    Returns:
        True for such a file.

    Raises:
        TypeError: The extensions are a list or a set.

    Example:
        >>> from fastbatch.keras import validate_filename
        >>> validate_filename("images/0.jpg", ("png", "jpg")), validate_filename("images/none.jpg", "jpg")
        (True, False)

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """
    return filename.lower().endswith(white_list_formats) and os.path.isfile(filename)


class DataFrameIterator(FileIterator):
    """Endless batches of the image files that are listed in a pandas data frame.

    Args:
        dataframe: The data frame.
        directory: Folder that the names are relative to; None: they are whole paths.
        image_data_generator: The `ImageDataGenerator` that changes the images.
        x_col: Column of the file names.
        y_col: Column of the labels, or a list of columns for class_mode="multi_output".
        weight_col: Column of the sample weights; None: no weights.
        target_size, color_mode: As for `DirectoryIterator`.
        classes: Names in the order of their numbers; rows of other classes are dropped. None: all, sorted.
        class_mode: Labels: "categorical" (one-hot), "binary", "sparse" (numbers), "input" (the images themselves),
            "raw" (the values of `y_col`), "multi_output" (a list of them), or None.
        batch_size, shuffle, seed, data_format, save_to_dir, save_prefix, save_format: As for `DirectoryIterator`.
        subset: "training" or "validation" part of the rows, by the generator's `validation_split`; None: all.
        interpolation, keep_aspect_ratio, dtype: As for `DirectoryIterator`.
        validate_filenames: Drop names that are not image files, with a warning.

    Raises:
        ValueError: An unknown class mode, color mode or subset; not two classes for "binary".
        TypeError: A column has values of another type than the class mode needs.
        OSError: By `next()`: a file cannot be read or decoded.

    Example:
        >>> import pandas as pd
        >>> from fastbatch.keras import DataFrameIterator, ImageDataGenerator
        >>> frame = pd.read_csv("labels.csv")
        >>> batches = DataFrameIterator(frame, ".", ImageDataGenerator(), x_col="file", target_size=(64, 64))
        Found 96 validated image filenames belonging to 3 classes.
        >>> x, y = next(batches)
        >>> x.shape, y.shape
        ((32, 64, 64, 3), (32, 3))

    Source: Keras's `keras/src/legacy/preprocessing/image.py`.
    """

    allowed_class_modes = frozenset({"binary", "categorical", "input", "multi_output", "raw", "sparse", None})

    def __init__(
        self,
        dataframe: Any,
        directory: Any = None,
        image_data_generator: Any = None,
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
        data_format: str = "channels_last",
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = "float32",
        validate_filenames: bool = True,
    ) -> None:
        self.set_processing_attrs(
            image_data_generator,
            target_size,
            color_mode,
            data_format,
            save_to_dir,
            save_prefix,
            save_format,
            subset,
            interpolation,
            keep_aspect_ratio,
        )
        df = dataframe.copy()
        self.directory = directory or ""
        self.class_mode = class_mode
        self.dtype = dtype
        self._check_params(df, x_col, y_col, weight_col, classes)
        if validate_filenames:
            df = self._with_files(df, x_col)
        has_classes = class_mode not in WITHOUT_CLASSES
        if has_classes:
            df, classes = _with_classes(df, y_col, classes)
            self.class_indices = dict(zip(classes, range(len(classes)), strict=True))
        if self.split:
            start, stop = (int(part * len(df)) for part in self.split)
            df = df.iloc[start:stop, :]
        if has_classes:
            self.classes = [self._numbers(label) for label in df[y_col]]
        self.filenames = df[x_col].tolist()
        self._sample_weight = df[weight_col].values if weight_col else None
        if class_mode == "multi_output":
            self._targets = [np.array(df[column].tolist()) for column in y_col]
        if class_mode == "raw":
            self._targets = df[y_col].values
        self.samples = len(self.filenames)
        kind = "validated" if validate_filenames else "non-validated"
        belonging = f" belonging to {len(classes)} classes" if has_classes else ""
        say(f"Found {self.samples} {kind} image filenames{belonging}.")
        self._filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def filepaths(self) -> list[str]:
        """Paths of all files."""
        return self._filepaths

    @property
    def labels(self) -> Any:
        """The label of each file: class numbers, or the values of the columns."""
        return self._targets if self.class_mode in ("multi_output", "raw") else self.classes

    @property
    def sample_weight(self) -> Any:
        """The weight of each file, or None."""
        return self._sample_weight

    def _check_params(self, df: Any, x_col: str, y_col: Any, weight_col: str | None, classes: Any) -> None:
        mode = self.class_mode
        if mode not in self.allowed_class_modes:
            expected = ", ".join(sorted(map(repr, self.allowed_class_modes)))
            raise ValueError(f"Invalid class_mode: {mode}; expected one of: {expected}")
        if mode == "multi_output" and not isinstance(y_col, list):
            raise TypeError(f'If class_mode="{mode}", y_col must be a list. Received {type(y_col).__name__}.')
        # The calls of pandas are Keras's, so that a list of columns or an empty frame has the same outcome.
        if not all(df[x_col].apply(lambda name: isinstance(name, str))):
            raise TypeError(f"All values in column x_col={x_col} must be strings.")
        if mode in ("binary", "sparse") and not all(df[y_col].apply(lambda label: isinstance(label, str))):
            raise TypeError(f'If class_mode="{mode}", y_col="{y_col}" column values must be strings.')
        if mode == "binary":
            of_two = f'If class_mode="{mode}" there must be 2 classes.'
            if classes:
                if len(set(classes)) != 2:
                    raise ValueError(f"{of_two} {len(set(classes))} class/es were given.")
            elif df[y_col].nunique() != 2:
                raise ValueError(f"{of_two} Found {df[y_col].nunique()} classes.")
        if mode == "categorical" and not all(df[y_col].apply(lambda label: isinstance(label, (str, list, tuple)))):
            raise TypeError(
                f'If class_mode="{mode}", y_col="{y_col}" column values must be type string, list or tuple.'
            )
        if classes and mode in WITHOUT_CLASSES:
            warnings.warn(f'`classes` will be ignored given the class_mode="{mode}"', stacklevel=3)
        if weight_col and not issubclass(df[weight_col].dtype.type, np.number):
            raise TypeError(f"Column weight_col={weight_col} must be numeric.")

    def _with_files(self, df: Any, x_col: str) -> Any:
        paths = df[x_col].map(lambda name: os.path.join(self.directory, name))
        is_image = paths.apply(validate_filename, args=(self.white_list_formats,))
        n_invalid = (~is_image).sum()
        if n_invalid:
            warnings.warn(
                f'Found {n_invalid} invalid image filename(s) in x_col="{x_col}". These filename(s) will be ignored.',
                stacklevel=4,
            )
        return df[is_image]

    def _numbers(self, label: Any) -> Any:
        if isinstance(label, (list, tuple)):
            return [self.class_indices[one] for one in label]
        return self.class_indices[label]


def _with_classes(df: Any, y_col: Any, classes: Any) -> tuple[Any, list[Any]]:
    """Return the rows with at least one label (in `classes`, if given), and the classes in order."""
    df = df.copy()
    if classes:
        names = list(dict.fromkeys(classes))
        df[y_col] = df[y_col].apply(lambda labels: _kept(labels, names, y_col))
    else:
        found: set[Any] = set()
        for labels in df[y_col]:
            found.update(labels if isinstance(labels, (list, tuple)) else [labels])
        names = sorted(found)
    return df.dropna(subset=[y_col]), names


def _kept(labels: Any, names: list[Any], y_col: Any) -> Any:
    if isinstance(labels, (list, tuple)):
        return [label for label in labels if label in names] or None
    if isinstance(labels, str):
        return labels if labels in names else None
    raise TypeError(f"Expect string, list or tuple but found {type(labels)} in {y_col} column ")
