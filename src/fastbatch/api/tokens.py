# SPDX-License-Identifier: MIT
"""`tokens`: contexts of a long array of tokens for language models, across documents or within them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastbatch.batch.tree import is_path
from fastbatch.calls import takes
from fastbatch.checks import element_type, n_of, shown, whole
from fastbatch.decode.conversion import Field
from fastbatch.errors import FormatError
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.mapped import elements
from fastbatch.plan.subset import Overlap
from fastbatch.source.foreign import container_format, foreign_format
from fastbatch.source.formats import as_rows, format_of, open_array, open_file
from fastbatch.source.local_file import path_bytes, read_head
from fastbatch.source.patterns import matching
from fastbatch.source.remote.opening import opening
from fastbatch.source.remote.urls import as_url, shown_url
from fastbatch.source.series import Series
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

    Several files or arrays are the shards of one data set: no context crosses from one to the next, and those that are
    shorter than a sample are omitted.

    Args:
        tokens: Path of a raw file of integers (`train.bin`) or of a .npy file, a 1-d array, or a source. Or shards: a
            list of those, a pattern with `*`, `?` or `[` (sorted), or a `series`.
        dtype: Type of the elements of a raw file, for example "uint16". A .npy file has its own.
        context: Tokens in a sample.
        stride: Tokens from the start of one sample to the start of the next; None takes `context`, so that samples do
            not overlap.
        targets: "next" for `(x, y)`; None for x alone.
        boundaries: Offsets of the documents, as an array or the path of a .npy file: document `d` is
            `tokens[boundaries[d] : boundaries[d + 1]]`. A list of those for several shards.
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
    ahead = 0 if targets is None else 1
    shards = _shards(backend, tokens, dtype)
    limits = _boundaries_of_each(boundaries, len(shards))
    needed = length + ahead
    cuts = [_cut(backend, *one, document_end, needed, every) for one in zip(shards, limits, strict=True)]
    if document_end is not None and not any(cut.n_ends for cut in cuts):
        n = sum(shard.source.shape[0] for shard in shards)
        raise ValueError(f"{_place(tokens)}document_end: expected {document_end} among {n} tokens, found none")
    longest = max(int(cut.sizes.max(initial=0)) for cut in cuts)
    if longest < needed:
        what = "too few tokens: expected" if cuts[0].pieces is None else "documents too short: expected one of"
        raise ValueError(f"{_place(tokens)}{what} at least {needed}, found {longest}")
    element = None if out_dtype is None else element_type("out_dtype", out_dtype)
    if element is not None:
        for shard in shards:
            refuse_narrow(backend, shard.source, element, shard.place)
    used = [cut for cut in cuts if cut.n > 0]
    columns = []
    for k in range(1 + ahead):
        parts = [backend.part(cut.source, Part(k, cut.n, every, length, pieces=cut.pieces)) for cut in used]
        columns.append(Field(parts[0] if len(parts) == 1 else Series(parts), element))
    counts = np.concatenate([cut.counts for cut in used])
    overlap = Overlap(-(-needed // every), np.cumsum(counts) - counts)
    loader = arrays(backend, *columns, **options)
    return SampleLoader(replace(loader.recipe, overlap=overlap, kind="tokens", labels=None), loader.plan)


@dataclass(frozen=True)
class _Shard:
    """One array of tokens, and its file for messages."""

    source: Any
    place: str


@dataclass(frozen=True)
class _Cut:
    """The samples of one shard.

    Attributes:
        sizes: Tokens of each document, or of the whole shard.
        counts: Samples of each document that has any, or of the whole shard.
        pieces: Those documents, or None.
        n_ends: How often `document_end` was found.
    """

    source: Any
    sizes: NDArray[np.int64]
    counts: NDArray[np.int64]
    pieces: Pieces | None
    n_ends: int = 0

    @property
    def n(self) -> int:
        return int(self.counts.sum())


def _place(tokens: Any) -> str:
    if not is_path(tokens):
        return ""
    return f"{shown_url(os.fsdecode(tokens)) if as_url(tokens) else os.fsdecode(tokens)}: "


def _shards(backend: Backend, tokens: Any, dtype: DTypeLike | None) -> list[_Shard]:
    """Return the arrays of a path, a pattern, an array, or of a list of them."""
    given = tokens
    if is_path(tokens):
        given = _matching(tokens) or [tokens]
    elif isinstance(tokens, Series):
        given = tokens.parts
    elif not _is_list_of_shards(tokens):
        given = [tokens]
    with opening(given, blocks=dtype is None):
        shards = [_Shard(open_tokens(backend, one, dtype), _place(one)) for one in given]
    if not shards:
        raise ValueError("tokens: expected at least one file or array, found none")
    first = shards[0].source.dtype
    for i, shard in enumerate(shards):
        source = shard.source
        place = shard.place or (f"tokens: shard {i}: " if len(shards) > 1 else "tokens: ")
        if len(source.shape) != 1 or source.dtype.kind not in "iu":
            raise TypeError(f"{place}expected integers in 1 dimension, found {source.dtype} {source.shape}")
        if source.dtype != first:
            raise TypeError(f"{place}expected {first}, as in the first shard, found {source.dtype}")
    return shards


def _matching(tokens: Any) -> list[Any] | None:
    """Return the files or objects of a pattern; None if the path is none."""
    url = as_url(tokens)
    if url is None:
        return matching("tokens", tokens)
    from fastbatch.source.remote.listing import matching_objects

    found = matching_objects(url)
    return None if found is None else [one.url for one in found]


def _is_list_of_shards(tokens: Any) -> bool:
    """Return whether this is a list of files or arrays, and not of tokens."""
    is_list = isinstance(tokens, list | tuple)
    return is_list and all(is_path(one) or len(getattr(one, "shape", ())) > 0 for one in tokens)


def _boundaries_of_each(boundaries: Any, n: int) -> list[Any]:
    """Return the boundaries of each shard."""
    if n == 1 or boundaries is None:
        is_listed = n == 1 and isinstance(boundaries, list | tuple) and len(boundaries) == 1
        return list(boundaries) if is_listed and not isinstance(boundaries[0], int) else [boundaries] * n
    if not isinstance(boundaries, list | tuple) or len(boundaries) != n:
        raise ValueError(f"boundaries: expected a list of {n}, one for each shard, found {shown(boundaries)}")
    return list(boundaries)


def _cut(backend: Backend, shard: _Shard, boundaries: Any, document_end: Any, needed: int, every: int) -> _Cut:
    """Return the samples of `needed` tokens that a shard has."""
    source = shard.source
    if boundaries is None and document_end is None:
        sizes = np.array([source.shape[0]], np.int64)
        return _Cut(source, sizes, np.maximum((sizes - needed) // every + 1, 0), None)
    n_ends = 0
    if boundaries is None:
        bounds, n_ends = _find_ends(backend, source, document_end)
    else:
        bounds = check_bounds(backend, source.shape[0], boundaries)
    sizes = np.diff(bounds)
    counts = np.maximum((sizes - needed) // every + 1, 0)
    pieces = Pieces(bounds[:-1][counts > 0], counts[counts > 0])
    return _Cut(source, sizes, pieces.counts, pieces, n_ends)


def open_tokens(backend: Backend, tokens: Any, dtype: DTypeLike | None) -> Any:
    """Return the array of a file or of memory."""
    wanted = None if dtype is None else element_type("dtype", dtype)
    if is_path(tokens):
        if (url := as_url(tokens)) is not None and not url.partition("?")[0].endswith(".npy"):
            if wanted is None:
                raise ValueError(f"{shown_url(url)}: dtype: a raw file needs one, such as 'uint16'")
            return backend.raw(url, wanted, -1)
        path = os.fsencode(url) if url else path_bytes("tokens", tokens)
        found = None if url else format_of(path)
        if not url and (found is None or found.name != ".npy"):
            head = read_head(path)
            known = foreign_format if wanted is None else container_format
            other = known(os.fsdecode(path), head)
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


def open_one(backend: Backend, tokens: Any, dtype: DTypeLike | None, instead: str) -> Any:
    """Return the array of `tokens`; a TypeError for shards says what to do `instead`."""
    shards = tokens if _is_list_of_shards(tokens) else _matching(tokens) if is_path(tokens) else None
    if shards is not None and len(shards) == 1:
        return open_tokens(backend, shards[0], dtype)
    if shards is not None:
        raise TypeError(f"tokens: expected one file or array, found {n_of(len(shards), 'shard')}; {instead}")
    return open_tokens(backend, tokens, dtype)


def refuse_narrow(backend: Backend, source: Any, element: np.dtype[Any], place: str) -> None:
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


def check_bounds(backend: Backend, n: int, boundaries: Any) -> NDArray[np.int64]:
    """Return the starts of the documents of `n` tokens, and the end of the last one."""
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


def _find_ends(backend: Backend, source: Any, document_end: Any) -> tuple[NDArray[np.int64], int]:
    """Return the starts of the documents and the end of the last one, and the number of end tokens."""
    n = source.shape[0]
    limits = np.iinfo(source.dtype)
    end = whole("document_end", document_end, int(limits.min), int(limits.max))
    ends = [first + 1 + backend.find_all(part, end) for first, part in blocks(backend.part, source, 0, n)]
    found = np.concatenate([np.zeros(1, np.int64), *(one.astype(np.int64) for one in ends)])
    n_ends = len(found) - 1
    return (found if found[-1] == n else np.append(found, n)), n_ends  # the last document may have no end token
