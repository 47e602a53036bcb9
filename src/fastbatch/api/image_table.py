# SPDX-License-Identifier: MIT
"""`image_table`: paths and labels of images from a CSV file."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastbatch.checks import flag, shown, text
from fastbatch.errors import FormatError
from fastbatch.source.csv.lines import rows_of_cells
from fastbatch.source.foreign import refuse_container
from fastbatch.source.image_folder import known_extensions
from fastbatch.source.local_file import open_regular, path_text
from fastbatch.source.remote.urls import as_url


def image_table(
    path: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    path_column: str | int = 0,
    label_column: str | int | Sequence[str | int] | None = 1,
    label_separator: str | None = None,
    delimiter: str = ",",
    header: bool | None = True,
) -> tuple[list[str], Any]:
    """Return the paths and labels of images listed in a CSV file, for `images(*image_table("labels.csv"))`.

    Args:
        path: The CSV file: UTF-8, cells quoted as by spreadsheets.
        root: Folder that the paths in the file are relative to; None: the CSV file's own folder.
        path_column: Column of the paths: its name, or its number from 0.
        label_column: Column of the labels, in the same way. Several columns give a row of numbers per file; None gives
            no labels.
        label_separator: Separates the classes of a file that has several: "|" reads "cat|dog" as both.
        delimiter: Separates the cells.
        header: Whether the first row holds the names of the columns. 0 and None are True and False, as in pandas.

    Returns:
        (paths, labels). Labels are ints or floats if all cells are, otherwise strings; lists of strings with
        `label_separator`; an array of shape (files, columns) for several columns; None without a label column.

    Raises:
        ValueError: A column that is not in the file or twice, a row that is too short, an empty cell, or a path in
            place of a column's name. The message names the line.
        FormatError: Another encoding, a row that is too long, or quotes that are not closed.
        TypeError: A column that is neither a name nor a number.
        OSError: The file cannot be read.

    Example:
        >>> import fastbatch as fb
        >>> paths, labels = fb.image_table("labels.csv", path_column="file", label_column="class")
        >>> paths[0], labels[0], len(paths)
        ('photos/train/cat/00.jpg', 'cat', 96)
        >>> loader = fb.images(paths, labels, size=64)
        >>> loader.class_names
        ('cat', 'dog', 'owl')

    Source: `src/fastbatch/api/image_table.py`.
    """
    if label_separator is not None:
        text("label_separator", label_separator)
    if hasattr(path, "iloc"):
        found = (
            f"found {type(path).__name__}; images(frame['file'], frame['class'], root=folder) takes columns of a frame"
        )
        raise TypeError(f"path: expected a CSV file, {found}")
    has_names = True if type(header) is int and header == 0 else header is not None and flag("header", header)
    url = as_url(path)
    path = path_text("path", path)
    refuse_container(path, "a table", "lines of text")
    with io.TextIOWrapper(open_regular(path), "utf-8-sig", newline="") as file:
        try:
            rows = list(rows_of_cells(path, file, delimiter))
        except UnicodeDecodeError as error:
            found = f"the byte {error.object[error.start]:#04x}"
            raise FormatError("not a table", path=path, expected="text in UTF-8", found=found) from None
    names = [name.strip() for name in rows.pop(0)[1]] if has_names and rows else None
    width = len(names if names is not None else rows[0][1]) if names or rows else 0
    for line, row in rows:
        if len(row) > width and any(map(str.strip, row[width:])):
            found = f"{len(row)} (a cell with the delimiter in it needs quotes)"
            raise FormatError(f"line {line}: another number of cells", path=path, expected=width, found=found)
    several = not isinstance(label_column, str | int) and label_column is not None
    wanted: list[str | int] = [path_column]
    if label_column is not None:
        wanted += label_column if isinstance(label_column, Iterable) and several else [label_column]  # type: ignore[list-item]
    for column in wanted:
        if not isinstance(column, str | int):
            raise TypeError(f"path_column, label_column: expected names or numbers, found {shown(column)}")
    numbers = [_column_number(path, column, names, width) for column in wanted]
    if names is not None and names[numbers[0]].lower().endswith(tuple(f".{one}" for one in known_extensions())):
        raise ValueError(
            f"{path}: line 1: expected the names of the columns, found the path {shown(names[numbers[0]])}; "
            "header=False reads it as data"
        )
    cells = []
    for line, row in rows:
        for name, number in zip(wanted, numbers, strict=True):
            if number >= len(row) or not row[number].strip():
                raise ValueError(f"{path}: line {line}: column {shown(name)} is empty")
        cells.append([row[number].strip() for number in numbers])
    if root is None:
        folder = os.path.dirname(path) if url is None else url.rpartition("/")[0]
    else:
        folder = as_url(root) or path_text("root", root)
    paths = [os.path.join(folder, row[0]) for row in cells]
    if label_column is None:
        return paths, None
    if several:
        lines = [line for line, _ in rows]
        table = [[_number(path, line, cell) for cell in row[1:]] for line, row in zip(lines, cells, strict=True)]
        return paths, np.array(table).reshape(len(cells), len(numbers) - 1)
    labels = [row[1] for row in cells]
    if label_separator is not None:
        return paths, [[name.strip() for name in label.split(label_separator)] for label in labels]
    return paths, _typed(labels)


def _column_number(path: Any, column: str | int, names: list[str] | None, width: int) -> int:
    if isinstance(column, str):
        if names is None or column not in names:
            raise ValueError(f"{path}: expected a column {shown(column)}, found {shown(names or 'no names')}")
        if names.count(column) > 1:
            raise ValueError(
                f"{path}: expected one column {shown(column)}, found {names.count(column)}; give its number"
            )
        return names.index(column)
    if not 0 <= column < width:
        raise ValueError(f"{path}: expected a column {column}, found {width} columns")
    return column


def _number(path: Any, line: int, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"{path}: line {line}: expected a number, found {shown(cell)}") from None


def _typed(cells: list[str]) -> list[Any]:
    if any("_" in cell or not cell.isascii() for cell in cells):  # 1_0 is a name, though Python takes it for 10
        return list(cells)
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return [kind(cell) for cell in cells]
    return list(cells)
