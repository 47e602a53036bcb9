# SPDX-License-Identifier: MIT
"""Nested data: a batch has the same nesting of tuples, lists and dicts as the data."""

from __future__ import annotations

import functools
import numbers
import operator
import os
from collections.abc import Callable, Sequence
from typing import Any

Structure = Any  # a leaf's index, or a tuple, list or dict of structures
Pack = Callable[[Sequence[Any]], Any]  # the leaves of a batch -> the nested batch


class PerSample(list[Any]):
    """A column with one array per sample, for samples of different shapes."""


def flatten(data: Any, arrays: tuple[type, ...] = (list, tuple)) -> tuple[list[Any], Structure]:
    """Return the leaves in order, and the structure with the leaves' indices.

    Tuples, lists and dicts are structure; `arrays` of plain numbers and all other objects are leaves.
    """
    leaves: list[Any] = []
    return leaves, _walk(data, leaves, arrays)


def _walk(data: Any, leaves: list[Any], arrays: tuple[type, ...]) -> Structure:
    if isinstance(data, dict):
        return {key: _walk(value, leaves, arrays) for key, value in data.items()}
    if isinstance(data, PerSample):
        leaves.append(data)
        return len(leaves) - 1
    if isinstance(data, (list, tuple)) and not (isinstance(data, arrays) and _is_numbers(data)):
        items = [_walk(value, leaves, arrays) for value in data]
        if isinstance(data, list):
            return items
        return type(data)(*items) if hasattr(data, "_fields") else tuple(items)
    leaves.append(data)
    return len(leaves) - 1


def _is_numbers(data: Sequence[Any]) -> bool:
    return len(data) > 0 and all(isinstance(item, (numbers.Number, bool)) for item in data)


def packer(structure: Structure) -> Pack:
    """Return the function that nests a batch's leaves as in `structure`."""
    if isinstance(structure, int):
        return operator.itemgetter(structure)
    if structure == tuple(range(len(structure))) and type(structure) is tuple:
        return tuple  # the common case (x, y)
    return functools.partial(_fill, structure)


def _fill(structure: Structure, leaves: Sequence[Any]) -> Any:
    if isinstance(structure, int):
        return leaves[structure]
    if isinstance(structure, dict):
        return {key: _fill(value, leaves) for key, value in structure.items()}
    items = [_fill(value, leaves) for value in structure]
    if isinstance(structure, list):
        return items
    return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)


def is_path(leaf: Any) -> bool:
    """Return whether a leaf is a file name."""
    return isinstance(leaf, (str, bytes, os.PathLike))
