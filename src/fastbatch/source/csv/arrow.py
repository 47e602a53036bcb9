# SPDX-License-Identifier: MIT
"""CSV files parsed by pyarrow: segment by segment, in threads, without the GIL.

pyarrow's streaming reader parses with one thread. Therefore this module cuts the file into segments at row ends and
parses each segment with all threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import csv

from fastbatch.source.compressed import open_content
from fastbatch.source.pool import submit, thread_pool

from .arrow_cells import RejectedError, memory_of, numbers_of
from .cells import Kind
from .grammar import NULLS
from .lines import LONGEST_ROW, comment_pattern
from .options import CsvOptions
from .rows import Layout, compute_type, plain_blocks

SEGMENT_BYTES = 4 << 20
BLOCK_BYTES = 1 << 20  # parsed by one of pyarrow's threads at a time


def blocks(path: str, layout: Layout, options: CsvOptions) -> Iterator[NDArray[Any]]:
    """Yield the rows of a file in order, as arrays of type `options.dtype`.

    If pyarrow rejects a segment, Python's parser reads the file again and yields the remaining rows: it reports the
    position of an invalid cell, and it accepts some spellings that pyarrow does not (`+1`, for example).
    """
    done = 0
    if layout.is_simple and options.is_utf8:
        for table in _tables(path, layout, options):
            block = None if table is None else _array(table, layout, options)
            if block is None:
                break
            yield block
            done += len(block)
        else:
            return
    for block in plain_blocks(path, layout, options):
        if len(block) > done:
            yield block[done:]
        done = max(0, done - len(block))


def _segments(path: str) -> Iterator[tuple[memoryview | None, bool]]:
    """Yield the file in segments of whole rows, each with whether it has quotes; None for a row that is too long.

    A segment is valid until the next but one is requested.
    """
    content, other = bytearray(SEGMENT_BYTES), bytearray(SEGMENT_BYTES)
    rest = 0  # bytes of an incomplete row at the start of `content`
    with open_content(path) as file:
        while n := file.readinto(memoryview(content)[rest:]):
            n += rest
            n_quotes = content.count(b'"', 0, n)
            end = max(content.rfind(b"\n", 0, n), content.rfind(b"\r", 0, n - 1)) + 1
            end = _row_end(content, end, n_quotes - content.count(b'"', end, n))
            rest = n - end
            if end:
                yield memoryview(content)[:end], n_quotes > 0
                if len(other) < 2 * rest:
                    other = bytearray(2 * rest)
                other[:rest] = memoryview(content)[end:n]
                content, other = other, content
            elif n > LONGEST_ROW:
                yield None, False
                return
            elif n == len(content):
                content = content + bytearray(n)
    if rest:
        last = content[:rest]
        if not last.endswith((b"\n", b"\r")):
            last += b"\n"  # without it pyarrow closes quotes at the end of the file
        yield memoryview(last), b'"' in last


def _row_end(content: bytearray, end: int, n_quotes: int) -> int:
    """Return the last row end at or before `end` that is not inside quotes; 0 if there is none.

    Args:
        n_quotes: The number of quotes before `end`.
    """
    while n_quotes % 2:  # an odd number: all line ends after the last quote are inside quotes
        quote = content.rfind(b'"', 0, end)
        before = max(content.rfind(b"\n", 0, quote), content.rfind(b"\r", 0, quote)) + 1
        n_quotes -= content.count(b'"', before, end)
        end = before
    return end


def _tables(path: str, layout: Layout, options: CsvOptions) -> Iterator[Any]:
    """Yield each segment's parsed table, or None if pyarrow rejects it; the next segment is parsed meanwhile."""
    with thread_pool(1, "fastbatch csv") as pool:
        before: Future[Any] | None = None
        skip = layout.first_line
        for segment, has_quotes in _segments(path):
            coming = submit(pool, _parse, segment, has_quotes, skip, layout, options)
            if before is not None:
                yield before.result()
            before, skip = coming, 0
        if before is not None:
            yield before.result()


def _parse(segment: memoryview | None, has_quotes: bool, skip: int, layout: Layout, options: CsvOptions) -> Any:
    content: Any = segment
    if content is not None and options.dialect.comment is not None:
        content = _without_comments(content, has_quotes, options)
    if content is None:
        return None
    names = [str(i) for i in range(layout.n_cells)]  # names in the file may be duplicates
    types = {str(i): _type(kind, options) for i, kind in zip(layout.chosen, layout.kinds, strict=True)}
    if layout.trailing:
        types[names[-1]] = pyarrow.null()  # pyarrow refuses anything but missing cells
    chosen = sorted(types)
    read = csv.ReadOptions(use_threads=options.threads != 1, block_size=BLOCK_BYTES, skip_rows=skip, column_names=names)
    parse = csv.ParseOptions(delimiter=options.delimiter, newlines_in_values=has_quotes)
    convert = csv.ConvertOptions(
        column_types=types,
        include_columns=chosen,
        null_values=sorted(NULLS.union(options.dialect.na_values)),
        strings_can_be_null=True,
        decimal_point=options.dialect.decimal,
    )
    try:
        table = csv.read_csv(pyarrow.BufferReader(pyarrow.py_buffer(content)), read, parse, convert)
    except pyarrow.ArrowInvalid:
        return None
    if layout.trailing:
        table = table.drop_columns([names[-1]])
    return None if options.missing == "error" and any(map(_has_missing, table.columns)) else table


def _type(kind: Kind, options: CsvOptions) -> Any:
    """Return the type as which pyarrow reads a column; texts are read by `arrow_cells`."""
    if kind is not None or options.dialect.thousands is not None:
        return pyarrow.string()
    return pyarrow.from_numpy_dtype(compute_type(options.dtype))


def _without_comments(segment: memoryview, has_quotes: bool, options: CsvOptions) -> Any:
    """Return a segment without its comments; None where a comment may be inside quotes."""
    content = segment.tobytes()
    if str(options.dialect.comment).encode("ascii") not in content:
        return segment
    return None if has_quotes else re.sub(comment_pattern(options), b"", content)


def _has_missing(column: Any) -> bool:
    """Return whether a cell was empty or of another spelling of a missing number, NaN among them."""
    if column.null_count:
        return True
    return any(np.isnan(memory_of(chunk)).any() for chunk in column.chunks if pyarrow.types.is_floating(chunk.type))


def _array(table: Any, layout: Layout, options: CsvOptions) -> NDArray[Any] | None:
    """Return a table as rows; missing numbers become NaN or `options.missing`. None if a text is none of its column's.

    Reads the columns' buffers directly: pyarrow's `to_numpy` imports pandas, which takes 0.5 s and 30 MB.
    """
    missing = np.nan if isinstance(options.missing, str) else options.missing
    rows = np.empty((table.num_rows, len(layout.chosen)), options.dtype)
    with np.errstate(all="ignore"):  # overflow becomes infinity
        for j, (i, kind) in enumerate(zip(layout.chosen, layout.kinds, strict=True)):
            first = 0
            for chunk in filter(len, table.column(str(i)).chunks):
                part = rows[first : first + len(chunk), j]
                if pyarrow.types.is_string(chunk.type):
                    try:
                        numbers = numbers_of(chunk, kind, options)
                    except RejectedError:
                        return None
                else:
                    numbers = memory_of(chunk)
                part[:] = numbers
                if chunk.null_count:
                    part[_is_null(chunk)] = missing
                if numbers.dtype.kind == "f":
                    part[np.isnan(numbers)] = missing
                first += len(chunk)
    return rows


def _is_null(chunk: Any) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(chunk.buffers()[0], np.uint8), bitorder="little")
    null: NDArray[np.bool_] = bits[chunk.offset : chunk.offset + len(chunk)] == 0
    return null
