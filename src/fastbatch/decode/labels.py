# SPDX-License-Identifier: MIT
"""Labels of image files: class numbers, names, or several classes per file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.batch.exact import exact_array
from fastbatch.checks import refuse_masked, refuse_unordered, shown
from fastbatch.mapped import elements

Array = np.ndarray[Any, Any]
MODES = ("int", "one_hot", "float", "multi_label")
Names = tuple[str, ...]


@dataclass(frozen=True)
class Labels:
    """One row per file, and the class names, if any."""

    values: Array
    class_names: Names | None


def make_labels(given: Any, n: int, mode: str | None, class_names: Names | None) -> Labels:
    """Return the labels of `n` files.

    Args:
        given: One label per file: numbers, strings, rows of numbers, or lists of strings (several classes each); as a
            list, an array, or anything NumPy can convert (a pandas Series).
        mode: "int" (int64 class numbers), "one_hot" (float32 rows with a single 1), "float" (float32 numbers), or
            "multi_label" (float32 rows of 0 and 1). None infers the mode from the labels.
        class_names: In the order of their numbers; None sorts the names that occur.

    Raises:
        TypeError: `given` is a single value.
        ValueError: The wrong number of labels; labels that are missing, unknown, or invalid for the mode.
    """
    if mode is not None and mode not in MODES:
        raise ValueError(f"label_mode: expected one of {', '.join(MODES)}, found {shown(mode)}")
    if not isinstance(given, Iterable) and not hasattr(given, "__array__"):
        raise TypeError(f"labels: expected one for each of {n} files, found {shown(given)}")
    rows = _rows(given)
    if len(rows) != n:
        raise ValueError(f"labels: expected one for each of {n} files, found {len(rows)}")
    if not isinstance(rows, np.ndarray):
        return _several(rows, mode, class_names)
    if rows.dtype.kind in "OSU":
        rows, class_names = _codes(rows.tolist(), class_names)
    _refuse_missing(rows)
    if rows.dtype.kind not in "iufb":
        raise ValueError(f"labels: expected numbers or strings, found elements of type {rows.dtype}")
    if mode is None:
        whole = rows.dtype.kind in "iub" and rows.ndim == 1
        return Labels(_class_numbers(rows, class_names) if whole else _plain(rows), class_names)
    if mode == "float":
        return Labels(rows.astype(np.float32), class_names)
    if mode == "multi_label":
        return Labels(_zeros_and_ones(rows, class_names), class_names)
    numbers = _class_numbers(rows, class_names)
    if mode == "int":
        return Labels(numbers, class_names)
    one_hot = np.zeros((len(numbers), _count(numbers, class_names)), np.float32)
    one_hot[np.arange(len(numbers)), numbers] = 1
    return Labels(one_hot, class_names)


def _rows(given: Any) -> Array | list[Any]:
    """Return labels as an array; as a list if they are lists of different lengths or of strings."""
    if isinstance(given, str | bytes | dict):
        raise ValueError(f"labels: expected 'infer', None or one label for each file, found {shown(given)}")
    refuse_masked("labels", given)
    refuse_unordered("labels", given)
    rows: Any = given if hasattr(given, "__array__") else list(given)
    if isinstance(rows, list) and any(isinstance(row, list | tuple | set | frozenset) for row in rows):
        several = [row for row in rows if isinstance(row, list | tuple | set | frozenset)]
        sizes = {len(row) for row in several}
        if len(several) < len(rows) or len(sizes) > 1 or any(isinstance(item, str) for row in several for item in row):
            return list(rows)
        rows = [list(row) for row in rows]
    names = isinstance(rows, list) and any(isinstance(row, str) for row in rows)
    # As objects, since NumPy would convert numbers among strings.
    if names:
        array: Array = np.asarray(rows, dtype=object)
    else:
        array = _exact(rows) if isinstance(rows, list) else elements(rows)
    if array.ndim == 0:
        raise ValueError(f"labels: expected one label for each file, found {shown(given)}")
    if array.dtype == object and array.ndim == 1:
        if any(isinstance(row, list | tuple | set | frozenset) for row in array):
            return list(array)
        if not any(isinstance(label, str) for label in array):
            array = _numbers(array)
    return array


def _numbers(array: Array) -> Array:
    """Return an array of Python numbers (a column with missing values, for example) as a numeric array."""
    for i, label in enumerate(array):
        if not isinstance(label, int | float | np.number | np.bool_):
            raise ValueError(f"labels: sample {i}: expected a number or a string, found {shown(label)}")
    return _exact(array.tolist())


def _exact(rows: list[Any]) -> Array:
    try:
        return exact_array(rows)
    except ValueError as error:
        raise ValueError(f"labels: {error}") from None


def _codes(labels: list[Any], class_names: Names | None) -> tuple[Array, Names]:
    """Return the class number of each name, and the class names."""
    if labels and isinstance(labels[0], list):
        raise ValueError("labels: expected one string for each file, or a list of strings, found a table of strings")
    for i, label in enumerate(labels):
        if not isinstance(label, str):
            raise ValueError(f"labels: sample {i}: expected a string, found {shown(label)}")
    names = class_names or tuple(sorted(set(labels)))
    numbers = {name: number for number, name in enumerate(names)}
    for i, label in enumerate(labels):
        if label not in numbers:
            raise ValueError(f"labels: sample {i}: expected one of {len(names)} class names, found {shown(label)}")
    return np.array([numbers[label] for label in labels], dtype=np.int64), names


def _several(rows: list[Any], mode: str | None, class_names: Names | None) -> Labels:
    """Return rows of 0 and 1 per class, from lists of class names or numbers."""
    if mode not in (None, "multi_label"):
        raise ValueError(f"labels: lists of classes mean label_mode='multi_label', found {shown(mode)}")
    for i, row in enumerate(rows):
        if not isinstance(row, list | tuple | set | frozenset):
            raise ValueError(f"labels: sample {i}: expected a list of class names, found {shown(row)}")
    items = [(i, item) for i, row in enumerate(rows) for item in row]
    numbers: Array
    if any(isinstance(item, str) for _, item in items):
        names = class_names or tuple(sorted({item for _, item in items if isinstance(item, str)}))
        known = {name: number for number, name in enumerate(names)}
        for i, item in items:
            if item not in known:
                raise ValueError(f"labels: sample {i}: expected one of {len(names)} class names, found {shown(item)}")
        class_names = names
        numbers = np.array([known[item] for _, item in items], dtype=np.int64)
    else:
        for i, item in items:
            if isinstance(item, bool) or not isinstance(item, int | np.integer):
                raise ValueError(f"labels: sample {i}: expected names or numbers of classes, found {shown(item)}")
        numbers = _class_numbers(np.array([item for _, item in items], dtype=np.int64), class_names)
    values = np.zeros((len(rows), _count(numbers, class_names)), dtype=np.float32)
    values[[i for i, _ in items], numbers] = 1
    return Labels(values, class_names)


def _refuse_missing(rows: Array) -> None:
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        bad = np.argwhere(~np.isfinite(rows))[0]
        raise ValueError(f"labels: sample {bad[0]}: expected a number, found {rows[tuple(bad)]}")


def _plain(rows: Array) -> Array:
    """Return rows of numbers unchanged, except that whole numbers become int64."""
    return rows.astype(np.int64) if rows.dtype.kind in "iub" else rows


def _class_numbers(rows: Array, class_names: Names | None) -> Array:
    if rows.ndim != 1:
        raise ValueError(f"labels: expected one class number for each file, found shape {rows.shape}")
    numbers = rows.astype(np.int64)
    wrong = (numbers != rows) if rows.dtype.kind != "b" else np.zeros(len(rows), dtype=bool)
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(f"labels: sample {i}: expected a whole number, found {rows[i]}")
    if class_names is not None:
        wrong = (numbers < 0) | (numbers >= len(class_names))
        if wrong.any():
            i = int(wrong.argmax())
            raise ValueError(f"labels: sample {i}: expected 0 to {len(class_names) - 1}, found {numbers[i]}")
    return numbers


def _count(numbers: Array, class_names: Names | None) -> int:
    """Return the number of classes."""
    if class_names is not None:
        return len(class_names)
    lowest = int(numbers.min(initial=0))
    if lowest < 0:
        raise ValueError(f"labels: sample {int(numbers.argmin())}: expected numbers of classes from 0, found {lowest}")
    return int(numbers.max(initial=-1)) + 1


def _zeros_and_ones(rows: Array, class_names: Names | None) -> Array:
    if rows.ndim != 2 or (class_names is not None and rows.shape[1] != len(class_names)):
        wanted = f"{len(class_names)} numbers" if class_names else "a row of numbers"
        raise ValueError(f"labels: expected {wanted} for each file, found shape {rows.shape}")
    wrong = (rows != 0) & (rows != 1)
    if wrong.any():
        i = int(np.argwhere(wrong)[0][0])
        raise ValueError(f"labels: sample {i}: expected 0 and 1, found {shown(rows[i].tolist())}")
    return rows.astype(np.float32)
