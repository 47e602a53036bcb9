# SPDX-License-Identifier: MIT
"""`decode`, `resize`, `probe`: single images, exactly as Pillow gives them."""

from __future__ import annotations

from typing import Any, Literal

from fastbatch.checks import whole
from fastbatch.decode.image_options import pixel_limit
from fastbatch.decode.single_image import Array, Box, check_decode, check_resize, records
from fastbatch.errors import DecodeError
from fastbatch.source.image_folder import list_images
from fastbatch.source.samples import EncodedSamples, SampleSource

from .backend import Backend


def decode(
    backend: Backend,
    path_or_bytes: Any,
    mode: Literal["L", "RGB", "RGBA", "I;16", "I"] | None = None,
    exif: Literal["ignore", "apply"] = "ignore",
    max_pixels: int | None = None,
) -> Array:
    """Return the pixels of one image, exactly as Pillow gives them.

    JPEG, PNG and WebP are recognised by content and decoded natively, other threads running meanwhile; other formats go
    through Pillow if it is installed. Of an animation, the first image.

    Args:
        path_or_bytes: A path (str, os.PathLike), or what a file holds (bytes, bytearray, memoryview, ...).
        mode: The colours wanted, by Pillow's name, as for `Image.convert`: "L", "RGB", "RGBA", "I;16" or "I". None
            keeps the file's own: what `np.asarray(Image.open(file))` gives, of a palette the indices.
        exif: "apply" turns the picture upright, as `ImageOps.exif_transpose` does; "ignore" gives it as it is stored.
        max_pixels: Larger images are refused (default: 178,956,970, where Pillow stops).

    Returns:
        (height, width), or (height, width, channels) of more than one: uint8; bool of 1-bit files without a mode;
        uint16 for "I;16", int32 for "I".

    Raises:
        DecodeError: No image, a broken one, one of more than `max_pixels`, or one that this mode cannot hold.
        OSError: The file cannot be read.

    Source: `csrc/codecs/file_reader.h`.
    """
    path, limit = check_decode(path_or_bytes, mode, exif), pixel_limit(max_pixels)
    try:
        return backend.decode_image(path, path_or_bytes, mode, exif, limit)
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

    Colours with alpha, (height, width, 2 or 4), are weighted by it, as Pillow does for "LA" and "RGBA".

    Args:
        array: uint8 (height, width) or (height, width, 1 to 4); or uint16, int32 or float32 (height, width).
        size: (height, width), or one number for both.
        filter: "nearest", "box", "bilinear", "hamming", "bicubic" or "lanczos", all antialiased but the first.
        box: The part that is resized: left, top, right and bottom edge in pixels, whole or not.

    Raises:
        ValueError: A size or a box that makes no sense.
        TypeError: An array of another type or shape.

    Source: `csrc/image/resize_array.h`.
    """
    pixels, height, width, edges = check_resize(array, size, filter, box)
    return backend.resize_image(pixels, height, width, filter, edges)


def probe(backend: Backend, paths: Any, threads: int | None = None, max_pixels: int | None = None) -> Array:
    """Return what image files say of themselves, without decoding them.

    Of a JPEG only the first 64 KB are read, if they tell all; the header of a PNG or a WebP may go on at its end.

    Args:
        paths: Paths; or a folder: all images below it, in the order of `fb.images(folder, labels=None)`; or images in
            memory: `encoded([...])`.
        threads: That read at once; None takes the CPUs that this process may use.
        max_pixels: Larger images are an error in their record (default: 178,956,970, where Pillow stops).

    Returns:
        One record a file, with the fields width, height, format ("JPEG", "PNG", "WEBP", or Pillow's name), mode
        (Pillow's name), orientation (EXIF's, 1 to 8) and error: None, or what is wrong with the file, all else then
        being 0 or empty. Width and height are as stored, before the orientation is applied.

    Source: `csrc/codecs/probe.h`.
    """
    n_threads = None if threads is None else whole("threads", threads, 1, 1024)
    samples: SampleSource = paths if isinstance(paths, EncodedSamples) else list_images(paths, infer=False).samples
    return records(backend.probe_images(samples, n_threads, pixel_limit(max_pixels)))
