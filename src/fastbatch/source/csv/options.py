# SPDX-License-Identifier: MIT
"""Options of CSV parsing, checked for both implementations."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import codec_named, element_type, floats, listed, shown, whole
from fastbatch.source.compressed import uncompressed_name

from .dialect import Dialect, make_dialect

SUFFIXES = {".csv": ",", ".tsv": "\t"}
MISSING = ("nan", "error")
MOST_ROWS_BEFORE = 10_000  # before the header

Header = str | int | tuple[str, ...] | None  # "infer", a row, names, or none


@dataclass(frozen=True)
class CsvOptions:
    """Parsing options. Every field except `threads` affects the result."""

    columns: tuple[str | int, ...] | None
    dtype: np.dtype[Any]
    header: Header
    delimiter: str
    missing: str | float | int
    encoding: str
    threads: int | None
    dialect: Dialect

    @property
    def is_utf8(self) -> bool:
        return codecs.lookup(self.encoding).name == "utf-8"

    @property
    def key(self) -> str:
        """A string that is equal for options that give the same result."""
        parts = (self.columns, self.dtype.str, self.header, self.delimiter, self.missing, self.encoding, self.dialect)
        return repr(parts)


def make_csv_options(
    path: str,
    columns: Any = None,
    dtype: Any = "float32",
    header: Any = "infer",
    delimiter: Any = None,
    missing: Any = "nan",
    encoding: str = "utf-8",
    threads: Any = None,
    **dialect: Any,
) -> CsvOptions:
    """Return the checked options for a file; `dialect` are those of `make_dialect`.

    Raises:
        TypeError, ValueError: An option of the wrong type or out of range; the message names it.
    """
    element = element_type("dtype", dtype).newbyteorder("=")
    if element.kind not in "iuf" or element.itemsize > 8:
        raise TypeError(f"dtype: expected a float or integer type of at most 8 bytes, found {element}")
    if delimiter is None:
        delimiter = SUFFIXES.get(os.path.splitext(uncompressed_name(path))[1].lower(), ",")
        if delimiter == dialect.get("decimal"):
            delimiter = ";"
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
        raise ValueError(f"delimiter: expected one ASCII character, found {shown(delimiter)}")
    if isinstance(missing, str) and missing not in MISSING:
        raise ValueError(f"missing: expected 'nan', 'error' or a number, found {shown(missing)}")
    if not isinstance(missing, str):
        missing = _missing_number(missing, element)
    elif missing == "nan" and element.kind != "f":
        missing = "error"  # integers have no NaN
    chosen = None
    if columns is not None:
        wanted = listed("columns", columns, "a list of names or numbers")
        chosen = tuple(one if isinstance(one, str) else whole("columns", one, 0, 2**31) for one in wanted)
        if not chosen:
            raise ValueError("columns: expected at least one, found none")
    codec_named(encoding)
    n_threads = None if threads is None else whole("threads", threads, 1, 1024)
    made = make_dialect(delimiter, element, **dialect)
    return CsvOptions(chosen, element, _header(header), delimiter, missing, encoding, n_threads, made)


def _header(header: Any) -> Header:
    if header is None or header is False or (isinstance(header, str) and header == "infer"):
        return None if header is False else header
    if isinstance(header, bool):
        return 0
    if isinstance(header, list | tuple) and header and all(isinstance(name, str) for name in header):
        return tuple(header)
    if hasattr(header, "__index__"):
        return whole("header", header, 0, MOST_ROWS_BEFORE)
    raise ValueError(f"header: expected 'infer', the number of a row, None or a list of names, found {shown(header)}")


def _missing_number(missing: Any, element: np.dtype[Any]) -> float | int:
    """Return what stands for missing numbers, exactly: an int of 64 bits does not go through a float."""
    if element.kind == "f":
        return float(floats("missing", missing))
    limits = np.iinfo(element)
    is_whole = hasattr(missing, "__index__") or (isinstance(missing, float | np.floating) and missing.is_integer())
    if not is_whole or not limits.min <= int(missing) <= limits.max:
        raise ValueError(f"missing: expected a number of type {element}, found {shown(missing)}")
    return int(missing)
