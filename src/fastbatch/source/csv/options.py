# SPDX-License-Identifier: MIT
"""Options of CSV parsing, checked for both implementations."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import element_type, floats, listed, text, whole

SUFFIXES = {".csv": ",", ".tsv": "\t"}
MISSING = ("nan", "error")


@dataclass(frozen=True)
class CsvOptions:
    """Parsing options. Every field except `threads` affects the result."""

    columns: tuple[str | int, ...] | None
    dtype: np.dtype[Any]
    header: bool | None
    delimiter: str
    missing: str | float
    encoding: str
    threads: int | None

    @property
    def key(self) -> str:
        """A string that is equal for options that give the same result."""
        parts = (self.columns, self.dtype.str, self.header, self.delimiter, self.missing, self.encoding)
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
) -> CsvOptions:
    """Return the checked options for a file.

    Raises:
        TypeError, ValueError: An option of the wrong type or out of range; the message names it.
    """
    element = element_type("dtype", dtype).newbyteorder("=")
    if element.kind not in "iuf" or element.itemsize > 8:
        raise TypeError(f"dtype: expected a float or integer type of at most 8 bytes, found {element}")
    if header not in ("infer", True, False, None):
        raise ValueError(f"header: expected 'infer', True, False or None, found {header!r}")
    if delimiter is None:
        delimiter = SUFFIXES.get(os.path.splitext(path)[1].lower(), ",")
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii():
        raise ValueError(f"delimiter: expected one ASCII character, found {delimiter!r}")
    if isinstance(missing, str) and missing not in MISSING:
        raise ValueError(f"missing: expected 'nan', 'error' or a number, found {missing!r}")
    if not isinstance(missing, str):
        missing = float(floats("missing", missing))
        if element.kind != "f" and element.type(missing) != missing:
            raise ValueError(f"missing: expected a number of type {element}, found {missing}")
    elif missing == "nan" and element.kind != "f":
        missing = "error"  # integers have no NaN
    chosen = None
    if columns is not None:
        wanted = listed("columns", columns, "a list of names or numbers")
        chosen = tuple(one if isinstance(one, str) else whole("columns", one, 0, 2**31) for one in wanted)
        if not chosen:
            raise ValueError("columns: expected at least one, found none")
    text("encoding", encoding)
    n_threads = None if threads is None else whole("threads", threads, 1, 1024)
    return CsvOptions(
        chosen, element, None if header == "infer" else bool(header), delimiter, missing, encoding, n_threads
    )
