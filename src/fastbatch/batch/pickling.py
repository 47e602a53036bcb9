# SPDX-License-Identifier: MIT
"""Pickling of objects that hold native objects: by their constructor arguments."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class ByArguments:
    """An object that is pickled as its class and its constructor arguments."""

    _arguments: tuple[Any, ...]

    def __new__(cls, *arguments: Any) -> Any:
        made: Any = super().__new__(cls)
        made._arguments = arguments
        return made

    def __reduce__(self) -> Any:
        return _remake, (type(self), *map(pack, self._arguments))


class _Strided:
    """An array with overlapping rows, pickled as its memory; pickled as an array, each row would be copied."""

    def __init__(self, array: Array) -> None:
        reach = [(n - 1) * stride for n, stride in zip(array.shape, array.strides, strict=True)]
        low = sum(min(step, 0) for step in reach)
        extent = sum(max(step, 0) for step in reach) - low + array.itemsize
        place = (ctypes.c_uint8 * extent).from_address(array.ctypes.data + low)
        self._memory = np.ctypeslib.as_array(place).copy()
        self._offset = -low
        self._layout = (array.shape, array.dtype, array.strides)

    def array(self) -> Array:
        shape, dtype, strides = self._layout
        array: Array = np.ndarray(shape, dtype, self._memory, self._offset, strides)
        array.flags.writeable = False
        return array


def pack(argument: Any) -> Any:
    """Return the picklable form of an argument."""
    if not isinstance(argument, np.ndarray) or argument.size == 0:
        return argument
    reach = sum((n - 1) * abs(stride) for n, stride in zip(argument.shape, argument.strides, strict=True))
    return _Strided(argument) if reach + argument.itemsize < argument.nbytes else argument


def _remake(cls: type, *arguments: Any) -> Any:
    return cls(*map(unpack, arguments))


def unpack(argument: Any) -> Any:
    """Return the argument from its picklable form."""
    return argument.array() if isinstance(argument, _Strided) else argument
