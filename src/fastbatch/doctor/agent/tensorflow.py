# SPDX-License-Identifier: MIT
"""tf.data: the iterators of eager loops."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from .imports import patches
from .record import Source, known, place_of_caller
from .torch import timed_next


@patches("tensorflow.python.data.ops.iterator_ops")
def patch_iterators(module: ModuleType) -> None:
    """Time the iterators of tf.data."""
    iterator: Any = vars(module)["OwnedIterator"]
    iterator.__next__ = timed_next(iterator.__next__, _source_of)


def _source_of(iterator: Any) -> Source:
    return known(Source("tf.data", "tf.data.Dataset", place_of_caller()))
