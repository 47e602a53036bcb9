# SPDX-License-Identifier: MIT
"""Single images: decode a file, resize an array, ask files what they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastbatch import _core
from fastbatch.checks import whole
from fastbatch.decode.image_options import FILTERS
from fastbatch.errors import DecodeError
from fastbatch.source.image_folder import list_images

from . import pillow as foreign

Array = np.ndarray[Any, Any]
Box = tuple[float, float, float, float]

MODES = ("L", "RGB", "RGBA", "I;16", "I")
EXIF = ("ignore", "apply")
PROBED = np.dtype(
    [("width", "i4"), ("height", "i4"), ("format", "U16"), ("mode", "U8"), ("orientation", "u1"), ("error", "O")]
)
_AT_ONCE = 4096  # files between two looks at Ctrl-C


def decode(path_or_bytes: Any, mode: str | None = None, exif: str = "ignore") -> Array:
    """Return the pixels of one image, exactly as Pillow gives them.

    JPEG, PNG and WebP are recognised by content and decoded natively, other threads running meanwhile; other formats go
    through Pillow if it is installed. Of an animation, the first image.

    Args:
        path_or_bytes: A path (str, os.PathLike), or what a file holds (bytes, bytearray, memoryview, ...).
        mode: The colours wanted, by Pillow's name, as for `Image.convert`: "L", "RGB", "RGBA", "I;16" or "I". None
            keeps the file's own: what `np.asarray(Image.open(file))` gives, of a palette the indices.
        exif: "apply" turns the picture upright, as `ImageOps.exif_transpose` does; "ignore" gives it as it is stored.

    Returns:
        (height, width), or (height, width, channels) of more than one: uint8; bool of 1-bit files without a mode;
        uint16 for "I;16", int32 for "I".

    Raises:
        DecodeError: No image, a broken one, one of more than 178,956,970 pixels, or one that this mode cannot hold.
        OSError: The file cannot be read.

    Source: `csrc/decode/image_file_reader.h`.
    """
    path = check_decode(path_or_bytes, mode, exif)
    try:
        if path is None:
            decoded = _core.decode_bytes(path_or_bytes, mode or "")
        else:
            decoded = _core.decode_file(path, mode or "")
        if isinstance(decoded, str):  # why the core does not know it
            content = bytes(path_or_bytes) if path is None else read_file(path)
            return foreign.decode(content, mode, exif, decoded)
    except DecodeError as error:
        raise DecodeError(error.message, path=path) from error.__cause__
    pixels, stored_mode, orientation = decoded
    if mode == "I":
        pixels = pixels.astype(np.int32)
    elif mode is None and stored_mode == "1":
        pixels = pixels.view(np.bool_) if pixels.max(initial=0) <= 1 else pixels != 0
    return turned_upright(pixels, orientation) if exif == "apply" else pixels


def check_decode(path_or_bytes: Any, mode: Any, exif: Any) -> bytes | None:
    """Return the path as bytes, or None of bytes in memory.

    Raises:
        TypeError, ValueError: Arguments of another kind.
    """
    if mode is not None and mode not in MODES:
        raise ValueError(f"mode: expected None or one of {', '.join(MODES)}, found {mode!r}")
    if exif not in EXIF:
        raise ValueError(f"exif: expected one of {', '.join(EXIF)}, found {exif!r}")
    if isinstance(path_or_bytes, (str, os.PathLike)):
        path = os.fsencode(path_or_bytes)
        if b"\0" in path:
            raise ValueError(f"path: embedded null byte in {os.fsdecode(path)!r}")
        return path
    try:
        contiguous = memoryview(path_or_bytes).c_contiguous
    except TypeError:
        raise TypeError(f"expected a path or bytes, found {type(path_or_bytes).__name__}") from None
    if not contiguous:
        raise ValueError("expected bytes that lie side by side, found a view with gaps")
    return None


def read_file(path: bytes) -> bytes:
    """Return what a file holds."""
    with open(path, "rb") as file:
        return file.read()


def turned_upright(pixels: Array, orientation: int) -> Array:
    """Return the picture as the camera was held; `orientation` is EXIF's, 1 to 8."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def resize(array: Any, size: int | tuple[int, int], filter: str = "bilinear", box: Box | None = None) -> Array:
    """Return an image resized exactly as Pillow's `Image.resize` does it.

    Colours with alpha, (height, width, 2 or 4), are weighted by it, as Pillow does for "LA" and "RGBA".

    Args:
        array: uint8 (height, width) or (height, width, 1 to 4); or uint16, int32 or float32 (height, width).
        size: (height, width), or one number for both.
        filter: "nearest", "box", "bilinear", "hamming", "bicubic" or "lanczos", all antialiased but the first.
        box: The part that is resized: left, top, right and bottom edge in pixels, whole or not.

    Raises:
        ValueError: A size or a box that makes no sense.
        TypeError: An array of another type or shape.

    Source: `csrc/decode/resize_array.h`.
    """
    pixels, height, width, edges = check_resize(array, size, filter, box)
    return _core.resize_array(np.ascontiguousarray(pixels), height, width, filter, edges)


def check_resize(array: Any, size: Any, filter_name: str, box: Any) -> tuple[Array, int, int, Box | None]:
    """Return the array, the height, the width and the box, checked."""
    pixels = np.asarray(array)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    deep = pixels.dtype in (np.uint16, np.int32, np.float32)
    channels = pixels.shape[2] if pixels.ndim == 3 and not deep else 1 if pixels.ndim == 2 else 0
    if not (deep or pixels.dtype == np.uint8) or not 1 <= channels <= 4:
        raise TypeError(
            "expected uint8 of shape (height, width) or (height, width, 1 to 4), or uint16, int32 or float32 of shape "
            f"(height, width), found {pixels.dtype} of shape {pixels.shape}"
        )
    if pixels.size == 0:
        raise ValueError(f"expected at least one pixel, found shape {pixels.shape}")
    sides = tuple(size) if isinstance(size, Iterable) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"size: expected (height, width), or one number for both, found {size!r}")
    height, width = (whole("size", side, 1, 65535) for side in sides)
    if filter_name not in FILTERS:
        raise ValueError(f"filter: expected one of {', '.join(FILTERS)}, found {filter_name!r}")
    return pixels, height, width, None if box is None else check_box(box, pixels.shape[0], pixels.shape[1])


def check_box(box: Any, height: int, width: int) -> Box:
    """Return a box that lies in the image and is not empty."""
    edges = tuple(float(edge) for edge in box)
    if len(edges) != 4 or not all(map(np.isfinite, edges)):
        raise ValueError(f"box: expected (left, top, right, bottom), found {box!r}")
    left, top, right, bottom = np.array(edges, np.float32).tolist()
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise ValueError(f"box: expected a part of {width} x {height} pixels, found {box!r}")
    return left, top, right, bottom


def probe(paths: Any, threads: int | None = None) -> Array:
    """Return what image files say of themselves, without decoding them.

    Of a JPEG only the first 64 KB are read, if they tell all; the header of a PNG or a WebP may go on at its end.

    Args:
        paths: Paths, or a folder: all images below it, in the order of `fb.images(folder, labels=None)`.
        threads: That read at once; None takes the CPUs that this process may use.

    Returns:
        One record a file, with the fields width, height, format ("JPEG", "PNG", "WEBP", or Pillow's name), mode
        (Pillow's name), orientation (EXIF's, 1 to 8) and error: None, or what is wrong with the file, all else then
        being 0 or empty. Width and height are as stored, before the orientation is applied.

    Source: `csrc/decode/probe.h`.
    """
    files = _core.FileList(list_images(paths, infer=False).paths)
    n_threads = _core.available_cpus() if threads is None else whole("threads", threads, 1, 1024)
    found: list[tuple[Any, ...]] = []
    for first in range(0, len(files), _AT_ONCE):
        n = min(_AT_ONCE, len(files) - first)
        for i, record in enumerate(_core.probe_images(files, first, n, n_threads), first):
            is_foreign, reason = record[-1], record[-2] or ""
            found.append(foreign.probe(files[i], reason) if is_foreign else record[:-1])
    return records(found)


def records(found: Sequence[tuple[Any, ...]]) -> Array:
    """Return the records as an array; those with an error have nothing else."""
    return np.array([record if record[-1] is None else (0, 0, "", "", 0, record[-1]) for record in found], PROBED)
