# SPDX-License-Identifier: MIT
"""Documents of different lengths in one array of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.plan.buckets import Buckets


@dataclass(frozen=True, eq=False)
class Documents:
    """Where the documents are. Immutable.

    Attributes:
        starts: First token of each document, uint64.
        lengths: Tokens of each document, uint64.
        of: The number of the document that each one is a piece of; None: all are whole.
    """

    starts: NDArray[np.uint64]
    lengths: NDArray[np.uint64]
    of: NDArray[np.int64] | None = None

    @property
    def n(self) -> int:
        """Number of documents, or of pieces."""
        return len(self.starts)

    def identity(self) -> Any:
        """Return the identity of the pieces, as a value for JSON."""
        import hashlib  # slow to import, and only states need it

        digest = hashlib.blake2b(digest_size=16)
        for array in (self.starts, self.lengths):
            digest.update(np.ascontiguousarray(array).data.cast("B"))
        return [self.n, digest.hexdigest()]


@dataclass(frozen=True, eq=False)
class DocumentBatches:
    """Documents and their division into batches: what the columns of a loader of documents need. Immutable.

    Attributes:
        is_shuffled: The documents of each bucket are permuted in each epoch.
        is_padded: Rows are padded; otherwise a batch has the documents one after another.
    """

    documents: Documents
    buckets: Buckets
    is_shuffled: bool
    is_padded: bool

    def arrays(self) -> tuple[NDArray[np.uint64], ...]:
        """Return the arrays in the order in which the core takes them."""
        b = self.buckets
        made = (self.documents.starts, self.documents.lengths, b.members, b.ends, b.widths, b.firsts, b.counts, b.rows)
        return tuple(np.ascontiguousarray(one, np.uint64) for one in made)

    def capacity(self) -> int:
        """Return the most elements of a batch."""
        b = self.buckets
        if not b.n_batches:
            return 1
        begins = np.concatenate([np.zeros(1, np.uint64), b.ends[:-1]])
        longest = b.widths.astype(np.int64) if self.is_padded else np.zeros(len(b.ends), np.int64)
        some = np.flatnonzero(b.ends > begins)
        if len(some):
            lengths = self.documents.lengths[b.members.astype(np.intp)].astype(np.int64)
            longest[some] = np.maximum(longest[some], np.maximum.reduceat(lengths, begins[some].astype(np.intp)))
        bucket = np.searchsorted(b.ends, b.firsts, "right")
        return max(1, int((longest[bucket] * b.rows.astype(np.int64)).max()))
