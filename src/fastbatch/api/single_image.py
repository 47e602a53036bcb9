# SPDX-License-Identifier: MIT
"""`decode`, `resize`, `probe`: single images, exactly as Pillow gives them."""

from __future__ import annotations

from typing import Any, Literal

from fastbatch.checks import whole
from fastbatch.decode.image_options import check_truncated, pixel_limit
from fastbatch.decode.single_image import Array, Box, check_decode, check_resize, records
from fastbatch.errors import DecodeError

from .backend import Backend
from .image_data import open_files


def decode(
    backend: Backend,
    path_or_bytes: Any,
    mode: Literal["L", "RGB", "RGBA", "I;16", "I"] | None = None,
    exif: Literal["ignore", "apply"] = "ignore",
    max_pixels: int | None = None,
    on_truncated: Literal["raise", "fill"] = "raise",
) -> Array:
    """Return the pixels of one image, exactly as Pillow gives them.

    JPEG, PNG and WebP are recognised by content and decoded natively, without the GIL; other formats are decoded by
    Pillow if it is installed. The first image of an animation is decoded.

    Args:
        path_or_bytes: A path (str, os.PathLike), or the content of a file (bytes, bytearray, memoryview, ...).
        mode: Pillow's name of the colours, as for `Image.convert`: "L", "RGB", "RGBA", "I;16" or "I". None keeps the
            mode of the file, as `np.asarray(Image.open(file))` does; of a palette image the indices.
        exif: "apply" rotates the image upright, as `ImageOps.exif_transpose` does; "ignore" returns it as stored.
        max_pixels: Larger images are refused (default: 178,956,970, where Pillow stops).
        on_truncated: "fill": of a truncated or damaged file, the pixels that Pillow gives with LOAD_TRUNCATED_IMAGES;
            what is missing is gray or black. It needs Pillow. "raise": such a file is an error.

    Returns:
        Shape (height, width), or (height, width, channels) for more than one channel: uint8; bool for 1-bit files
        without a mode; uint16 for "I;16", int32 for "I".

    Raises:
        DecodeError: Not an image, a broken image, more than `max_pixels`, or pixels that the mode cannot hold.
        OSError: The file cannot be read.
        TypeError, ValueError: An option out of range.

    Example:
        >>> import fastbatch as fb
        >>> pixels = fb.decode("images/0.jpg")
        >>> pixels.shape, pixels.dtype
        ((280, 320, 3), dtype('uint8'))

    Source: `csrc/codecs/file_reader.h`.
    """
    path, limit = check_decode(path_or_bytes, mode, exif), pixel_limit(max_pixels)
    fills = check_truncated(on_truncated)
    try:
        return backend.decode_image(path, path_or_bytes, mode, exif, limit, fills)
    except DecodeError as error:
        raise DecodeError(error.message, path=path) from error.__cause__


def resize(
    backend: Backend,
    array: Any,
    size: int | tuple[int, int],
    filter: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] = "bilinear",
    box: Box | None = None,
) -> Array:
    """Return an image resized exactly as Pillow's `Image.resize` does it.

    Colours with alpha, (height, width, 2 or 4), are weighted by alpha, as by Pillow for "LA" and "RGBA". The bytes are
    the same on every machine. On 64-bit Arm Pillow's own differ in the last place of some uint16, int32 and float32.

    Args:
        array: uint8 of shape (height, width) or (height, width, 1 to 4); or uint16, int32 or float32 of shape
            (height, width).
        size: (height, width) in pixels, or one number for both.
        filter: Resampling filter. All but "nearest" are antialiased.
        box: Part of the image to resize: left, top, right and bottom edge in pixels, which may be fractions. None: all.

    Returns:
        An image of the same dtype and number of channels.

    Raises:
        ValueError: A size or a box out of range, or an unknown filter.
        TypeError: An array of another dtype or shape.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> fb.resize(np.array([[0, 100], [100, 200]], np.uint8), (2, 4))
        array([[  0,  25,  75, 100],
               [100, 125, 175, 200]], dtype=uint8)

    Source: `csrc/image/resize_array.h`.
    """
    pixels, height, width, edges = check_resize(array, size, filter, box)
    return backend.resize_image(pixels, height, width, filter, edges)


def probe(backend: Backend, paths: Any, threads: int | None = None, max_pixels: int | None = None) -> Array:
    """Return size, format, mode and orientation of image files, without decoding them.

    Only the first 64 KB of a JPEG are read if they are sufficient; the headers of PNG and WebP may need the end of the
    file.

    Args:
        paths: A path, or several; or a folder: all images in it, in the order of `images(folder, labels=None)`; or
            images in memory: `encoded([...])`; or tar archives.
        threads: Threads that read; None: the CPUs available to this process.
        max_pixels: Larger images are an error in their record (default: 178,956,970, where Pillow stops).

    Returns:
        A structured array with one record per file. Fields: `width` and `height` in pixels, as stored, before the
        orientation is applied; `format` ("JPEG", "PNG", "WEBP", or Pillow's name); `mode` (Pillow's name);
        `orientation` (EXIF, 1 to 8); `error`: None, or a message, with the other fields 0 or empty.

    Raises:
        ValueError, TypeError: A folder without images, paths of another type, or an option out of range.
        OSError: The folder cannot be read. Errors of a file are in its record.

    Example:
        >>> import fastbatch as fb
        >>> found = fb.probe("images")
        >>> found["width"].tolist()
        [320, 320, 320, 320, 320, 320, 320, 320]
        >>> found[0].tolist()
        (320, 280, 'JPEG', 'RGB', 1, None)

    Source: `csrc/codecs/probe.h`.
    """
    n_threads = None if threads is None else whole("threads", threads, 1, 1024)
    return records(backend.probe_images(open_files(backend, paths), n_threads, pixel_limit(max_pixels)))
