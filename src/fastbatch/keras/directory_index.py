# SPDX-License-Identifier: MIT
"""The files of a data set: Keras's directory listing, its shuffle of paths and labels, and its split."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import shown

from .config import say
from .image_utils import Array


@dataclass(frozen=True)
class Listing:
    """Files in order, with the label of each and the class names, if any."""

    paths: list[str]
    labels: Any
    class_names: list[str] | None

    def part(self, validation_split: float | None, subset: str | None) -> Listing:
        """Return the first files for "training" or the last ones for "validation", and print their number."""
        if not validation_split:
            return self
        n_held_out = int(validation_split * len(self.paths))
        is_training = subset == "training"
        say(f"Using {len(self.paths) - n_held_out if is_training else n_held_out} files for {subset}.")
        part = slice(None, -n_held_out) if is_training else slice(-n_held_out, None)
        return Listing(self.paths[part], None if self.labels is None else self.labels[part], self.class_names)


@dataclass(frozen=True)
class Request:
    """The checked arguments that image and text data sets share.

    Raises:
        ValueError: Arguments that contradict each other; the same ones as in Keras.
    """

    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Any
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    format: str
    verbose: bool

    def __post_init__(self) -> None:
        is_given = not (isinstance(self.labels, str) and self.labels == "inferred") and self.labels is not None
        if is_given and not isinstance(self.labels, (list, tuple)):
            raise ValueError(
                "`labels`: expected a list or tuple of integers, one for each file of the directory, "
                f'"inferred" for the names of the sub-folders, or None for no labels. Received: {shown(self.labels)}'
            )
        if is_given and self.class_names:
            raise ValueError(
                f'You can only pass `class_names` if `labels="inferred"`. Received: labels={shown(self.labels)}'
            )
        if self.label_mode not in ("int", "categorical", "binary", None):
            raise ValueError(
                f'`label_mode` must be one of "int", "categorical", "binary", or None. Received: {self.label_mode}'
            )
        if self.format not in ("tf", "grain"):
            raise ValueError(f'`format` should be either "tf" or "grain". Received: format={self.format}')
        split, subset = self.validation_split, self.subset
        if split and not 0 < split < 1:
            raise ValueError(f"`validation_split` must be between 0 and 1, received: {split}")
        if bool(split) != bool(subset):
            raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
        if subset not in ("training", "validation", "both", None):
            raise ValueError(f'`subset` must be either "training", "validation" or "both", received: {subset}')
        if split and self.shuffle and self.seed is None:
            raise ValueError(
                "If using `validation_split` and shuffling the data, you must provide a `seed` argument, "
                "to make sure that there is no overlap between the training and validation subset."
            )

    @property
    def has_labels(self) -> bool:
        """Whether batches have labels."""
        return self.labels is not None and self.label_mode is not None

    def listings(self, formats: tuple[str, ...], kind: str, seed: int) -> list[Listing]:
        """Return the data set; for `subset="both"`, the training and the validation set.

        Raises:
            ValueError: No files; the wrong number of labels; "binary" without exactly two classes.
        """
        found = self._listing(formats, seed)
        if self.has_labels and self.label_mode == "binary" and len(found.class_names or ()) != 2:
            raise ValueError(
                'When passing `label_mode="binary"`, there must be exactly 2 class_names. '
                f"Received: class_names={found.class_names}"
            )
        subsets = ["training", "validation"] if self.subset == "both" else [self.subset]
        parts = [found.part(self.validation_split, subset) for subset in subsets]
        for part, subset in zip(parts, subsets, strict=True):
            if not part.paths:
                which = f"{subset} " if self.subset == "both" else ""
                raise ValueError(f"No {which}{kind} found in directory {self.directory}. Allowed formats: {formats}")
        return parts

    def _listing(self, formats: tuple[str, ...], seed: int) -> Listing:
        directory = os.fspath(self.directory)
        labels = self.labels if self.has_labels else None
        is_inferred = isinstance(labels, str)
        names: list[str] = [""]
        if is_inferred:
            names = [name for name in sorted(os.listdir(directory)) if os.path.isdir(os.path.join(directory, name))]
            names = [name for name in names if not name.startswith(".")]
            if self.class_names is not None:
                if not set(self.class_names) <= set(names):
                    raise ValueError(
                        f"`class_names`: expected some of the sub-folders {names}, received: {self.class_names}"
                    )
                names = list(self.class_names)
        elif self.class_names is not None:
            raise ValueError("`class_names` is only valid with inferred labels.")
        paths: list[str] = []
        counts = []
        for name in names:
            before = len(paths)
            paths += _files(os.path.join(directory, name), formats, self.follow_links)
            counts.append(len(paths) - before)
        class_names: list[str] | None = names
        if is_inferred:
            labels = np.repeat(np.arange(len(names), dtype="int32"), counts)
        elif labels is None:
            class_names = None
        else:
            if len(labels) != len(paths):
                raise ValueError(
                    f"`labels`: expected one for each of the {len(paths)} files in {directory}, found {len(labels)}"
                )
            class_names = [str(label) for label in sorted(set(labels))]
            labels = list(labels)
        if self.verbose:
            belonging = "" if class_names is None else f" belonging to {len(class_names)} classes"
            say(f"Found {len(paths)} files{belonging}.")
        if self.shuffle:  # two generators with one seed keep paths and labels paired
            for values in (paths, labels):
                if values is not None:
                    np.random.RandomState(seed).shuffle(values)
        return Listing(paths, labels, class_names)


def label_column(labels: Any, label_mode: str | None, n_classes: int, format: str = "tf") -> Array:
    """Return the labels as Keras's batches have them.

    "binary": float32 of shape (n, 1). "categorical": one-hot float32. "int": with "grain" int32, where fractions are
    cut as in Keras; with "tf" the type that TensorFlow gives the list, int32 for integers.
    """
    if label_mode == "binary":
        return np.asarray(labels, dtype="float32")[:, np.newaxis]
    numbers = as_tensorflow(labels) if format == "tf" else np.asarray(labels, dtype="int32")
    if label_mode == "categorical" and numbers.dtype.kind not in "iu":
        raise TypeError(f'`label_mode="categorical"` expects integers as labels. Received: {numbers.dtype}')
    if label_mode == "categorical":
        one_hot: Array = (numbers[:, np.newaxis] == np.arange(n_classes)).astype("float32")
        return one_hot
    return numbers


def as_tensorflow(labels: Any) -> Array:
    """Return a list as an array of the type that `tf.constant` gives it."""
    numbers = np.asarray(labels)
    if numbers.dtype.kind == "b":
        return numbers
    if numbers.dtype.kind == "f":
        is_wide = any(isinstance(label, np.float64) for label in labels)  # Python's floats are float32 there
        return numbers.astype("float64" if is_wide else "float32")
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"`labels`: expected numbers. Received: {shown(labels)}")
    if numbers.size and (numbers.min() < -(2**31) or numbers.max() >= 2**31):
        return numbers.astype("int64")
    return numbers.astype("int32")


def _files(folder: str, formats: tuple[str, ...], follow_links: bool) -> list[str]:
    return [
        os.path.join(root, name)
        for root, _, files in sorted(os.walk(folder, followlinks=follow_links))
        for name in sorted(files)
        if name.lower().endswith(formats)
    ]
