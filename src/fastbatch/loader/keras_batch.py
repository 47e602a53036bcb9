# SPDX-License-Identifier: MIT
"""Batches in the form in which Keras's adapters take them on each backend: no lists, no text of NumPy."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

_TEXT_KINDS = "UST"  # str, bytes and NumPy's StringDType; "O" may be text


def for_keras(batch: Any) -> Any:
    """Return a batch for Keras: a tuple or a dict.

    Lists become tuples, which all backends take as a structure: TensorFlow's `from_generator` takes no lists. Texts, as
    an array or a list of `str` or `bytes`, become a tensor of strings of TensorFlow.

    Raises:
        TypeError: Text, where Keras does not run on TensorFlow.
    """
    converted = _converted(batch)
    return converted if isinstance(converted, tuple | dict) else (converted,)


def without_index(batch: Any, has_changed: bool) -> Any:
    """Return a batch of a loader with `with_index` without its last part, which Keras would take for sample weights.

    Args:
        has_changed: The user's functions have changed the batch.

    Raises:
        TypeError: They seem to have kept the index.
    """
    if not has_changed:
        return batch[:-1]
    last = batch[-1] if isinstance(batch, tuple | list) and len(batch) > 1 else None
    if isinstance(last, np.ndarray) and last.dtype == np.int64 and last.ndim == 1 and len(batch) != 2:
        raise TypeError(
            "with_index: Keras would take the index in these batches for sample weights; leave it out in map()"
        )
    return batch


def _converted(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _converted(value) for key, value in part.items()}
    if isinstance(part, tuple) and hasattr(part, "_fields"):
        return type(part)(*map(_converted, part))
    if isinstance(part, list | tuple) and not _is_list_of_text(part):
        return tuple(map(_converted, part))
    return _strings(part) if _is_text(part) else part


def _is_list_of_text(part: Any) -> bool:
    return isinstance(part, list) and len(part) > 0 and all(isinstance(item, str | bytes) for item in part)


def _is_text(part: Any) -> bool:
    if isinstance(part, list):
        return True
    if not isinstance(part, np.ndarray):
        return False
    kind = part.dtype.kind
    return kind in _TEXT_KINDS or (kind == "O" and part.size > 0 and isinstance(part.flat[0], str | bytes))


def _strings(texts: Any) -> Any:
    config = sys.modules.get("keras.src.backend.config")
    backend = config.backend() if config is not None else "unknown"
    if backend != "tensorflow":
        raise TypeError(
            f"text reaches a model only where Keras runs on TensorFlow, and it runs on {backend}; map() the batches "
            "with a layer such as TextVectorization, called outside of the model"
        )
    return sys.modules["tensorflow"].constant(np.asarray(texts, dtype=object), "string")
