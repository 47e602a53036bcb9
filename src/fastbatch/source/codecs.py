# SPDX-License-Identifier: MIT
"""The table of natively decoded image formats. It mirrors `csrc/codecs/registry.cpp`; a test compares the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Codec:
    """One image format.

    Attributes:
        name: Pillow's name.
        title: Name in messages.
        extensions: File name extensions, in lower case.
        matches: Returns whether the first bytes of a file are of this format.
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
