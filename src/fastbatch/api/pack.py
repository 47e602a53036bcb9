# SPDX-License-Identifier: MIT
"""`pack`: documents of tokens packed into contexts, for language models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastbatch.batch.tree import is_path, packer
from fastbatch.calls import takes
from fastbatch.checks import element_type, one_of, shown, whole
from fastbatch.decode.conversion import Conversion, Field, make_conversion
from fastbatch.loader.engine import Recipe
from fastbatch.loader.options import LoaderKeywords, LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.mapped import elements
from fastbatch.source.formats import as_rows, open_array
from fastbatch.source.packing import NUMBERS, PackPart

from .backend import Backend
from .tokens import check_bounds, open_one, refuse_narrow

if TYPE_CHECKING:
    from typing_extensions import Unpack

MAX_CONTEXT = 2**31 - 1
MAX_WINDOW = 2**31 - 1
LONG = ("split", "cut", "error")


@takes(LoaderOptions)
def pack(
    backend: Backend,
    tokens: Any,
    dtype: DTypeLike | None = None,
    context: SupportsIndex = 2048,
    *,
    boundaries: Any = None,
    lengths: ArrayLike | None = None,
    long: Literal["split", "cut", "error"] = "split",
    packing_window: SupportsIndex = 16384,
    targets: Literal["next"] | None = None,
    pad: SupportsIndex = 0,
    ignore: SupportsIndex = -100,
    out_dtype: DTypeLike | None = "int64",
    **options: Unpack[LoaderKeywords],
) -> SampleLoader:
    """Return a loader of documents packed into contexts, so that little of a batch is padding.

    A sample is one pack: several whole documents, one after another. They are packed once, when the loader is made:
    best fit, decreasing, within windows of neighbouring documents. An epoch visits each pack once; `shuffle` shuffles
    packs.

    Args:
        tokens: Integers in one dimension: an array, a .npy file, or a raw file with `dtype`.
        dtype: Type of a raw file; otherwise None.
        context: Tokens of a pack.
        boundaries: Where documents begin and end, as an array or a .npy file: document d has the tokens
            `boundaries[d]` to `boundaries[d + 1]`.
        lengths: Instead of boundaries: the number of tokens of each document. Their sum is that of the tokens.
        long: Documents longer than the context: "split" into several pieces, each with its own segment and positions;
            "cut" to their first tokens; or an "error".
        packing_window: Documents that are packed together: more fill the packs better, and bring distant documents
            together.
        targets: "next": a fourth part, the token after each one in its document.
        pad: Value of `input_ids` after the last document of a pack.
        ignore: Value of `targets` at the last token of a piece and after the last document; -100 is what loss
            functions of PyTorch and Hugging Face leave out.
        out_dtype: Type of `input_ids` and `targets`; None keeps the tokens' type.
        batch_size: Packs in a batch (32).
        options: Remaining options: see `LoaderOptions` (`fastbatch.loader.options`).

    Returns:
        A loader of dicts of arrays of shape (batch, context): `input_ids`; `segment_ids`, int32, the number of the
        document in its pack from 1 on, 0 where there is padding; `position_ids`, int32, the position in the document
        from 0 on; and `targets` if asked for.

    Raises:
        ValueError: Boundaries that descend or lie outside the tokens, lengths with another sum, a document longer than
            the context with long="error", no tokens, or an option out of range.
        TypeError: Elements that are not integers, or more than one dimension.
        OSError, FormatError: A file cannot be read, or does not match its header.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> packs = fb.pack(np.arange(10, 19), context=5, lengths=[3, 4, 2], batch_size=2)
        >>> batch = next(iter(packs))
        >>> batch["input_ids"].tolist()
        [[10, 11, 12, 17, 18], [13, 14, 15, 16, 0]]
        >>> batch["segment_ids"].tolist()
        [[1, 1, 1, 2, 2], [1, 1, 1, 1, 0]]
        >>> batch["position_ids"].tolist()
        [[0, 1, 2, 0, 1], [0, 1, 2, 3, 0]]

    Source: `csrc/plan/packing.cpp`, `csrc/decode/packed_decoder.cpp`; Ding et al., "Fewer truncations improve language
    modeling", 2024.
    """
    size = whole("context", context, 1, MAX_CONTEXT)
    one_of("long", long, LONG)
    if targets not in ("next", None):
        raise ValueError(f"targets: expected 'next' or None, found {shown(targets)}")
    source = open_one(backend, tokens, dtype, "fb.concat(*packs) joins the packs of several")
    if len(source.shape) != 1 or source.dtype.kind not in "iu":
        raise TypeError(f"tokens: expected integers in 1 dimension, found {source.dtype} {source.shape}")
    given, are_lengths = document_bounds(backend, source.shape[0], boundaries, lengths)
    if long == "error":
        refuse_long(given if are_lengths else np.diff(given), size)
    windows = whole("packing_window", packing_window, 1, MAX_WINDOW)
    packing = backend.pack_documents(given, are_lengths, size, windows, long == "split")
    if packing.n == 0:
        raise ValueError("expected at least one document with tokens, found none")
    element = source.dtype.newbyteorder("=") if out_dtype is None else element_type("out_dtype", out_dtype)
    place = f"{tokens}: " if is_path(tokens) else "tokens: "
    refuse_narrow(backend, source, element, place)
    parts: dict[str, Any] = {}
    names: list[PackPart] = ["input_ids", *NUMBERS, *(["targets"] if targets else [])]  # type: ignore[list-item]
    for name in names:
        fill = {"input_ids": ("pad", pad), "targets": ("ignore", ignore)}.get(name)
        conversion = make_conversion(source.dtype, (size,), Field(None, element))
        if fill is None:
            conversion = Conversion(np.dtype("i4"), (size,), is_copy=True)
        value = 0 if fill is None else fill_value(*fill, conversion.dtype)
        parts[name] = backend.packed_column(source, packing, name, conversion, value)
    chosen = LoaderOptions(**options)
    plan = chosen.plan(packing.n, _no_labels)
    structure = {name: i for i, name in enumerate(parts)}
    return SampleLoader(Recipe(backend, tuple(parts.values()), packer(structure), chosen.engine(), kind="pack"), plan)


def _no_labels() -> Any:
    raise ValueError("balance='classes': packs of documents have no labels")


def fill_value(name: str, value: Any, dtype: np.dtype[Any]) -> int:
    """Return the value of padding, which the batch's type can hold."""
    if dtype.kind not in "iu":
        return whole(name, value, -(2**63))
    limits = np.iinfo(dtype)
    return whole(name, value, int(limits.min), int(limits.max))


def document_bounds(backend: Backend, n: int, boundaries: Any, lengths: Any) -> tuple[NDArray[np.uint64], bool]:
    """Return the boundaries or the lengths of the documents, checked, and whether they are lengths."""
    if (boundaries is None) == (lengths is None):
        raise ValueError(f"expected boundaries or lengths, found {'neither' if lengths is None else 'both'}")
    if lengths is None:
        return check_bounds(backend, n, boundaries).astype(np.uint64), False
    found = elements(as_rows(open_array(backend, lengths)))
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise TypeError(f"lengths: expected integers in 1 dimension, found {found.dtype} {found.shape}")
    wrong = np.flatnonzero(found < 0)
    if len(wrong):
        raise ValueError(f"lengths: document {wrong[0]}: expected at least 0 tokens, found {found[wrong[0]]}")
    total = int(found.sum(dtype=np.uint64)) if len(found) == 0 or int(found.max()) <= n else int(found.max())
    if total != n:
        raise ValueError(f"lengths: expected a sum of {n}, the number of tokens, found {total}")
    return found.astype(np.uint64, copy=False), True


def refuse_long(lengths: NDArray[Any], context: int) -> None:
    """Raise ValueError for a document with more tokens than a context."""
    wrong = np.flatnonzero(lengths > context)
    if len(wrong):
        raise ValueError(f"document {wrong[0]}: expected at most {context} tokens, found {lengths[wrong[0]]}")
