# SPDX-License-Identifier: MIT
"""Notes of images that were filled: decoders make them, the engine reads them. In C++: `csrc/decode/filled.h`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from fastbatch.errors import DecodeError

_notes: ContextVar[list[DecodeError] | None] = ContextVar("notes", default=None)


@contextmanager
def collected() -> Iterator[list[DecodeError]]:
    """Yield the list of images that are filled inside, each as the error of the decode that failed."""
    found: list[DecodeError] = []
    token = _notes.set(found)
    try:
        yield found
    finally:
        _notes.reset(token)


def note_filled(error: DecodeError) -> None:
    """Note that an image was filled."""
    found = _notes.get()
    if found is not None:
        found.append(error)
