# SPDX-License-Identifier: MIT
"""The image formats that are decoded natively. The core's table is `csrc/codecs/registry.cpp`; a test compares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Codec:
    """One image format.

    Attributes:
        name: Pillow's name of it.
        title: Its name in messages.
        extensions: Of file names, in lower case.
        matches: Tells the format by the first bytes of a file.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    matches: Callable[[bytes], bool]


CODECS = (
    Codec("JPEG", "JPEG", ("jpg", "jpeg", "jpe", "jfif"), lambda head: head.startswith(b"\xff\xd8\xff")),
    Codec("PNG", "PNG", ("png", "apng"), lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    Codec("WEBP", "WebP", ("webp",), lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP"),
)


def codec_of(head: bytes) -> Codec | None:
    """Return the codec of a file by its first bytes, or None."""
    return next((codec for codec in CODECS if codec.matches(head)), None)
