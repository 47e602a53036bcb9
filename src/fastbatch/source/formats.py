# SPDX-License-Identifier: MIT
"""The table of array formats: how a file is recognised, and the function that opens it."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastbatch.batch.exact import exact_array, refuse_rounded_frame
from fastbatch.batch.tree import is_path
from fastbatch.checks import refuse_masked
from fastbatch.errors import FormatError

from .compressed import uncompressed_name
from .csv.table import Table
from .foreign import OURS, columns_without_numbers, foreign_format, known_format, what_it_is
from .hdf5 import WAY, is_dataset, open_dataset
from .local_file import Path, path_bytes, path_text, read_head
from .opener import Opener
from .patterns import matching
from .remote.urls import as_url
from .safetensors import is_safetensors, open_safetensors
from .series import Series

NPY_MAGIC = b"\x93NUMPY"
IDX_TYPES = {0x08: "|u1", 0x09: "|i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True)
class Format:
    """One array file format.

    Attributes:
        name: Name in messages.
        extensions: File name extensions, in lower case; they identify the format if `matches` is None.
        matches: Returns whether the first bytes of a file are of this format.
        open: Returns the array in a file, or a dict of its arrays.
    """

    name: str
    extensions: tuple[str, ...]
    matches: Callable[[bytes], bool] | None
    open: Callable[[Opener, str], Any]


def is_idx(head: bytes) -> bool:
    """Return whether a file begins like an IDX file: two zeros, a type, at least one dimension."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in IDX_TYPES and head[3] > 0


def _is_idx_or_its_gzip(head: bytes) -> bool:
    if not head.startswith(b"\x1f\x8b\x08"):
        return is_idx(head)
    try:
        return is_idx(zlib.decompressobj(wbits=31).decompress(head, 4))
    except zlib.error:
        return False


def _open_csv(opener: Opener, path: str) -> Any:
    from .csv.options import make_csv_options
    from .csv.reader import read_csv

    return read_csv(opener, path, make_csv_options(path)).rows


FORMATS = (
    Format("CSV", ("csv", "tsv"), None, _open_csv),
    Format(".npy", ("npy",), lambda head: head.startswith(NPY_MAGIC), lambda opener, path: opener.npy(path)),
    Format(
        ".npz", ("npz",), lambda head: head.startswith((b"PK\3\4", b"PK\5\6")), lambda opener, path: opener.npz(path)
    ),
    Format("safetensors", ("safetensors",), is_safetensors, open_safetensors),
    Format("IDX", ("idx", "gz"), _is_idx_or_its_gzip, lambda opener, path: opener.idx(path)),
)


def format_of(path: Path) -> Format | None:
    """Return the format of a file: by its extension for formats without a signature, else by its first bytes; or None.

    Raises:
        OSError: The file cannot be read.
    """
    extension = os.path.splitext(uncompressed_name(path_text("path", path)))[1].lower().removeprefix(".")
    for row in FORMATS:
        if row.matches is None and extension in row.extensions:
            return row
    head = read_head(path_bytes("path", path))
    return next((row for row in FORMATS if row.matches is not None and row.matches(head)), None)


def open_file(opener: Opener, path: Path) -> Any:
    """Return the array in a file, a dict of the arrays in an archive, or for a pattern the series of its files.

    Raises:
        OSError: The file cannot be read.
        FormatError: The format is unknown, or the file contradicts its header.
    """
    url = as_url(path)
    if url is not None:
        return open_objects(opener, url)
    files = matching("path", path)
    if files is not None:
        return Series([as_rows(open_array(opener, file)) for file in files])
    path = path_text("path", path)
    found = format_of(path)
    if found is not None and found.name != ".npz":
        return found.open(opener, path)
    head = read_head(path)
    other = foreign_format(path, head)
    if found is not None:
        try:
            return found.open(opener, path)
        except FormatError:  # other formats are zip archives too
            if other is None:
                raise
    names = [row.name for row in FORMATS if row.matches is not None]
    raise FormatError(
        "not an array",
        path=path,
        expected=f"{', '.join(names[:-1])} or {names[-1]}",
        found=_what_it_is(path, head),
    )


def open_objects(opener: Opener, url: str) -> Any:
    """Return the array of an object, or the series of those of a pattern; formats other than .npy are copied whole.

    Raises:
        FileNotFoundError: No such object.
        OSError, FormatError: As for `open_file`.
    """
    from .remote.listing import matching_objects
    from .remote.opening import opening

    found = matching_objects(url)
    names = [url] if found is None else [one.url for one in found]
    if not all(name.partition("?")[0].endswith(".npy") for name in names):
        paths = matching("path", url) or [path_bytes("path", url)]
        parts = [open_file(opener, path) for path in paths]
        return parts[0] if found is None else Series([as_rows(part) for part in parts])
    with opening(names):
        parts = [opener.npy(name) for name in names]
    return parts[0] if found is None else Series([as_rows(part) for part in parts])


def _what_it_is(path: str, head: bytes) -> str:
    other = known_format(path, head) if head else None
    if other in OURS:
        return f"something else, though the name is that of {other.title}"
    return "an empty file" if not head else "something else" if other is None else str(other)


def open_leaf(opener: Opener, leaf: Any) -> Any:
    """Return the data of a file (of an archive a dict), the mapped rows of a data set of h5py, or the leaf itself."""
    if is_path(leaf):
        return open_file(opener, leaf)
    return open_dataset(opener, leaf) if is_dataset(leaf) else leaf


def open_array(opener: Opener, leaf: Any) -> Any:
    """Return the array of a file, or the given array; archives are rejected."""
    source = open_leaf(opener, leaf)
    if isinstance(source, dict) and is_path(leaf):
        raise TypeError(f"expected one array, found the archive {os.fsdecode(leaf)}")
    return source


def names_of_columns(data: Any) -> tuple[str, ...] | None:
    """Return the names of the columns of a table or a data frame, or None."""
    leaf = getattr(data, "leaf", data)  # of a Field
    found = getattr(leaf, "column_names", None)
    if found is None and (hasattr(leaf, "__array__") or hasattr(leaf, "__arrow_c_stream__")):
        found = getattr(leaf, "columns", None)
    try:
        return None if found is None or callable(found) else tuple(map(str, found))
    except TypeError:
        return None


def as_rows(leaf: Any) -> Any:
    """Return sources of this package unchanged, and anything else as an array, whose row `i` is at position `i`.

    Raises:
        TypeError: Not an array; an array of Python objects, with masked elements, or of elements of size 0.
        ValueError: A 0-dimensional array.
    """
    source = leaf.rows if isinstance(leaf, Table) else leaf
    if not getattr(type(source), "serves_rows", False):
        refuse_masked("", source)
        if is_dataset(source):
            raise TypeError(f"expected an array, found an h5py data set; {WAY}")
        if not hasattr(source, "__array__") and not isinstance(source, list | tuple):
            source = _matrix(source)
        if not hasattr(source, "__array__") and not isinstance(source, list | tuple):
            raise TypeError(f"expected an array, a path or a source, found {what_it_is(source)}")
        given, source = source, exact_array(source)
        refuse_rounded_frame(given, source)
        columns = columns_without_numbers(given) if source.dtype.hasobject else None
        if columns is not None:
            raise TypeError(f"expected numbers, found {columns}; frame[[name, ...]] takes the others")
    if source.dtype.hasobject:
        raise TypeError("arrays of Python objects are refused; expected numbers, or another type of fixed size")
    if source.dtype.itemsize == 0:
        raise TypeError(f"expected elements of at least 1 byte, found {source.dtype}")
    if len(source.shape) == 0:
        raise ValueError("expected at least one dimension, found an array without any")
    return source


def _matrix(source: Any) -> Any:
    """Return the numbers of a table that is no array, as of DuckDB and of Hugging Face datasets; or the source."""
    from .arrow.table import as_table, is_table

    if not is_table(source):
        return source
    from .arrow.column import matrix

    return matrix(as_table(source))
