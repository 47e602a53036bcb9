# SPDX-License-Identifier: MIT
"""The columns of a batch: each is one array with a slot per sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from fastbatch.checks import refuse_masked

from .exact import exact_array


class Column(Protocol):
    """One array of every batch.

    Attributes:
        n_samples: Number of samples in the source.
        dtype: Element type of the batch.
        shape: Shape of one sample in the batch.
    """

    n_samples: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def identity(self) -> Any:
        """Return a JSON value that differs between data sets and does not depend on the options."""


def parts_of(column: Any) -> Sequence[Any]:
    """Return the columns that a column is made of."""
    inner = getattr(column, "inner", None)
    return getattr(column, "parts", ()) if inner is None else (inner,)


def verify_columns(columns: Iterable[Any], may_be_shorter: bool) -> None:
    """Raise FormatError if a mapped file under one of the columns was written to since it was opened."""
    for column in columns:
        if hasattr(column, "verify"):
            column.verify(may_be_shorter)
        verify_columns(parts_of(column), may_be_shorter)


def leaf_array(leaf: Any) -> np.ndarray[Any, Any]:
    """Return one part of a sample as an array. Text that ends in zeros is an object: NumPy's types would drop them."""
    if isinstance(leaf, str | bytes) and leaf[-1:] in ("\0", b"\0"):
        array: np.ndarray[Any, Any] = np.empty((), object)
        array[()] = leaf
        return array
    if isinstance(leaf, np.ma.MaskedArray):
        refuse_masked("", leaf)
    return exact_array(leaf)


def for_evaluation(column: Any) -> Any:
    """Return the column without random changes: itself, unless it has a counterpart of that kind."""
    counterpart = getattr(column, "for_evaluation", None)
    return column if counterpart is None else counterpart()


def native_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return `dtype` in native byte order; records are unchanged, since they are copied as bytes."""
    return dtype if dtype.fields else dtype.newbyteorder("=")


def dataset_fingerprint(columns: Sequence[Column]) -> str:
    """Return the fingerprint of the columns' data: independent of the location of files and of the options."""
    import json

    text = json.dumps([column.identity() for column in columns], sort_keys=True)
    digest: str = _digest(text.encode()).hexdigest()
    return digest


def array_identity(shape: Sequence[int], dtype: np.dtype[Any], row: Callable[[int], bytes], n_probes: int = 16) -> Any:
    """Return the identity of an array: its shape, type, and some of its rows in native byte order."""
    n = shape[0]
    probes = _digest()
    for i in sorted({j * (n - 1) // max(1, n_probes - 1) for j in range(n_probes)} if n else ()):
        probes.update(row(i))
    return [list(shape), native_dtype(dtype).str, probes.hexdigest()]


def files_identity(paths: Sequence[bytes]) -> Any:
    """Return the identity of a list of files: their names relative to their common folder."""
    folder = _common_folder(paths)
    names = _digest()
    for path in paths:
        names.update(path[len(folder) :] + b"\0")
    return [len(paths), names.hexdigest()]


def bytes_identity(blob: np.ndarray[Any, Any], offsets: np.ndarray[Any, Any], n_probes: int = 16) -> Any:
    """Return the identity of samples in memory: all their sizes, and the bytes of some."""
    n = len(offsets) - 1
    probes = _digest(np.diff(offsets).astype("<u8").tobytes())
    for i in sorted({j * (n - 1) // max(1, n_probes - 1) for j in range(n_probes)} if n else ()):
        probes.update(blob[int(offsets[i]) : int(offsets[i + 1])].tobytes())
    return [n, probes.hexdigest()]


def digest_of(parts: Iterable[bytes]) -> str:
    """Return a digest of several pieces of data, which differs if they are divided otherwise."""
    digest = _digest()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return str(digest.hexdigest())


def _common_folder(paths: Sequence[bytes]) -> bytes:
    if not paths:
        return b""
    first, last = min(paths), max(paths)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[: first.rfind(b"/", 0, same) + 1]


def _digest(start: bytes = b"") -> Any:
    import hashlib  # imports OpenSSL: a fifth of the time of `import fastbatch`, needed only for states

    return hashlib.blake2b(start, digest_size=16)
