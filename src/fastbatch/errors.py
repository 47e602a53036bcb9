# SPDX-License-Identifier: MIT
"""What can go wrong with data. Bad arguments are `ValueError` or `TypeError`; what the system says stays `OSError`."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import Any, NoReturn

_EXPECTED_FOUND = re.compile(r"expected (?P<expected>.+), found (?P<found>.+)\Z", re.DOTALL)


class FastbatchError(Exception):
    """Base class of fastbatch's own errors. The message says where, what, and what was expected and found.

    `cats/0412.jpg: sample 1821: JPEG ends early: expected 375 rows, found 212`

    Args:
        message: What is wrong, without the place; may end in "expected ..., found ...".

    Attributes:
        path: The file, as the user wrote it, or None.
        sample: Index in the data set, before shuffling, or None.
        offset: Byte in the file, or None.
        expected: What should have been there, in the message's words, or None.
        found: What was there instead, or None.
        message: All of it without the place.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | bytes | os.PathLike[Any] | None = None,
        sample: int | None = None,
        offset: int | None = None,
        expected: object = None,
        found: object = None,
    ) -> None:
        self.path = None if path is None else os.fsdecode(path)
        self.sample = sample
        self.offset = offset
        match = _EXPECTED_FOUND.search(message)
        if expected is None and found is None and match:
            expected, found = match["expected"], match["found"]
        elif expected is not None and found is not None:
            message = f"{message}: expected {expected}, found {found}"
        self.expected = None if expected is None else str(expected)
        self.found = None if found is None else str(found)
        self.message = message
        place = "" if self.path is None else f"{self.path}: "
        place += "" if sample is None else f"sample {sample}: "
        place += "" if offset is None else f"byte {offset}: "
        super().__init__(place + message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the place, so that the error can come out of another process."""
        return partial(type(self), path=self.path, sample=self.sample, offset=self.offset), (self.message,)


class FormatError(FastbatchError, ValueError):
    """A file's header or structure is not what its format promises."""


class EncodingError(FormatError, UnicodeDecodeError):
    """A text file's bytes are not in the encoding that was named; `offset` is where in the file the first of them is.

    As a UnicodeDecodeError it has `encoding`, `reason`, and in `object[start:end]` the bytes that could not be decoded.
    """

    def __init__(
        self, encoding: str, object: bytes, reason: str, *, path: str | None = None, offset: int | None = None
    ) -> None:
        UnicodeDecodeError.__init__(self, encoding, object, 0, len(object), reason)
        self.path, self.sample, self.offset = path, None, offset
        self.expected = self.found = None
        self.message = f"not {encoding} text: {reason}: 0x{object.hex()}"
        self._place = ("" if path is None else f"{path}: ") + ("" if offset is None else f"byte {offset}: ")

    def __str__(self) -> str:
        return self._place + self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), path=self.path, offset=self.offset), (self.encoding, self.object, self.reason)


class DecodeError(FastbatchError, ValueError):
    """The bytes of one sample cannot be decoded."""


class StateError(FastbatchError, ValueError):
    """A saved state does not fit the loader that is to go on from it."""


class ClosedError(FastbatchError, RuntimeError):
    """The loader was closed before, or while, it was used."""


def refuse_copy(iterator: Any) -> NoReturn:
    """Be the `__reduce__` of iterators: a copy would share the work under way, and take batches from the original."""
    raise TypeError("an iterator cannot be copied or pickled; its loader can, and goes on from where it stands")


def add_note(error: BaseException, note: str) -> None:
    """Add a line to what is shown of an exception, where Python can."""
    if hasattr(error, "add_note"):  # Python 3.11
        error.add_note(note)
