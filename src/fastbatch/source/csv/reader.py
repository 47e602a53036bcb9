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
from fastbatch.source.opener import Opener

from .options import CsvOptions
from .rows import find_layout
from .table import Table

HEADER_BYTES = 128  # of the .npy files written here


def read_csv(opener: Opener, path: str, options: CsvOptions, cache: Any = None) -> Table:
    """Return the table of a CSV file; see `fastbatch.csv`."""
    before = _state(path)
    kept = None if cache is None else _kept(Path(cache), path, before, options)
    layout = find_layout(path, options)
    if kept is not None and kept.exists():
        return Table(opener.npy(os.fsdecode(kept)), layout.names, path)
    folder = kept.parent if kept else None
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".fastbatch-", suffix=".npy", delete=False) as file:
        try:
            n = _write(file, opener.csv_blocks(path, layout, options), options.dtype, len(layout.chosen))
            if _state(path) != before:
                raise FormatError("file changed while it was read", path=path)
            if n == 0:
                raise FormatError("no rows", path=path, expected="numbers", found="a header alone")
            if kept is not None:
                os.replace(file.name, kept)
                return Table(opener.npy(os.fsdecode(kept)), layout.names, path)
            rows = opener.reopened_by(opener.npy(file.name), path, _read_again, opener, path, options)
            return Table(rows, layout.names, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(file.name)


def _read_again(opener: Opener, path: str, options: CsvOptions) -> Any:
    return read_csv(opener, path, options).rows


def _state(path: str) -> tuple[int, int]:
    about = os.stat(path)
    return about.st_size, about.st_mtime_ns


def _kept(folder: Path, path: str, state: tuple[int, int], options: CsvOptions) -> Path:
    import hashlib

    name = f"{os.path.realpath(path)}\0{state}\0{options.key}"
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
    return folder / f"{Path(path).stem}-{digest}.npy"


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
