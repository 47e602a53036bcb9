# SPDX-License-Identifier: MIT
"""Columns of Arrow tables as arrays over Arrow's own buffers, or as values that are gathered batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.batch.exact import exact_join
from fastbatch.checks import shown
from fastbatch.errors import DecodeError
from fastbatch.source.series import Series

if TYPE_CHECKING:
    from .table import ArrowTable

MOST_PARTS = 16  # arrays of a column; more are joined, since each row is then found by a search
MOST_JOINED_BYTES = 1 << 28  # larger columns are left in their chunks, and not copied


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, or of arrays of one shape.

    Attributes:
        rows: An array or a `Series` of arrays, one row per row of the table.
        names: The values of a dictionary column, whose rows are their numbers; or None.
    """

    rows: Any
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Values:
    """A column of strings, bytes or lists of different lengths, gathered by Arrow.

    Attributes:
        column: A `pyarrow.ChunkedArray` without nulls.
        name: For messages.
        lists: Whether the values are lists of numbers, which become arrays.
    """

    column: Any
    name: str
    lists: bool = False

    def take(self, rows: Any) -> list[Any]:
        """Return the values of some rows.

        Raises:
            DecodeError: A string that is not UTF-8, which Arrow does not check.
        """
        taken = self.column.take(rows)
        if self.lists:
            return [one.values.to_numpy(zero_copy_only=False) for one in taken]
        try:
            return list(taken.to_pylist())
        except UnicodeDecodeError as error:
            text = error.object
            row = next(row for row, one in zip(rows, taken, strict=True) if one.as_buffer().to_pybytes() == text)
            found = f"the byte {text[error.start]:#04x}"
            what = f"column {shown(self.name)}"
            raise DecodeError(what, sample=int(row), expected="text in UTF-8", found=found) from None


def convert(name: str, column: Any, missing: Any = "error") -> Numbers | Values:
    """Return a column of a table.

    Args:
        name: For messages.
        column: A `pyarrow.ChunkedArray`.
        missing: Value in place of nulls, "nan", or "error".

    Raises:
        ValueError: Nulls; or `missing` does not fit the type.
        TypeError: A type that no batch can hold.
    """
    import pyarrow as arrow
    from pyarrow import types

    if isinstance(column.type, arrow.BaseExtensionType):
        column = _storage(name, column)
    if types.is_dictionary(column.type) and column.num_chunks:
        column = arrow.chunked_array([_plain_dictionary(chunk) for chunk in column.chunks])
    column = _filled(name, column, missing)
    kind = column.type
    if types.is_dictionary(kind):
        return _dictionary(name, column)
    if any(test(kind) for test in (types.is_integer, types.is_floating, types.is_boolean, types.is_temporal)):
        return Numbers(_joined([_array(name, chunk) for chunk in column.chunks], kind))
    if any(test(kind) for test in (types.is_fixed_size_list, types.is_list, types.is_large_list)):
        return _lists(name, column)
    if str(kind) in ("string_view", "binary_view"):  # which Arrow does not gather yet
        column = column.cast("large_" + str(kind).removesuffix("_view"))
    if str(column.type) in ("string", "large_string", "binary", "large_binary"):
        return Values(column, name)
    if types.is_fixed_size_binary(kind) and not types.is_decimal(kind):
        return Values(column, name)
    raise _unknown(name, kind)


def _unknown(name: str, kind: Any) -> TypeError:
    text = str(kind)
    way = "table.flatten() makes columns of its fields" if text.startswith("struct") else "cast it to another type"
    return TypeError(f"column {shown(name)}: expected numbers, text, bytes or lists of numbers, found {text} ({way})")


def _storage(name: str, column: Any) -> Any:
    """Return the storage of an extension type: lists, as of tensors."""
    import pyarrow as arrow
    from pyarrow import types

    chunks = [chunk.storage for chunk in column.chunks]
    shape = getattr(column.type, "shape", None)
    stored = arrow.chunked_array(chunks, column.type.storage_type)
    is_flat = types.is_fixed_size_list(stored.type) and not types.is_nested(stored.type.value_type)
    if shape is None or not is_flat:
        return stored
    for size in reversed(shape[1:]):
        stored = arrow.chunked_array([_folded(chunk, size) for chunk in stored.chunks] or [], None)
    return stored


def _folded(chunk: Any, size: int) -> Any:
    """Return fixed lists of fixed lists of `size`, from flat ones."""
    import pyarrow as arrow

    inner = arrow.FixedSizeListArray.from_arrays(chunk.flatten(), size)
    return arrow.FixedSizeListArray.from_arrays(inner, chunk.type.list_size // size)


def _filled(name: str, column: Any, missing: Any) -> Any:
    """Return a column without nulls."""
    import pyarrow as arrow

    if column.null_count == 0:
        return column
    if isinstance(missing, str) and missing == "error":
        raise ValueError(
            f"column {shown(name)}: row {_first_null(column)}: expected a value, found null; give missing="
        )
    value: Any = float("nan") if isinstance(missing, str) and missing == "nan" else missing
    is_coded = arrow.types.is_dictionary(column.type)
    try:
        filler = arrow.scalar(value, column.type.value_type if is_coded else column.type)
        if not _fits(value, filler):
            raise ValueError("another value would take its place")
        return _filled_codes(column, filler) if is_coded else column.fill_null(filler)
    except (arrow.ArrowException, TypeError, ValueError, OverflowError) as error:
        expected = f"expected a value of type {column.type}"
        raise ValueError(f"missing: column {shown(name)}: {expected}, found {shown(missing)}: {error!s:.100}") from None


def _filled_codes(column: Any, filler: Any) -> Any:
    """Return a dictionary column without nulls; its names keep their order, which `fill_null` would not."""
    import pyarrow as arrow

    chunks = column.unify_dictionaries().chunks
    names = chunks[0].dictionary
    code = names.index(filler).as_py()
    if code < 0:
        code, names = len(names), arrow.concat_arrays([names, arrow.array([filler.as_py()], names.type)])
    codes = [chunk.indices.cast("int64").fill_null(code) for chunk in chunks]
    return arrow.chunked_array([arrow.DictionaryArray.from_arrays(part, names) for part in codes])


def _fits(value: Any, filler: Any) -> bool:
    """Return whether a value is what it was as a scalar of Arrow: not null, no fraction less, not infinite."""
    import pyarrow as arrow
    from pyarrow import types

    found = filler.as_py()
    if isinstance(value, list | tuple):
        return all(_fits(one, arrow.scalar(one, filler.type.value_type)) for one in value)
    if found is None or not isinstance(value, float | np.floating):
        return found is not None
    if types.is_floating(filler.type):
        return bool(np.isfinite(found) or not np.isfinite(value))
    return bool(found == value)


def _first_null(column: Any) -> int:
    first = 0
    for chunk in column.chunks:
        if chunk.null_count:
            return first + int(np.flatnonzero(chunk.is_null().to_numpy(zero_copy_only=False))[0])
        first += len(chunk)
    return first


def _array(name: str, chunk: Any) -> Any:
    """Return the numbers of an array without nulls; only bits (bool) and days (date32) are copied."""
    array = chunk.to_numpy(zero_copy_only=False)
    if array.dtype.hasobject:
        raise _unknown(name, chunk.type)
    return array


def _plain_dictionary(chunk: Any) -> Any:
    """Return a dictionary array whose names are no views (of Polars) and not null: such rows become null."""
    import pyarrow as arrow

    names, codes = chunk.dictionary, chunk.indices
    if str(names.type) == "string_view":
        names = names.cast("large_string")
    if names.null_count:
        is_null = np.asarray(names.is_null().to_numpy(zero_copy_only=False))
        codes = arrow.array(np.cumsum(~is_null) - 1, codes.type, mask=is_null).take(codes)
        names = names.drop_null()
    return chunk if names is chunk.dictionary else arrow.DictionaryArray.from_arrays(codes, names)


def _dictionary(name: str, column: Any) -> Numbers:
    from pyarrow import types

    if not (types.is_string(column.type.value_type) or types.is_large_string(column.type.value_type)):
        raise TypeError(f"column {shown(name)}: expected a dictionary of strings, found {column.type}")
    unified = column.unify_dictionaries()
    names = tuple(unified.chunk(0).dictionary.to_pylist()) if unified.num_chunks else ()
    codes = [_array(name, chunk.indices) for chunk in unified.chunks]
    return Numbers(_joined(codes, column.type.index_type), names)


def _lists(name: str, column: Any) -> Numbers | Values:
    """Return lists of one length as rows of an array; others one by one."""
    from pyarrow import types

    leaf, is_flat = column.type, True
    while types.is_fixed_size_list(leaf) or types.is_list(leaf) or types.is_large_list(leaf):
        leaf, is_flat = leaf.value_type, leaf == column.type
    if not any(test(leaf) for test in (types.is_integer, types.is_floating, types.is_boolean)):
        raise _unknown(name, column.type)
    rows = [_rows(name, chunk) for chunk in column.chunks if len(chunk)]
    if rows and all(part is not None and part.shape[1:] == rows[0].shape[1:] for part in rows):
        return Numbers(_joined(rows, leaf))
    if not is_flat:
        raise TypeError(f"column {shown(name)}: expected lists of one shape, found {column.type} of several")
    return Values(column, name, lists=True)


def _rows(name: str, chunk: Any) -> Any:
    """Return lists as an array over their numbers, of shape (lists, length, ...); None if their lengths differ."""
    from pyarrow import types

    if not (types.is_fixed_size_list(chunk.type) or types.is_list(chunk.type) or types.is_large_list(chunk.type)):
        if chunk.null_count:
            raise ValueError(f"column {shown(name)}: expected lists of numbers, found a null in a list")
        return _array(name, chunk)
    if chunk.null_count:
        raise ValueError(f"column {shown(name)}: expected lists of numbers, found a null in a list")
    if types.is_fixed_size_list(chunk.type):
        length = chunk.type.list_size
    else:
        lengths = np.diff(chunk.offsets.to_numpy())
        length = int(lengths[0])
        if (lengths != length).any():
            _rows(name, chunk.flatten())  # refuses nulls
            return None
    inner = _rows(name, chunk.flatten())
    return None if inner is None else inner.reshape(len(chunk), length, *inner.shape[1:])


def _joined(parts: list[Any], kind: Any) -> Any:
    """Return the arrays of the chunks of a column as one source of rows."""
    kept = [part for part in parts if len(part)]
    if not kept:
        import pyarrow as arrow

        return _array("", arrow.array([], kind))
    if len(kept) > MOST_PARTS and sum(part.nbytes for part in kept) <= MOST_JOINED_BYTES:
        return np.concatenate(kept)
    return kept[0] if len(kept) == 1 else Series(kept)


def matrix(table: ArrowTable) -> Any:
    """Return a table of numbers as an array of shape (rows, columns), a copy.

    Raises:
        TypeError: Columns that are not numbers.
    """
    chosen = table.table.take(table.order) if len(table.order) else table.table
    columns = {name: convert(name, chosen.column(i)) for i, name in enumerate(chosen.column_names)}
    numbers = [one for one in columns.values() if isinstance(one, Numbers)]
    wrong = [n for n, one in columns.items() if not isinstance(one, Numbers) or one.names or len(one.rows.shape) != 1]
    if wrong or not columns:
        found = ", ".join(f"{name!s:.40}" for name in wrong) or "none"
        raise TypeError(f"expected columns of numbers, found {found}; table() takes others")
    return exact_join(np.column_stack, [np.asarray(one.rows[:]) for one in numbers])
