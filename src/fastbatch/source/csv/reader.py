# SPDX-License-Identifier: MIT
"""CSV files as arrays: parsed once, block by block, into a temporary .npy file, which is then mapped."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.errors import FormatError
from fastbatch.source.identity import OpenedFile, identity_of, opened_file, settled_identity
from fastbatch.source.local_file import naming, path_text
from fastbatch.source.opener import Opener

from .cache import UNFINISHED, is_whole, kept_path, remove_stale, unfinished_file
from .options import CsvOptions
from .rows import find_layout
from .table import Table

HEADER_BYTES = 128  # of the .npy files written here


def read_csv(opener: Opener, path: str, options: CsvOptions, cache: Any = None) -> Table:
    """Return the numbers of a CSV file; see `fastbatch.csv`."""
    opened = opened_file(path)
    identity = opened.identity if cache is None else settled_identity(path)
    layout = find_layout(path, options)

    def parse(file: IO[bytes]) -> None:
        n = _write(file, opener.csv_blocks(path, layout, options), options.dtype, len(layout.chosen))
        if identity_of(os.stat(path)) != identity:
            raise FormatError("file changed while it was read", path=path)
        if n == 0:
            raise FormatError("no rows", path=path, expected="numbers", found="a header alone")

    def table(file: str) -> Table:
        again = (_read_again, opener, path, options, opened, cache)
        return Table(opener.reopened_by(opener.npy(file), path, *again), layout.names, path, layout.categories)

    if cache is not None:
        kept = kept_path(Path(path_text("cache", cache)), path, identity, options)
        if not is_whole(kept):
            with naming(os.fsdecode(kept)), unfinished_file(kept) as unfinished:
                if unfinished is not None:
                    parse(unfinished)
        with suppress(FileNotFoundError, PermissionError):
            return table(os.fsdecode(kept))
    remove_stale(tempfile.gettempdir())
    descriptor, temporary = tempfile.mkstemp(prefix=UNFINISHED, suffix=".npy")
    try:
        with naming(temporary), open(descriptor, "w+b") as file:
            parse(file)
        return table(temporary)
    finally:
        # On Windows a mapped file cannot be deleted: a later call removes it, by remove_stale().
        with suppress(FileNotFoundError, PermissionError):
            os.unlink(temporary)


def _read_again(opener: Opener, path: str, options: CsvOptions, opened: OpenedFile, cache: Any) -> Any:
    opened.verify()
    return read_csv(opener, path, options, cache).rows


def _write(file: IO[bytes], blocks: Iterator[NDArray[Any]], dtype: np.dtype[Any], columns: int) -> int:
    """Write all rows as a .npy file and return their number."""
    file.write(bytes(HEADER_BYTES))
    n = 0
    for block in blocks:
        n += len(block)
        file.write(np.ascontiguousarray(block).data)
    about = {"descr": dtype.str, "fortran_order": False, "shape": (n, columns)}
    text = repr(about).encode("ascii")
    file.seek(0)
    file.write(b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little"))
    file.write(text.ljust(HEADER_BYTES - 11) + b"\n")
    file.flush()
    return n
