# SPDX-License-Identifier: MIT
"""`subset`: a loader over some of the samples of another."""

from __future__ import annotations

from typing import Any, TypeVar

from fastbatch.loader.loader import Loader

L = TypeVar("L", bound=Loader)


def subset(loader: L, indices: Any) -> L:
    """Return a loader over some of the samples of another, as `Loader.select`.

        train = fb.subset(fb.images("photos", size=224, shuffle=True), np.load("clean.npy"))

    Args:
        loader: Of numbered samples: of `arrays`, `images`, `windows`, `tokens`, a `DataGenerator`.
        indices: Numbers of samples, below 0 counted from the end; or one bool for each sample. They are copied.

    Raises:
        TypeError: No loader; no integers; samples without numbers: text, generator functions, streams.
        IndexError: An index outside the data, a mask of another length.
    """
    if not isinstance(loader, Loader):
        raise TypeError(f"subset: expected a Loader, found {type(loader).__name__}")
    return loader.select(indices)
