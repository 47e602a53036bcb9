# SPDX-License-Identifier: MIT
"""`tokens`: contexts of a long array of tokens for language models, across documents or within them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastbatch.batch.tree import is_path
from fastbatch.calls import takes
from fastbatch.checks import element_type, shown, whole
from fastbatch.decode.conversion import Field
from fastbatch.errors import FormatError
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.mapped import elements
from fastbatch.plan.subset import Overlap
from fastbatch.source.foreign import foreign_format, signed_format
from fastbatch.source.formats import as_rows, format_of, open_array, open_file
from fastbatch.source.local_file import path_bytes, read_head
from fastbatch.source.window import MAX_ROWS, Part, Pieces, blocks

from .arrays import arrays
from .backend import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack


_ROWS_AT_ONCE = 256  # rows of BLOCK_ROWS tokens that are checked together


@takes(LoaderOptions)
def tokens(
    backend: Backend,
    tokens: Any,
    dtype: DTypeLike | None = None,
    context: SupportsIndex = 1024,
    stride: SupportsIndex | None = None,
    *,
    targets: Literal["next"] | None = "next",
    boundaries: Any = None,
    document_end: SupportsIndex | None = None,
    out_dtype: DTypeLike | None = "int64",
    **options: Unpack[LoaderKeywords],
) -> SampleLoader:
    """Return a loader over contexts of a token file for language models: `(x, y)`, y shifted by one token.

    `x = tokens[i * stride :][:context]` and `y = tokens[i * stride + 1 :][:context]`, both of shape (batch, context).
    Without `boundaries` or `document_end` a context may begin in one document and end in the next. With one of them
    each document is cut separately, from its first token; the rest at its end, and documents shorter than a sample, are
    omitted.

    Args:
        tokens: Path of a raw file of integers (`train.bin`) or of a .npy file, a 1-d array, or a source.
        dtype: Type of the elements of a raw file, for example "uint16". A .npy file has its own.
        context: Tokens in a sample.
        stride: Tokens from the start of one sample to the start of the next; None takes `context`, so that samples do
            not overlap.
        targets: "next" for `(x, y)`; None for x alone.
        boundaries: Offsets of the documents, as an array or the path of a .npy file: document `d` is
            `tokens[boundaries[d] : boundaries[d + 1]]`.
        document_end: The token that is the last one of each document. The file is read once to find them.
        out_dtype: Type of the batches; None keeps the type of the file. If it cannot hold all values of that type, the
            tokens are read once to check them.
        options: batch_size, shuffle, seed, shard, ...: see `arrays` and `LoaderOptions`.

    Returns:
        A loader of batches `(x, y)`, or of x.

    Raises:
        ValueError: No dtype for a raw file, fewer tokens than a sample needs, boundaries that decrease or are outside
            of the file, no `document_end` in it, a token that `out_dtype` cannot hold, or options out of range.
        TypeError: Elements that are not integers, or more than one dimension.
        OSError, FormatError: A file cannot be read, or does not match its header.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.tokens("train.bin", "uint16", context=64, batch_size=8)
        >>> x, y = next(iter(loader))
        >>> x.shape, x.dtype
        ((8, 64), dtype('int64'))
        >>> bool((y[:, :-1] == x[:, 1:]).all())
        True

    Source: `csrc/source/window.cpp`, `csrc/source/pieces.cpp`, `csrc/source/raw.cpp`.
    """
    if targets not in ("next", None):
        raise ValueError(f"targets: expected 'next' or None, found {shown(targets)}")
    if boundaries is not None and document_end is not None:
        raise ValueError("boundaries, document_end: expected one of them, found both")
    length = whole("context", context, 1, MAX_ROWS)
    every = length if stride is None else whole("stride", stride, 1, MAX_ROWS)
    source = _open_tokens(backend, tokens, dtype)
    if len(source.shape) != 1 or source.dtype.kind not in "iu":
        raise TypeError(f"tokens: expected integers in 1 dimension, found {source.dtype} {source.shape}")
    ahead = 0 if targets is None else 1
    needed = length + ahead
    place = f"{os.fsdecode(tokens)}: " if is_path(tokens) else ""
    if source.shape[0] < needed:
        raise ValueError(f"{place}too few tokens: expected at least {needed}, found {source.shape[0]}")
    if boundaries is None and document_end is None:
        pieces, n = None, (source.shape[0] - needed) // every + 1
    else:
        bounds = _bounds(backend, source, boundaries, document_end, place)
        sizes = np.diff(bounds)
        counts = np.maximum((sizes - needed) // every + 1, 0)
        longest = int(sizes.max(initial=0))
        if longest < needed:
            raise ValueError(f"{place}documents too short: expected one of at least {needed}, found {longest}")
        pieces = Pieces(bounds[:-1][counts > 0], counts[counts > 0])
        n = pieces.n
    parts = [backend.part(source, Part(k, n, every, length, pieces=pieces)) for k in range(1 + ahead)]
    element = None if out_dtype is None else element_type("out_dtype", out_dtype)
    if element is not None:
        _refuse_narrow(backend, source, element, place)
    counts = np.array([n]) if pieces is None else pieces.counts
    overlap = Overlap(-(-needed // every), np.cumsum(counts) - counts)
    loader = arrays(backend, *[Field(part, element) for part in parts], **options)
    return SampleLoader(replace(loader.recipe, overlap=overlap, kind="tokens", labels=None), loader.plan)


def _open_tokens(backend: Backend, tokens: Any, dtype: DTypeLike | None) -> Any:
    wanted = None if dtype is None else element_type("dtype", dtype)
    if is_path(tokens):
        path = path_bytes("tokens", tokens)
        found = format_of(path)
        if found is None or found.name != ".npy":
            head = read_head(path)
            other = foreign_format(os.fsdecode(path), head) if wanted is None else signed_format(head, 6)
            if other is not None:
                raise FormatError("not tokens", path=path, expected="integers, raw or in a .npy file", found=other)
            if wanted is None:
                raise ValueError(f"{os.fsdecode(path)}: dtype: a raw file needs one, such as 'uint16'")
            return backend.raw(os.fsdecode(path), wanted, -1)
        tokens = open_file(backend, path)
    source = as_rows(tokens)
    if wanted is not None and source.dtype != wanted:
        raise ValueError(f"dtype: expected that of the tokens, {source.dtype}, found {wanted}; see out_dtype")
    return source


def _refuse_narrow(backend: Backend, source: Any, element: np.dtype[Any], place: str) -> None:
    """Raise ValueError if a token does not fit the type of the batch. Reads tokens only if the types allow misfits."""
    if element.kind == "f":
        most = 2 ** (np.finfo(element).nmant + 1)
        low, high = -most, most
    elif element.kind in "iu":
        low, high = int(np.iinfo(element).min), int(np.iinfo(element).max)
    elif element.kind == "b":
        low, high = 0, 1
    else:
        return
    limits = np.iinfo(source.dtype)
    if low <= limits.min and limits.max <= high:
        return
    for first, part in blocks(backend.part, source, 0, source.shape[0]):
        for k, rows in enumerate(arrays(backend, part, batch_size=_ROWS_AT_ONCE)):
            smallest, largest = int(rows.min()), int(rows.max())
            if smallest < low or largest > high:
                bad = int(np.argmax((rows < low) | (rows > high)))
                found = int(rows.flat[bad])
                at = first + k * _ROWS_AT_ONCE * rows.shape[1] + bad
                raise ValueError(f"{place}out_dtype: expected tokens from {low} to {high}, found {found} at {at}")


def _bounds(backend: Backend, source: Any, boundaries: Any, document_end: Any, place: str) -> NDArray[np.int64]:
    """Return the starts of the documents, and the end of the last one."""
    n = source.shape[0]
    if boundaries is None:
        limits = np.iinfo(source.dtype)
        end = whole("document_end", document_end, int(limits.min), int(limits.max))
        return _find_ends(backend, source, end, place)
    found = elements(as_rows(open_array(backend, boundaries)))
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise TypeError(f"boundaries: expected integers in 1 dimension, found {found.dtype} {found.shape}")
    if len(found) < 2:
        raise ValueError(f"boundaries: expected at least 2 numbers, found {len(found)}")
    falls = np.flatnonzero(found[1:] < found[:-1])
    if len(falls):
        d = int(falls[0])
        raise ValueError(f"boundaries: document {d}: expected an end from {found[d]} on, found {found[d + 1]}")
    if found[0] < 0 or found[-1] > n:
        raise ValueError(f"boundaries: expected numbers from 0 to {n}, found {found[0]} to {found[-1]}")
    return found.astype(np.int64)


def _find_ends(backend: Backend, source: Any, document_end: int, place: str) -> NDArray[np.int64]:
    n = source.shape[0]
    ends = [first + 1 + backend.find_all(part, document_end) for first, part in blocks(backend.part, source, 0, n)]
    found = np.concatenate([np.zeros(1, np.int64), *(end.astype(np.int64) for end in ends)])
    if len(found) == 1:
        raise ValueError(f"{place}document_end: expected {document_end} among {n} tokens, found none")
    return found if found[-1] == n else np.append(found, n)  # the last document may have no end token
