# SPDX-License-Identifier: MIT
"""`subset`: a loader over some of the samples of another."""

from __future__ import annotations

from typing import Any, TypeVar

from fastbatch.loader.loader import Loader

L = TypeVar("L", bound=Loader)


def subset(loader: L, indices: Any) -> L:
    """Return a loader over some of the samples of another, as `Loader.select`.

    Args:
        loader: A loader of numbered samples: `arrays`, `images`, `windows`, `tokens`, or a `DataGenerator`.
        indices: Indices of samples, in one dimension; negative ones count from the end. Or one bool per sample. Copied.

    Returns:
        A loader of the same kind.

    Raises:
        TypeError: Not a loader; indices that are not integers; samples without numbers: text, generator functions,
            streams.
        IndexError: An index out of range, or a mask of another length.

    Example:
        >>> import fastbatch as fb
        >>> clean = fb.subset(fb.images("photos/train", size=64, batch_size=8), range(0, 96, 2))
        >>> clean.n_samples
        48

    Source: `src/fastbatch/plan/plan.py`.
    """
    if not isinstance(loader, Loader):
        raise TypeError(f"subset: expected a Loader, found {type(loader).__name__}")
    return loader.select(indices)
