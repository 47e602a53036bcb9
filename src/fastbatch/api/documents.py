# SPDX-License-Identifier: MIT
"""`documents`: documents of tokens in batches of similar length, padded or ragged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypedDict

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastbatch.batch.column import digest_of
from fastbatch.batch.tree import is_path, packer
from fastbatch.calls import takes
from fastbatch.checks import element_type, flag, one_of, refuse_masked, shown, whole
from fastbatch.decode.conversion import Conversion, Field, make_conversion
from fastbatch.loader.bucketed import Bucketed, Shape
from fastbatch.loader.documents import DocumentLoader
from fastbatch.loader.engine import EngineOptions, Recipe
from fastbatch.loader.options import LoaderOptions
from fastbatch.mapped import elements
from fastbatch.plan.buckets import Buckets, automatic_bounds, make_buckets
from fastbatch.plan.plan import Plan
from fastbatch.source.arrow.lists import is_arrow_array, lists_in_python, lists_of
from fastbatch.source.documents import DocumentBatches, Documents

from .arrays import numbers_column
from .backend import Backend
from .pack import LONG, document_bounds, fill_value, refuse_long
from .tokens import open_one, refuse_narrow

if TYPE_CHECKING:
    from typing_extensions import Unpack

MOST = 2**31 - 1  # tokens of a row, and of a batch


@dataclass(frozen=True)
class DocumentOptions:
    """Order, shards and threads of a loader of documents.

    Attributes:
        batch_size: Documents in a batch; None: 32, or as many as `max_tokens` allows. With both, at most so many.
        shuffle: A new random order in each epoch: of the documents within their buckets, and of the batches.
        seed: Together with the epoch, determines the order.
        drop_last: Omit the smaller last batch of each bucket.
        shard: `(rank, world_size)`: every world_size-th batch, starting at `rank`; or "auto": see `LoaderOptions`.
        tail: "pad", "drop", "uneven" or "mask", as for `LoaderOptions`, if the number of batches is not a multiple of
            the number of ranks. "mask" also fills up the last batch of each bucket.
        threads: Worker threads; None: the CPUs available to this process.
        prefetch: Batches prepared ahead; None: as many as fit into 5 MB, at least 2 and at most 16.
        prefetch_bytes: Upper bound of the memory of prefetched batches.
        with_index: Append the index of each document to the batch, int64 of shape (rows,): the dict becomes
            `(dict, index)`.
    """

    batch_size: SupportsIndex | None = None
    shuffle: bool = False
    seed: SupportsIndex = 0
    drop_last: bool = False
    shard: tuple[int, int] | Literal["auto"] | None = None
    tail: Literal["pad", "drop", "uneven", "mask"] = "pad"
    threads: SupportsIndex | None = None
    prefetch: SupportsIndex | None = None
    prefetch_bytes: SupportsIndex | None = None
    with_index: bool = False


class DocumentKeywords(TypedDict, total=False):
    """The fields of `DocumentOptions` as keyword arguments, for type checkers."""

    batch_size: SupportsIndex | None
    shuffle: bool
    seed: SupportsIndex
    drop_last: bool
    shard: tuple[int, int] | Literal["auto"] | None
    tail: Literal["pad", "drop", "uneven", "mask"]
    threads: SupportsIndex | None
    prefetch: SupportsIndex | None
    prefetch_bytes: SupportsIndex | None
    with_index: bool


@dataclass(frozen=True, eq=False)
class DocumentBatching:
    """The tokens, the documents, and the options that divide them into batches: see `loader.documents.Batching`."""

    backend: Backend
    tokens: Any
    documents: Documents
    conversion: Conversion
    fill: int
    bounds: Sequence[int]
    sizes: Sequence[int]
    to_bound: bool
    engine: EngineOptions
    labels: NDArray[Any] | None
    with_index: bool
    drop_last: bool
    is_padded: bool

    @property
    def n(self) -> int:
        """Number of all documents."""
        return self.documents.n

    def changed(self, **fields: bool) -> DocumentBatching:
        return replace(self, **fields)  # type: ignore[arg-type]

    def order(self) -> str:
        buckets = " ".join(f"{size}x{bound}" for bound, size in zip(self.bounds, self.sizes, strict=True))
        shown_whole = buckets if len(self.bounds) <= 4 else f"{len(self.bounds)} {digest_of([buckets.encode()])}"
        return f"buckets {shown_whole}{' drop_last' * self.drop_last}"

    def make(self, items: NDArray[Any], plan: Plan) -> tuple[Recipe, Buckets]:
        buckets = make_buckets(
            items,
            self.documents.lengths[items],
            self.bounds,
            self.sizes,
            drop_last=self.drop_last,
            is_filled=plan.tail == "mask",
            to_bound=self.to_bound,
        )
        batches = DocumentBatches(self.documents, buckets, bool(plan.shuffle), self.is_padded)
        columns = self.backend.document_columns(self.tokens, batches, self.conversion, self.fill)
        names = ["input_ids", "lengths"] + ["offsets"] * (not self.is_padded) + ["labels"] * (self.labels is not None)
        structure: Any = {name: i for i, name in enumerate(names)}
        index = None
        if self.with_index:
            structure = (structure, len(names))
            index = np.full(self.n, -1)
            index[items[::-1]] = np.arange(len(items))[::-1]  # of equal documents, the first one counts
        shape = Shape(buckets.max_rows, self.is_padded, self.labels, index)
        recipe = Recipe(Bucketed(self.backend, shape), columns, packer(structure), self.engine, kind="documents")
        if self.with_index:
            recipe = replace(recipe, index_column=partial(numbers_column, self.backend))
        return recipe, buckets


@takes(DocumentOptions)
def documents(
    backend: Backend,
    tokens: Any,
    dtype: DTypeLike | None = None,
    *,
    boundaries: Any = None,
    lengths: ArrayLike | None = None,
    buckets: Sequence[int] | None = None,
    max_tokens: SupportsIndex | None = None,
    pad: SupportsIndex = 0,
    pad_to_bucket: bool = False,
    ragged: bool = False,
    long: Literal["split", "cut", "error"] = "error",
    labels: ArrayLike | None = None,
    out_dtype: DTypeLike | None = "int64",
    **options: Unpack[DocumentKeywords],
) -> DocumentLoader:
    """Return a loader of whole documents in batches of similar length, so that little of a batch is padding.

    Documents are sorted into buckets by their length. In each epoch the documents of a bucket are shuffled and cut into
    batches, and the batches of all buckets are shuffled: each document comes once. Without `buckets` and `max_tokens`
    there is one bucket.

    Args:
        tokens: Integers in one dimension: an array, a .npy file, or a raw file with `dtype`. Or a list of documents, or
            a column of lists of pyarrow or Polars, which needs neither boundaries nor lengths.
        dtype: Type of a raw file; otherwise None.
        boundaries: Where documents begin and end, as an array or a .npy file: document d has the tokens
            `boundaries[d]` to `boundaries[d + 1]`.
        lengths: Instead of boundaries: the number of tokens of each document. Their sum is that of the tokens.
        buckets: The most tokens in each bucket, ascending. None: with `max_tokens` from 8 on in steps of a tenth.
        max_tokens: The most tokens of a batch, with its padding: a batch of documents of up to n tokens has
            `max_tokens // n` of them.
        pad: Value after the last token of a row.
        pad_to_bucket: Rows have the length of their bucket instead of the longest document of the batch, so that there
            are as many shapes as buckets.
        ragged: No padding: the tokens of all documents of a batch one after another, with their offsets.
        long: Documents longer than the last bucket, or than `max_tokens`: an "error"; "cut" to their first tokens; or
            "split" into several documents.
        labels: One label for each document, or an array of labels: a part of each batch.
        out_dtype: Type of `input_ids`; None keeps the tokens' type.
        batch_size: Documents in a batch (32, or as many as `max_tokens` allows).
        options: Remaining options: see `DocumentOptions` (`fastbatch.api.documents`).

    Returns:
        A loader of dicts: `input_ids` of shape (rows, width), or (tokens,) if ragged; `lengths`, int64 of shape
        (rows,); if ragged, `offsets`, int64 of shape (rows + 1,); and `labels` if given. Its `len` and its positions
        count batches; ranks have equally many, and `n_samples`, `split` and `select` count documents.

    Raises:
        ValueError: Boundaries that descend or lie outside the tokens, lengths with another sum, a document that is too
            long with long="error", no documents, bounds that do not ascend, or an option out of range.
        TypeError: Elements that are not integers, or more than one dimension.
        OSError, FormatError: A file cannot be read, or does not match its header.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> loader = fb.documents(np.arange(10, 19), lengths=[2, 4, 1, 2], max_tokens=6, buckets=[2, 4])
        >>> for batch in loader:
        ...     print(batch["input_ids"].tolist(), batch["lengths"].tolist())
        [[10, 11], [16, 0], [17, 18]] [2, 1, 2]
        [[12, 13, 14, 15]] [4]
        >>> ragged = fb.documents(np.arange(10, 19), lengths=[2, 4, 1, 2], batch_size=2, ragged=True)
        >>> batch = next(iter(ragged))
        >>> batch["input_ids"].tolist(), batch["offsets"].tolist()
        ([10, 11, 12, 13, 14, 15], [0, 2, 6])

    Source: `csrc/decode/documents_decoder.cpp`, `src/fastbatch/plan/buckets.py`.
    """
    one_of("long", long, LONG)
    chosen = DocumentOptions(**options)
    is_ragged, to_bound = flag("ragged", ragged), flag("pad_to_bucket", pad_to_bucket)
    if is_ragged and (to_bound or pad != 0):
        raise ValueError(f"{'pad_to_bucket' if to_bound else 'pad'}: only valid without ragged=True")
    name = f"{tokens}: " if is_path(tokens) else "tokens: "
    tokens, lengths = _without_lists(tokens, boundaries, lengths)
    source = open_one(backend, tokens, dtype, "write the documents of all into one file")
    if len(source.shape) != 1 or source.dtype.kind not in "iu":
        raise TypeError(f"tokens: expected integers in 1 dimension, found {source.dtype} {source.shape}")
    given, are_lengths = document_bounds(backend, source.shape[0], boundaries, lengths)
    budget = None if max_tokens is None else whole("max_tokens", max_tokens, 1, MOST)
    bounds = None if buckets is None else _bounds(buckets, budget)
    made = pieces(given, are_lengths, bounds[-1] if bounds else budget, long)
    if made.n == 0:
        raise ValueError("expected at least one document, found none")
    if bounds is None:
        longest = int(made.lengths.max())
        bounds = [longest] if budget is None else automatic_bounds(longest)
    element = source.dtype.newbyteorder("=") if out_dtype is None else element_type("out_dtype", out_dtype)
    refuse_narrow(backend, source, element, name)
    conversion = make_conversion(source.dtype, (1,), Field(None, element))
    batching = DocumentBatching(
        backend,
        source,
        made,
        conversion,
        fill_value("pad", pad, conversion.dtype),
        bounds,
        _sizes(bounds, budget, chosen.batch_size),
        to_bound,
        _common(chosen).engine(),
        _labels(labels, made, len(given) if are_lengths else len(given) - 1),
        flag("with_index", chosen.with_index),
        flag("drop_last", chosen.drop_last),
        not is_ragged,
    )
    return DocumentLoader.of(batching, np.arange(made.n), _common(chosen).plan(1, _no_weights))


def _without_lists(tokens: Any, boundaries: Any, lengths: Any) -> tuple[Any, Any]:
    """Return the tokens in one dimension and the lengths of the documents, if these are given as rows of lists."""
    if is_path(tokens):
        return tokens, lengths
    rows = lists_of(tokens) if is_arrow_array(tokens) else lists_in_python(tokens)
    if rows is None:
        return tokens, lengths
    if boundaries is not None or lengths is not None:
        raise ValueError("tokens: expected integers in 1 dimension beside boundaries or lengths, found rows of lists")
    return rows


def _common(chosen: DocumentOptions) -> LoaderOptions:
    """Return the options of the loader whose samples are batches."""
    return LoaderOptions(
        batch_size=1,
        shuffle=flag("shuffle", chosen.shuffle),
        seed=chosen.seed,
        shard=chosen.shard,
        tail=chosen.tail,
        threads=chosen.threads,
        prefetch=chosen.prefetch,
        prefetch_bytes=chosen.prefetch_bytes,
    )


def _no_weights() -> Any:
    raise AssertionError("documents are not drawn by weight")


def _bounds(buckets: Any, budget: int | None) -> list[int]:
    if isinstance(buckets, str) or not hasattr(buckets, "__iter__"):
        raise TypeError(f"buckets: expected a list of the most tokens of each, found {shown(buckets)}")
    bounds = [whole(f"buckets[{i}]", bound, 1, MOST) for i, bound in enumerate(buckets)]
    if not bounds:
        raise ValueError("buckets: expected at least one, found none")
    for i in range(1, len(bounds)):
        if bounds[i] <= bounds[i - 1]:
            raise ValueError(f"buckets: expected ascending numbers, found {bounds[i - 1]}, {bounds[i]}")
    if budget is not None and bounds[-1] > budget:
        raise ValueError(f"buckets: expected at most max_tokens, {budget}, found {bounds[-1]}")
    return bounds


def _sizes(bounds: Sequence[int], budget: int | None, batch_size: Any) -> list[int]:
    """Return the documents in a batch of each bucket."""
    size = None if batch_size is None else whole("batch_size", batch_size, 1, MOST)
    if budget is None:
        return [32 if size is None else size] * len(bounds)
    return [min(budget // max(bound, 1), MOST if size is None else size) for bound in bounds]


def pieces(given: NDArray[np.uint64], are_lengths: bool, limit: int | None, long: str) -> Documents:
    """Return the documents, of which those with more tokens than the limit are cut, split or refused."""
    lengths = given if are_lengths else np.diff(given)
    starts = np.zeros(len(lengths), np.uint64) if are_lengths or not len(lengths) else given[:-1]
    if are_lengths and len(lengths):
        starts[1:] = np.cumsum(lengths[:-1], dtype=np.uint64)
    if limit is None or not len(lengths) or int(lengths.max()) <= limit:
        return Documents(starts, lengths)
    if long == "error":
        refuse_long(lengths, limit)
    if long == "cut":
        return Documents(starts, np.minimum(lengths, np.uint64(limit)))
    counts = np.maximum(1, -(-lengths.astype(np.int64) // limit))
    of = np.repeat(np.arange(len(lengths)), counts)
    done = ((np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)) * limit).astype(np.uint64)
    return Documents(starts[of] + done, np.minimum(lengths[of] - done, np.uint64(limit)), of)


def _labels(labels: Any, made: Documents, n: int) -> NDArray[Any] | None:
    """Return the label of each document, or of each piece."""
    if labels is None:
        return None
    refuse_masked("labels", labels)
    found = elements(labels)
    if found.ndim == 0 or len(found) != n:
        raise ValueError(f"labels: expected one for each of {n} documents, found shape {found.shape}")
    each: NDArray[Any] = found if made.of is None else found[made.of]
    return each
