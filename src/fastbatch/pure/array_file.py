# SPDX-License-Identifier: MIT
"""Array files as read-only NumPy arrays.

Files are mapped where possible, so that opening one takes no time and no memory. In C++: `csrc/source/`.
"""

from __future__ import annotations

import ast
import gzip
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike

from fastbatch.checks import shown
from fastbatch.errors import FormatError
from fastbatch.mapped import mapping_of
from fastbatch.source.formats import IDX_TYPES, NPY_MAGIC, is_idx
from fastbatch.source.identity import OpenedFile, opened_file
from fastbatch.source.local_file import Path, open_regular, path_bytes, path_text
from fastbatch.source.opener import raw_layout
from fastbatch.source.remote.urls import as_url
from fastbatch.source.structured import field_of, fields_of, records_in

from .stores import from_copy

Array = np.ndarray[Any, Any]

NPY_LONGEST_HEADER = 65536
MOST_DIMENSIONS = 64  # NumPy's limit


@dataclass(frozen=True)
class Place:
    """The location of an array: its file, its member in an archive, and its byte offset, if known."""

    path: str
    member: str = ""
    offset: int | None = 0

    def error(self, what: str, at: int = 0, expected: object = None, found: object = None) -> FormatError:
        """Return a FormatError for a position `at` bytes after the beginning."""
        what = f"member {self.member}: {what}" if self.member else what
        offset = None if self.offset is None else self.offset + at
        return FormatError(what, path=self.path, offset=offset, expected=expected, found=found)


@dataclass(frozen=True)
class Header:
    """The description of an array in its file."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int  # of the first element, from the beginning of the header
    order: str = "C"

    @property
    def n_bytes(self) -> int:
        """Size of all elements in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def npy(path: Path) -> Any:
    """Map a .npy file (NEP 1, versions 1 to 3). Records become a dict of their fields.

    Raises:
        OSError: The file cannot be read.
        FormatError: Not a .npy file, shorter than its header says, or an array of Python objects.
    """
    if (url := as_url(path)) is not None:
        return from_copy(url, npy)
    opened = opened_file(path_bytes("path", path))
    place = Place(opened.path)
    records = records_in(opened.path)
    if records is not None:
        rows = raw(opened.path, f"V{records.dtype.itemsize}", records.shape, records.offset)
        return fields_of(records.dtype, partial(field_of, rows.view(records.dtype)))
    with open_regular(opened.path) as file:
        size = os.fstat(file.fileno()).st_size
        header = _npy_header(file.read(NPY_LONGEST_HEADER + 12), size, place)
    return _map(opened, header)


def npz(path: Path, member: str | None = None) -> Any:
    """Open a .npz file: one member, or a dict of all of them.

    Raises:
        KeyError: There is no such member.
        OSError, FormatError: As for `npy`.
    """
    text = path_text("path", path)
    with open_regular(text) as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
            raise FormatError(f"not a .npz archive: {error}", path=text) from error
        names: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            if names.setdefault(info.filename.removesuffix(".npy"), info) is not info:
                raise FormatError(f"member {info.filename}: expected each name once, found it again", path=text)
        if member is None:
            return {name: _member(archive, info, text) for name, info in names.items()}
        member = member.removesuffix(".npy") if member not in names else member
        if member not in names:
            raise KeyError(f"{text}: expected member {shown(member)}, found {', '.join(names) or 'none'}")
        return _member(archive, names[member], text)


def raw(path: Path, dtype: DTypeLike, shape: Sequence[int] | int, offset: int = 0) -> Array:
    """Map a file without a header: elements from byte `offset` on.

    The first number of the shape may be -1: inferred from the file's size.

    Raises:
        OSError, FormatError: As for `npy`.
    """
    element, dimensions, offset = raw_layout(dtype, shape, offset)
    if (url := as_url(path)) is not None:
        array: Array = from_copy(url, lambda copy: raw(copy, element, dimensions, offset))
        return array
    opened = opened_file(path_bytes("path", path))
    place = Place(opened.path, offset=offset)
    is_open = dimensions[:1] == (-1,)
    header = Header(element, tuple(abs(length) for length in dimensions), offset)
    _check_product(header, Place(place.path, offset=None), 0)

    with open_regular(opened.path) as file:
        size = os.fstat(file.fileno()).st_size
    if offset > size:
        raise FormatError(
            "offset past the end", path=place.path, expected=f"at most {size} bytes", found=f"offset {offset}"
        )
    left = size - offset
    if is_open:
        row = header.n_bytes
        if row == 0:
            raise ValueError("shape: -1 cannot be worked out from rows of 0 bytes")
        if left % row:
            raise place.error("no whole number of rows", 0, f"a multiple of {row} bytes", left)
        header = Header(element, (left // row, *dimensions[1:]), offset)
    if header.n_bytes > left:
        raise place.error("array ends early", 0, f"{header.n_bytes} bytes", left)
    return _map(opened, header)


def idx(path: Path) -> Array:
    """Map an IDX file (the format of MNIST); a gzip-compressed file is inflated into memory.

    Raises:
        OSError, FormatError: As for `npy`.
    """
    opened = opened_file(path_bytes("path", path))
    place = Place(opened.path)
    with open_regular(opened.path) as file:
        if file.read(2) == b"\x1f\x8b":
            file.seek(0)
            return _inflated_idx(file, Place(place.path, offset=None))
        file.seek(0)
        header = _idx_header(file.read(4 + 4 * MOST_DIMENSIONS), place)
        expected, found = header.offset + header.n_bytes, os.fstat(file.fileno()).st_size
    if expected != found:
        what = "IDX file ends early" if expected > found else "IDX file too long"
        raise FormatError(what, path=place.path, expected=f"{expected} bytes", found=found)
    return _map(opened, header)


# ---- helpers ---------------------------------------------------------------------------------------------------------


class MappedFile(np.memmap[Any, Any]):
    """A mapped array that remembers the file as it was when it was opened."""

    file: OpenedFile | None = None


def _map(file: OpenedFile, header: Header) -> Array:
    if header.n_bytes == 0:  # nothing can be mapped
        array = np.empty(header.shape, header.dtype)
        array.flags.writeable = False
        return array
    order: Any = header.order
    try:
        mapped = MappedFile(file.path, header.dtype, "r", header.offset, header.shape, order)
    except OSError as error:  # `mmap` does not name the file
        raise OSError(error.errno, error.strerror, file.path) from None
    mapped.file = file
    return np.asarray(mapped)


def verify(array: Any, may_be_shorter: bool) -> None:
    """Raise FormatError if the file under a mapped array was written to since it was opened: costs one stat."""
    mapped = mapping_of(array)
    if isinstance(mapped, MappedFile) and mapped.file is not None:
        mapped.file.verify(may_be_shorter)


def _npy_header(head: bytes, size: int, place: Place) -> Header:
    """Return the header from the first bytes of a .npy file, or of a member, of `size` bytes."""
    if size == 0:
        raise place.error("not a .npy array: expected a header, found nothing (0 bytes)")
    if head[0] == 0x80:
        raise place.error(
            "a pickle: expected a .npy array; pickles are never read because reading them runs the code inside"
        )
    if not head.startswith(NPY_MAGIC[: len(head)]):
        raise place.error("not a .npy array: expected it to begin with \\x93NUMPY, found other bytes")
    if len(head) < 10:
        raise place.error(".npy header ends early", 0, "at least 10 bytes", len(head))
    version = head[6], head[7]
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise place.error("unknown .npy version", 6, "1.0, 2.0 or 3.0", f"{version[0]}.{version[1]}")
    start = 10 if version == (1, 0) else 12
    if len(head) < start:
        raise place.error(".npy header ends early", 8, "at least 12 bytes", len(head))
    end = start + int.from_bytes(head[8:start], "little")
    if end > size:
        raise place.error(".npy header ends early", 8, f"{end} bytes", size)
    if end > len(head):
        raise place.error(".npy header too long", 8, f"at most {len(head) - start} bytes", end - start)
    header = _npy_dict(head[start:end], version, end, place, start)
    _check_product(header, place, start)
    if header.n_bytes > size - end:
        raise place.error("array ends early", end, f"{header.n_bytes} bytes", size - end)
    return header


def _npy_dict(text: bytes, version: tuple[int, int], end: int, place: Place, at: int) -> Header:
    """Return the header from its Python dict."""
    try:
        source = text.decode("utf-8" if version == (3, 0) else "latin-1")
        if version < (3, 0):
            source = re.sub(r"(\d)L\b", r"\1", source)  # integers as written by Python 2
        content = ast.literal_eval(source.strip())
        descr, fortran_order, shape = (content.pop(key) for key in ("descr", "fortran_order", "shape"))
        ok = not content and isinstance(fortran_order, bool) and isinstance(shape, tuple) and len(shape) <= 64
        ok = ok and all(type(length) is int and length >= 0 for length in shape)
    except (ValueError, SyntaxError, TypeError, KeyError, AttributeError, RecursionError, MemoryError) as error:
        raise place.error(f"bad .npy header: {error}", at) from error
    if not ok:
        raise place.error(
            "bad .npy header",
            at,
            "the keys 'descr', 'fortran_order' and 'shape' with a type, a bool and lengths",
            source,
        )
    if not isinstance(descr, str):
        found = "a structured one: save its fields as arrays of their own"
        raise place.error("bad .npy header", at, "one element type, such as '<f4'", found)
    return Header(_element_type(descr, place, at), shape, end, "F" if fortran_order else "C")


def _element_type(descr: str, place: Place, at: int = 0) -> np.dtype[Any]:
    """Return the element type of a NumPy type string, if it is supported."""
    if descr.lstrip("<>|=").startswith("O"):
        raise place.error(
            f"elements are Python objects ('{descr}')",
            at,
            "numbers or strings of a fixed size",
            "pickles, which are never read because reading them runs the code inside",
        )
    try:
        dtype = np.dtype(descr)
    except (TypeError, ValueError, SyntaxError):
        dtype = np.dtype(object)
    if dtype.hasobject or dtype.fields or dtype.subdtype:
        raise place.error("unknown element type", at, "a NumPy type string such as '<f4'", f"'{descr}'")
    if dtype.itemsize == 0:
        raise place.error("element type of no size", at, "at least 1 byte", f"'{descr}'")
    return dtype


def _check_product(header: Header, place: Place, at: int) -> None:
    """Reject shapes whose size overflows in NumPy, even when one of the lengths is 0."""
    if math.prod(length or 1 for length in header.shape) * header.dtype.itemsize >= 2**63:
        raise place.error("array too large", at, "less than 2^63 bytes", "a shape that makes more")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> Array:
    """Return one array of an archive, read into memory; the core maps members that are not compressed."""
    place = Place(path, info.filename, None)
    if info.flag_bits & 1:
        raise place.error("expected a plain member, found an encrypted one")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise place.error(
            f"expected a stored (0) or deflated (8) member, found compression method {info.compress_type}"
        )
    try:
        with archive.open(info) as file:
            content = file.read(NPY_LONGEST_HEADER + 12)
            header = _npy_header(content, info.file_size, place)
            content += file.read(max(0, header.offset + header.n_bytes - len(content)))
            file.read(1)  # at the member's end zipfile compares the checksum; what lies beyond the array stays packed
    except FormatError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, OSError, MemoryError, OverflowError) as error:
        raise place.error(f"damaged: {error or 'the data end early'}") from error
    if len(content) < header.offset + header.n_bytes:
        raise place.error("damaged: the data end early")
    return _from_bytes(content, header)


def _from_bytes(content: bytes, header: Header) -> Array:
    order: Any = header.order
    elements: Array = np.frombuffer(content, header.dtype, math.prod(header.shape), header.offset)
    return elements.reshape(header.shape, order=order)


def _idx_header(head: bytes, place: Place) -> Header:
    if len(head) < 4:
        raise Place(place.path, offset=None).error("IDX header ends early", 0, "4 bytes", len(head))
    if not is_idx(head):
        magic = f"{int.from_bytes(head[:4], 'big')} as the magic number"
        raise place.error("not an IDX file", 0, "0, 0, a type (8 to 14) and at least 1 dimension", magic)
    n_dimensions, start = head[3], 4 + 4 * head[3]
    if n_dimensions > MOST_DIMENSIONS:
        raise place.error("IDX", 3, "at most 64 dimensions", n_dimensions)
    if len(head) < start:
        raise Place(place.path, offset=None).error("IDX header ends early", 0, f"{start} bytes", len(head))
    shape = struct.unpack(f">{n_dimensions}I", head[4:start])
    header = Header(np.dtype(IDX_TYPES[head[2]]), shape, start)
    _check_product(header, place, 4)
    return header


def _inflated_idx(file: IO[bytes], place: Place) -> Array:
    try:
        with gzip.GzipFile(fileobj=file) as inflated:
            head = inflated.read(4 + 4 * MOST_DIMENSIONS)
            header = _idx_header(head, place)
            expected = header.offset + header.n_bytes
            size = os.fstat(file.fileno()).st_size
            if expected > 1032 * size + 64:  # deflate's highest ratio
                found = f"a file of {size} bytes that cannot hold them"
                raise place.error("inflated IDX ends early", 0, f"{expected} bytes", found)
            content = head + inflated.read(max(0, expected - len(head)) + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise place.error(f"damaged compressed data: {error}") from error
    if len(content) > expected:
        raise place.error("inflated IDX too long", 0, f"{expected} bytes", "more")
    if len(content) < expected:
        raise place.error("inflated IDX ends early", 0, f"{expected} bytes", len(content))
    return _from_bytes(content, header)
