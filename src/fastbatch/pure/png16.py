# SPDX-License-Identifier: MIT
"""PNG files of 16 bits, whose colours Pillow does not read. In C++: `csrc/codecs/png_deep.cpp`, `png_rows.cpp`."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from fastbatch.decode.deep_image import with_colors

Array = np.ndarray[Any, Any]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
_WHOLE = [(0, 0, 1, 1)]
_PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def is_png16(content: bytes) -> bool:
    """Return whether a file that Pillow has opened is a PNG of 16 bits."""
    return (
        content.startswith(SIGNATURE)
        and next((data[8:9] for name, data in _chunks(content) if name == b"IHDR"), b"") == b"\x10"
    )


def deep_pixels(content: bytes, mode: str) -> Array:
    """Return the pixels of a PNG that Pillow has loaded, uint16, (height, width, channels).

    Args:
        content: The file.
        mode: "L", "RGB", "RGBA", or "stored".
    """
    stored, hidden = _stored(content)
    pixels = with_colors(stored, mode)
    if mode == "RGBA" and hidden is not None:
        pixels = pixels.copy()
        pixels[(stored == hidden).all(axis=2), 3] = 0
    return pixels


def _chunks(content: bytes) -> Any:
    at = len(SIGNATURE)
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += 12 + length


def _stored(content: bytes) -> tuple[Array, Array | None]:
    """Return the pixels as stored, and the transparent colour. Rows that are missing at the end are black."""
    hidden = None
    packed = b""
    width = height = color = interlaced = 0
    for name, data in _chunks(content):
        if name == b"IHDR" and not width:
            width, height, _, color, _, _, interlaced = struct.unpack(">IIBBBBB", data[:13])
        elif name == b"tRNS" and not packed and color in (0, 2):
            hidden = np.frombuffer(data[: 2 * _CHANNELS[color]], ">u2").astype(np.uint16)
        elif name == b"IDAT":
            packed += data
        elif packed:
            break
    n = _CHANNELS[color]
    pixels = np.zeros((height, width, n), np.uint16)
    raw = zlib.decompressobj().decompress(packed, height * (width * n * 2 + 1) + 16 * height + 64)
    at = 0
    for x, y, dx, dy in _PASSES if interlaced else _WHOLE:
        part = pixels[y::dy, x::dx]
        if part.size:
            at = _read_pass(raw, at, part)
    return pixels, hidden


def _read_pass(raw: bytes, at: int, part: Array) -> int:
    """Fill the rows of one pass; return where the next begins in the inflated data."""
    height, width, channels = part.shape
    bytes_per_pixel = 2 * channels
    size = width * bytes_per_pixel
    above = np.zeros(size, np.uint8)
    for row in range(height):
        if at + size + 1 > len(raw):
            return len(raw)
        line = np.frombuffer(raw, np.uint8, size, at + 1).copy()
        above = _unfiltered(raw[at], line, above, bytes_per_pixel)
        part[row] = above.view(">u2").reshape(width, channels)
        at += size + 1
    return at


def _unfiltered(kind: int, line: Array, above: Array, n: int) -> Array:
    """Return a row without its filter; `n` is the number of bytes of a pixel."""
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line.reshape(-1, n), axis=0, dtype=np.uint8).ravel()
    if kind == 2:
        return line + above
    out = bytearray(n) + bytearray(line.tobytes())  # a pixel of zeros to the left
    up = bytes(n) + above.tobytes()
    for i in range(n, len(out)):
        left, top, corner = out[i - n], up[i], up[i - n]
        out[i] = (out[i] + ((left + top) // 2 if kind == 3 else _paeth(left, top, corner))) & 255
    return np.frombuffer(bytes(out[n:]), np.uint8)


def _paeth(left: int, top: int, corner: int) -> int:
    guess = left + top - corner
    return min((abs(guess - left), 0, left), (abs(guess - top), 1, top), (abs(guess - corner), 2, corner))[2]
