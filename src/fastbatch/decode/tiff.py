# SPDX-License-Identifier: MIT
"""TIFF files with all their bits and channels, read by tifffile. Its decompression runs without the GIL."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastbatch.errors import DecodeError

from .pillow_image import TOO_LARGE, opened

Array = np.ndarray[Any, Any]

NO_TIFFFILE = "TIFF of more than 8 bits or of many channels needs tifffile: pip install fastbatch[tiff]"
MOST_CHANNELS = 512
NO_CODECS = "pip install imagecodecs"
_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BITS_PER_SAMPLE = 258
_DEFLATE = (8, 32946)
_MOST_UNPACKED = 1 << 30  # bytes of a compressed segment that are not looked at first
_MOST_RATIO = 1032  # of deflate
_PER_BYTE = 257
_WIDE = (np.dtype(np.int32), np.dtype(np.uint32))


def is_tiff(content: bytes) -> bool:
    """Return whether a file is a TIFF or BigTIFF, by its first bytes."""
    return content[:4] in _SIGNATURES


def is_for_pillow(content: bytes, max_pixels: int) -> bool:
    """Return whether Pillow opens a TIFF file and gives all bits of it.

    Raises:
        DecodeError: A larger image.
    """
    try:
        with opened(content, max_pixels) as image:
            bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (1,))
            return bool(max(bits if isinstance(bits, tuple) else (bits,)) <= 8)
    except DecodeError as error:
        if TOO_LARGE in error.message:
            raise
        return False


class Header:
    """The first image of a file, as far as it matters here.

    Attributes:
        channels: Samples of a pixel; or pages, if each has one sample and all have the same size.
        is_deep: Its samples have more than 8 bits.
    """

    def __init__(self, pages: Any, max_pixels: int) -> None:
        page = pages[0]
        self.width, self.height = int(page.imagewidth), int(page.imagelength)
        if self.width * self.height > max_pixels:
            found = f"{self.width} x {self.height}"
            raise DecodeError(f"{TOO_LARGE}: expected at most {max_pixels} pixels, found {found}")
        samples = int(page.samplesperpixel)
        self.stacked = samples == 1 and len(pages) > 1 and all(one.shape == page.shape for one in pages)
        self.channels = len(pages) if self.stacked else samples
        self.dtype = np.dtype(page.dtype) if page.dtype is not None else None
        if self.width * self.height == 0 or self.dtype is None or getattr(page, "imagedepth", 1) != 1:
            raise DecodeError("broken TIFF: expected an image of two dimensions and a known type, found another")
        if not 1 <= self.channels <= MOST_CHANNELS or self.width * self.height * self.channels > 4 * max_pixels:
            found = f"{self.width} x {self.height} pixels of {self.channels} channels"
            raise DecodeError(f"{TOO_LARGE}: expected at most {4 * max_pixels} values, found {found}")
        if self.dtype.kind not in "uif" or self.dtype.itemsize > 8:
            raise DecodeError(f"TIFF of another type: expected integers or floats, found {self.dtype}")
        self.is_palette = page.photometric is not None and int(page.photometric) == 3
        self.is_deep = not self.is_palette and self.dtype.itemsize > 1 and page.bitspersample > 8
        orientation = page.tags.get(274)
        value = 1 if orientation is None else orientation.value
        self.orientation = int(value) if value in range(1, 9) else 1

    @property
    def mode(self) -> str:
        """The type of the pixels that `stored_pixels` returns; "I;16" for one channel of 16 bits, as Pillow's."""
        if self.dtype in (np.uint8, np.uint16):
            return "I;16" if self.channels == 1 else f"uint16 x {self.channels}"
        return f"float32 x {self.channels}"

    @property
    def mask_mode(self) -> str:
        """The type of the pixels that `mask_pixels` returns; "I;16" for 16 bits, as Pillow's."""
        return self.dtype.name if self.dtype in _WIDE and self.channels == 1 else self.mode


def header_of(content: bytes, max_pixels: int) -> Header:
    """Return the header of a TIFF file.

    Raises:
        DecodeError: A broken or unsupported file, a larger image, or tifffile is not installed.
    """
    with _opened(content) as file:
        return Header(_pages(file), max_pixels)


def stored_pixels(content: bytes, max_pixels: int, first_page: bool) -> Array:
    """Return the channels of the first image: uint16, or float32 of the same values, (height, width, channels).

    Integers of 8 bits are times 257, so that 255 becomes 65535. White is the largest value.

    Args:
        first_page: Take the first page alone, not all as channels.
    """
    with _opened(content) as file:
        pages = _pages(file)
        header = Header(pages, max_pixels)
        used = pages if header.stacked and not first_page else pages[:1]
        planes = [_page(page, header) for page in used]
    pixels = planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)
    if pixels.dtype == np.uint8:
        return np.asarray(pixels.astype(np.uint16) * np.uint16(_PER_BYTE))
    return np.ascontiguousarray(pixels, np.uint16 if pixels.dtype == np.uint16 else np.float32)


def mask_pixels(content: bytes, max_pixels: int) -> Array:
    """Return the values of a mask of one channel: uint16, int32 or uint32, (height, width); float32 for other types."""
    with _opened(content) as file:
        pages = _pages(file)
        header = Header(pages, max_pixels)
        if header.dtype in _WIDE and header.channels == 1:
            return _page(pages[0], header)[..., 0]
    return stored_pixels(content, max_pixels, first_page=True)[..., 0]


def _page(page: Any, header: Header) -> Array:
    """Return one page, (height, width, samples)."""
    _refuse_bomb(page)
    pixels = np.asarray(page.asarray(maxworkers=1))
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    elif int(page.planarconfig) == 2:
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.shape[:2] != (header.height, header.width):
        size = f"{header.width} x {header.height} pixels"
        raise DecodeError(f"broken TIFF: expected {size}, found an array of shape {pixels.shape}")
    if page.photometric is not None and int(page.photometric) == 0:  # white is 0
        pixels = np.iinfo(pixels.dtype).max - pixels if pixels.dtype.kind == "u" else -pixels
    native: Array = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return native


def _refuse_bomb(page: Any) -> None:
    """Raise DecodeError for a deflated segment that unpacks to more than its pixels."""
    if int(page.compression) not in _DEFLATE:
        return
    most = int(page.nbytes) + 65536
    for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
        if size * _MOST_RATIO <= _MOST_UNPACKED:
            continue
        page.parent.filehandle.seek(offset)
        unpacker = zlib.decompressobj()
        unpacker.decompress(page.parent.filehandle.read(size), most)
        if unpacker.unconsumed_tail:
            raise DecodeError(f"broken TIFF: expected {page.nbytes} bytes of pixels, found more in one segment")


def _pages(file: Any) -> list[Any]:
    """Return the pages of the first image, all of them of one size; thumbnails and smaller copies follow them."""
    first = file.pages[0]
    pages = [first]
    for page in list(file.pages)[1 : MOST_CHANNELS + 1]:
        full = page.aspage()
        if full.shape != first.shape or full.dtype != first.dtype:
            break
        pages.append(full)
    return pages


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    """Yield the file; all errors of tifffile are DecodeError."""
    try:
        import tifffile
    except ModuleNotFoundError:
        raise DecodeError(NO_TIFFFILE) from None
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            yield file
    except DecodeError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # tifffile lets errors of struct, NumPy and zlib through
        if "imagecodecs" in str(error):
            raise DecodeError(f"TIFF of a compression that needs imagecodecs: {NO_CODECS}") from error
        raise DecodeError(f"broken TIFF: {type(error).__name__}: {str(error)[:200]}") from error
