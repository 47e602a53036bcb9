# SPDX-License-Identifier: MIT
"""C functions of users that the worker threads call on each sample: from Cython, Numba or C.

The contract is `src/fastbatch/include/fastbatch/transform.h`; in Cython, `cimport` it from `fastbatch.transform`.
Source: `csrc/decode/transform_decoder.cpp`.
"""

from __future__ import annotations

import ctypes
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastbatch.plan.streams import USER, stream

_SIGNATURE = re.compile(r"int \((struct )?(fastbatch_sample|void) ?\*, ?void ?\*\)( noexcept)?( nogil)?")
EXPECTED = "int (fastbatch_sample *, void *)"


class Sample(ctypes.Structure):
    """`fastbatch_sample` for ctypes; `transform.h` documents the fields."""

    _fields_ = (
        ("size", ctypes.c_uint64),
        ("data", ctypes.c_void_p),
        ("itemsize", ctypes.c_uint64),
        ("type", ctypes.c_int64),
        ("ndim", ctypes.c_int64),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("index", ctypes.c_uint64),
        ("seed", ctypes.c_uint64),
        ("epoch", ctypes.c_uint64),
        ("random", ctypes.c_uint64),
    )


@dataclass(frozen=True)
class NativeTransform:
    """A C function and its user data.

    Attributes:
        owners: Objects that must live as long as the pointers are used.
    """

    address: int
    user_data: int
    owners: tuple[Any, ...]

    def __post_init__(self) -> None:
        if self.address == 0:
            raise ValueError("transform: expected a function, found a null pointer")

    def __reduce__(self) -> Any:
        raise TypeError("a transform is an address in this process: it cannot be pickled or copied to another")


def get_include() -> str:
    """Return the folder of fastbatch's C header, for the compiler's option `-I` and `#include <fastbatch/transform.h>`.

    Returns:
        An absolute path.

    Example:
        >>> import fastbatch as fb
        >>> from pathlib import Path
        >>> Path(fb.get_include(), "fastbatch/transform.h").is_file()
        True

    Source: `src/fastbatch/include/fastbatch/transform.h`.
    """
    return str(Path(__file__).parents[1] / "include")


def native_transform(given: Any) -> NativeTransform | None:
    """Return the C function behind `given`, or None for a Python function.

    Args:
        given: A `scipy.LowLevelCallable`, a ctypes function pointer, a Numba `@cfunc`, a capsule (as in the
            `__pyx_capi__` of a Cython module), or a pair of one of the last three and its user data: an array, a
            ctypes pointer or a capsule.

    Raises:
        TypeError: None of those, or a wrong signature, as far as it can be checked.
        ValueError: A null pointer.
    """
    scipy = sys.modules.get("scipy")
    if scipy is not None and isinstance(given, scipy.LowLevelCallable):
        address, context = _capsule(tuple.__getitem__(given, 0))
        return NativeTransform(address, context, (given,))
    if isinstance(given, tuple):
        if len(given) != 2:
            raise TypeError(f"transform: expected a function, or (function, user_data), found {len(given)} items")
        function = native_transform(given[0])
        if function is None:
            raise TypeError("transform: user data is for C functions; a Python function knows its own")
        return NativeTransform(function.address, _user_data(given[1]), given)
    if isinstance(given, _FUNCTION.__mro__[1]):
        _check_ctypes(given)
        pointer: Any = given
        return NativeTransform(ctypes.cast(pointer, ctypes.c_void_p).value or 0, 0, (given,))
    if type(given).__name__ == "PyCapsule":
        address, context = _capsule(given)
        return NativeTransform(address, context, (given,))
    if isinstance(getattr(given, "address", None), int) and hasattr(given, "ctypes"):  # Numba
        _check_ctypes(given.ctypes)
        return NativeTransform(given.address, 0, (given,))
    if callable(given):
        return None
    raise TypeError(f"transform: expected a Python function or a C function, found {type(given).__name__}")


def call_transform(transform: NativeTransform, array: np.ndarray[Any, Any], index: int, seed: int, epoch: int) -> int:
    """Run a transform on one sample, in place, as the core does, and return its result."""
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    random = int(stream(seed, epoch, index, operation=USER).bit_generator.random_raw())
    sample = Sample(
        ctypes.sizeof(Sample),
        array.ctypes.data,
        array.itemsize,
        ord(array.dtype.char),
        array.ndim,
        ctypes.cast(shape, ctypes.POINTER(ctypes.c_int64)),
        index,
        seed,
        epoch,
        random,
    )
    status: int = _FUNCTION(transform.address)(ctypes.byref(sample), transform.user_data)
    return status


_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Sample), ctypes.c_void_p)
_capsule_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_capsule_context = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object)(("PyCapsule_GetContext", ctypes.pythonapi))


def _capsule(capsule: Any) -> tuple[int, int]:
    """Return the pointer and the context of a capsule; its name, if any, must be the right signature."""
    name = _capsule_name(capsule)
    if name is not None and not _SIGNATURE.fullmatch(name.decode()):
        raise _wrong_signature(name.decode())
    return _capsule_pointer(capsule, name) or 0, _capsule_context(capsule) or 0


def _check_ctypes(function: Any) -> None:
    arguments = function.argtypes
    fits = function.restype is ctypes.c_int and (arguments is None or len(arguments) == 2)
    if not fits or any(kind is not ctypes.c_void_p and not hasattr(kind, "contents") for kind in arguments or ()):
        names = ", ".join(kind.__name__ for kind in arguments or ())
        raise _wrong_signature(f"{getattr(function.restype, '__name__', None)} ({names})")


def _user_data(given: Any) -> int:
    if given is None:
        return 0
    if isinstance(given, np.ndarray):
        if not given.flags.c_contiguous or given.dtype.hasobject:
            raise TypeError("transform: expected user data in a dense array of numbers")
        return given.ctypes.data
    if isinstance(given, (ctypes.Array, ctypes.Structure)):
        return ctypes.addressof(given)
    if isinstance(given, (ctypes.c_void_p, ctypes._Pointer)):
        return ctypes.cast(given, ctypes.c_void_p).value or 0
    if type(given).__name__ == "PyCapsule":
        return _capsule_pointer(given, _capsule_name(given)) or 0
    raise TypeError(
        f"transform: expected user data as an array, a ctypes pointer or a capsule, found {type(given).__name__}"
    )


def _wrong_signature(found: str) -> TypeError:
    return TypeError(f"transform: expected a function of signature {EXPECTED}, found {found}")
