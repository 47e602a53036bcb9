# SPDX-License-Identifier: MIT
"""`class_weight`: weights of the classes, for Keras's `fit`."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastbatch.checks import refuse_masked, whole_numbers
from fastbatch.loader.loader import Loader
from fastbatch.mapped import elements


def class_weight(labels: Any) -> dict[int, float]:
    """Return the weight of each class, so that all classes together weigh the same: for `fit(class_weight=...)`.

    A class with `k` of `n` samples has the weight `n / (k * number of classes)`, as scikit-learn's "balanced".

    Args:
        labels: Class numbers of shape (n,), or one row for each sample with a 1 at its class, (n, classes). Or a loader
            with `labels`, as `images` and `arrays(x, y)` return: after `split` or `select`, those of its own samples.

    Returns:
        The weights by class number, of the classes that occur.

    Raises:
        TypeError: A loader without labels, or labels that are not integers.
        ValueError: No labels, or a row without exactly one class.

    Example:
        >>> import fastbatch as fb
        >>> fb.class_weight([0, 0, 0, 1])
        {0: 0.6666666666666666, 1: 2.0}
        >>> train, validation = fb.images("photos/train", size=64).split(0.25)
        >>> sorted(fb.class_weight(train))
        [0, 1, 2]

    Source: `src/fastbatch/api/class_weight.py`.
    """
    if isinstance(labels, Loader):
        labels = getattr(labels, "labels", None)
        if labels is None:
            raise TypeError("class_weight: the loader has no labels; give those of its samples")
    elif not hasattr(labels, "__array__") and not isinstance(labels, list | tuple):
        raise TypeError(f"class_weight: expected labels or a loader, found {type(labels).__name__}")
    refuse_masked("class_weight", labels)
    given = elements(labels)
    if given.size == 0:
        raise ValueError("class_weight: expected at least one label, found none")
    if given.ndim == 2:
        given = _classes_of(given)
    if given.ndim != 1 or given.dtype.kind not in "iub":
        what = f"{given.dtype} of shape {given.shape}"
        raise TypeError(f"class_weight: expected integers, or one row for each sample, found {what}")
    numbers = given if given.dtype.kind == "b" else whole_numbers("class_weight", given)
    classes, counts = np.unique(numbers.astype(np.int64), return_counts=True)
    weights = len(given) / (counts * len(classes))
    return dict(zip(classes.tolist(), weights.tolist(), strict=True))


def _classes_of(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    found = np.count_nonzero(rows, axis=1)
    wrong = np.flatnonzero(found != 1)
    if len(wrong):
        i = int(wrong[0])
        raise ValueError(f"class_weight: expected one class in each row, found {found[i]} in row {i}")
    classes: np.ndarray[Any, Any] = np.argmax(rows != 0, axis=1)
    return classes
