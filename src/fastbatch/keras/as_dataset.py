# SPDX-License-Identifier: MIT
"""Lets objects be instances of `keras.utils.PyDataset` without importing Keras."""

from __future__ import annotations

from typing import Any

from .config import imported

_made: dict[tuple[type, type], type] = {}


def as_py_dataset(cls: type) -> type:
    """Return `cls`, or, once the user has imported Keras, a class that is also a PyDataset, for `__class__` to show.

    Keras asks `isinstance(x, PyDataset)` and then calls what `cls` defines itself; `type(x)` remains `cls`.
    """
    utils = getattr(imported("keras"), "utils", None)
    dataset: Any = getattr(utils, "PyDataset", None) or getattr(utils, "Sequence", None)
    if dataset is None:
        return cls
    if (cls, dataset) not in _made:
        _made[cls, dataset] = type(cls.__name__, (cls, dataset), {"__module__": cls.__module__})
    return _made[cls, dataset]
