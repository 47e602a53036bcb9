# SPDX-License-Identifier: MIT
"""Safetensors files: a JSON header behind its length in 8 bytes, then the tensors, which are mapped."""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np

from fastbatch.checks import shown
from fastbatch.errors import FormatError

from .local_file import open_regular
from .opener import Opener

MOST_HEADER_BYTES = 100_000_000  # the format's own limit
TYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
}


def is_safetensors(head: bytes) -> bool:
    """Return whether a file begins like a safetensors file: a length, then an object."""
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= MOST_HEADER_BYTES


def open_safetensors(opener: Opener, path: str) -> dict[str, Any]:
    """Return the tensors of a file by their names, each mapped.

    Raises:
        OSError: The file cannot be read.
        FormatError: The header contradicts the format, the file, or itself; or a type that NumPy lacks.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if length > min(MOST_HEADER_BYTES, size - 8):
            raise FormatError(
                "file ends early", path=path, offset=0, expected=f"a header of {length} bytes", found=size
            )
        text = file.read(length)
    try:
        header = json.loads(text, object_pairs_hook=lambda pairs: _object(path, pairs))
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError(f"header is not JSON: {error!s:.100}", path=path, offset=8) from None
    if not isinstance(header, dict):
        raise FormatError("no header", path=path, offset=8, expected="an object", found=shown(header))
    header.pop("__metadata__", None)
    start = 8 + length
    tensors = {name: _tensor(opener, path, name, about, start, size) for name, about in header.items()}
    end = 0
    for name, about in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, behind = about["data_offsets"]
        if begin != end:
            what = f"tensor {shown(name)}: place"
            raise FormatError(
                what, path=path, offset=8, expected=f"the bytes from {end} on", found=f"those from {begin} on"
            )
        end = behind
    if start + end != size:
        raise FormatError("file too long", path=path, expected=f"{start + end} bytes", found=size)
    return tensors


def _object(path: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; a name that comes twice is an error, since either tensor could be meant."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise FormatError(f"name {shown(name)}", path=path, offset=8, expected="each name once", found="it again")
        found[name] = value
    return found


def _tensor(opener: Opener, path: str, name: str, about: Any, start: int, size: int) -> Any:
    kind = about.get("dtype") if isinstance(about, dict) else None
    if not isinstance(kind, str) or kind not in TYPES:
        what = f"tensor {shown(name)}: type"
        raise FormatError(what, path=path, offset=8, expected=", ".join(TYPES), found=shown(kind))
    shape, place = about.get("shape"), about.get("data_offsets")
    if not _are_counts(shape) or not _are_counts(place) or len(place) != 2:
        what = f"tensor {shown(name)}: header"
        raise FormatError(what, path=path, offset=8, expected="a shape and two offsets", found=shown(about))
    dtype = np.dtype(TYPES[kind])
    n_bytes = math.prod(shape) * dtype.itemsize
    if place[1] - place[0] != n_bytes or start + place[1] > size:
        expected = f"{n_bytes} bytes in a file of {size}"
        found = f"bytes {start + place[0]} to {start + place[1]}"
        raise FormatError(f"tensor {shown(name)}: place", path=path, offset=8, expected=expected, found=found)
    return opener.raw(path, dtype, shape, start + place[0])


def _are_counts(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(number) is int and 0 <= number < 2**62 for number in numbers)
