# SPDX-License-Identifier: MIT
"""Errors of datasets and samplers: of torch's class, with a message that names the batch and the index."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastbatch.errors import add_note


def named(error: Exception, dataset: Any, index: Any, k: int) -> Exception:
    """Return an error of the same class that says which batch and index it is about.

    An error whose class wants other arguments than a message keeps its own, and gets a note.
    """
    return placed(error, f"batch {k}, {_culprit(error, dataset, index)}")


def placed(error: Exception, place: str) -> Exception:
    """Return an error of the same class whose message begins with a place."""
    if len(error.args) == 1 and isinstance(error.args[0], (str, int)):
        try:
            made = type(error)(f"{place}: {error.args[0]}")
        except Exception:
            add_note(error, f"fastbatch: {place}")
            return error
        if made.args:
            return made
    add_note(error, f"fastbatch: {place}")
    return error


def _culprit(error: Exception, dataset: Any, index: Any) -> str:
    """Return the first index of a batch that fails as the batch did, or all of them when none does by itself."""
    if isinstance(index, Iterable) and not isinstance(index, (str, bytes)):
        index = list(index)
        for one in index:
            if _fails(dataset, one, type(error)):
                return f"index {one!r}"
        if len(index) > 8:
            return f"indices {index[0]!r} to {index[-1]!r}"
    return f"index {index!r}"


def _fails(dataset: Any, index: Any, kind: type[Exception]) -> bool:
    try:
        dataset[index]
    except Exception as error:
        return type(error) is kind
    return False
