# SPDX-License-Identifier: MIT
"""Batches of documents of similar length: which documents share a batch, by buckets of lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.uint64]

STEP = 1.1  # from one bucket's bound to the next, as in Tensor2Tensor: about 5 % of a batch is padding
SHORTEST = 8  # the first bucket's bound


@dataclass(frozen=True, eq=False)
class Buckets:
    """The batches of an epoch, in the order of their first documents. Immutable.

    Each bucket has the documents of similar lengths. They are permuted in each epoch and then cut into batches, so that
    batch k of an epoch is found without those before it. All arrays are uint64.

    Attributes:
        members: The documents, bucket by bucket.
        ends: Of each bucket, the member after its last.
        widths: Of each bucket, the tokens of a row; 0: those of the longest document of the batch.
        firsts: Of each batch, its first member.
        counts: Of each batch, its documents.
        rows: Of each batch, its rows: more than documents if batches are filled up.
        max_rows: The most rows of a batch.
    """

    members: Array
    ends: Array
    widths: Array
    firsts: Array
    counts: Array
    rows: Array
    max_rows: int

    @property
    def n_batches(self) -> int:
        """Batches of an epoch, over all ranks."""
        return len(self.firsts)


def automatic_bounds(longest: int) -> list[int]:
    """Return the bounds of buckets up to a length, each a tenth above the one before it."""
    bounds = [min(SHORTEST, longest)]
    while bounds[-1] < longest:
        bounds.append(min(max(bounds[-1] + 1, int(bounds[-1] * STEP)), longest))
    return bounds


def make_buckets(
    documents: NDArray[Any],
    lengths: NDArray[Any],
    bounds: Sequence[int],
    sizes: Sequence[int],
    *,
    drop_last: bool,
    is_filled: bool,
    to_bound: bool,
) -> Buckets:
    """Return the batches of some documents.

    Args:
        documents: Their numbers.
        lengths: Tokens of each of them.
        bounds: The most tokens in each bucket, ascending.
        sizes: Documents in a batch of each bucket.
        drop_last: Omit the smaller last batch of each bucket.
        is_filled: All batches of a bucket have equally many rows.
        to_bound: Rows have the length of their bucket's bound.
    """
    bucket = np.searchsorted(np.asarray(bounds), lengths, "left")
    members = np.argsort(bucket, kind="stable")
    in_bucket = np.bincount(bucket, minlength=len(bounds))
    ends = np.cumsum(in_bucket)
    firsts, counts, rows = [], [], []
    for begin, n, size in zip((ends - in_bucket).tolist(), in_bucket.tolist(), sizes, strict=True):
        at = np.arange(0, n - size + 1 if drop_last else n, size)
        count = np.minimum(size, n - at)
        firsts.append(begin + at)
        counts.append(count)
        rows.append(np.full(len(at), size) if is_filled else count)
    first, count, row = (np.concatenate(one) if one else np.empty(0, int) for one in (firsts, counts, rows))
    order = np.argsort(members[first], kind="stable")
    widths = np.asarray(bounds) if to_bound else np.zeros(len(bounds), int)
    return Buckets(
        documents[members].astype(np.uint64),
        ends.astype(np.uint64),
        widths.astype(np.uint64),
        first[order].astype(np.uint64),
        count[order].astype(np.uint64),
        row[order].astype(np.uint64),
        int(row.max(initial=1)),
    )
