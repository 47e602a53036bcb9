# SPDX-License-Identifier: MIT
"""Errors of data. Wrong arguments raise `ValueError` or `TypeError`; errors of the system stay `OSError`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

_EXPECTED_FOUND = re.compile(r"expected (?P<expected>.+), found (?P<found>.+)\Z", re.DOTALL)


class FastbatchError(Exception):
    """Base class of fastbatch's own errors. The message has the place, the problem, the expected and the found value.

    `cats/0412.jpg: sample 1821: JPEG ends early: expected 375 rows, found 212`

    Args:
        message: The problem, without the place; may end in "expected ..., found ...".

    Attributes:
        path: The file, as the user named it, or None.
        sample: Index in the data set, independent of shuffling, or None.
        offset: Byte offset in the file, or None.
        expected: The expected value, as in the message, or None.
        found: The found value, as in the message, or None.
        message: The message without the place.
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
        told = _EXPECTED_FOUND.search(message)
        if expected is None and found is None and told:
            expected, found = told["expected"], told["found"]
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
        """Pickle with the place, so that the error can be passed between processes."""
        return partial(type(self), path=self.path, sample=self.sample, offset=self.offset), (self.message,)


class FormatError(FastbatchError, ValueError):
    """A file's header or structure violates its format."""


class EncodingError(FormatError, UnicodeDecodeError):
    """A text file has bytes that are invalid in its encoding; `offset` is the file offset of the first one.

    As a UnicodeDecodeError it has `encoding`, `reason`, and the invalid bytes in `object[start:end]`.
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
    """A saved state does not fit the loader that should resume from it."""


class ClosedError(FastbatchError, RuntimeError):
    """The loader was closed before or during its use."""


@contextmanager
def reading_state(what: str) -> Iterator[None]:
    """Convert errors while reading a state to StateError; `what` names the expected kind of state."""
    try:
        yield
    except StateError:
        raise
    except KeyError as error:
        raise StateError(f"not {what}: {error} is missing") from error
    except (TypeError, ValueError) as error:
        raise StateError(f"not {what}: {error}") from error


def refuse_copy(iterator: Any) -> NoReturn:
    """The `__reduce__` of iterators: raise TypeError, since a copy would take batches from the original."""
    raise TypeError("an iterator cannot be copied or pickled; its loader can, and goes on from where it stands")


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an exception, if this Python supports notes."""
    if hasattr(error, "add_note"):  # Python 3.11
        error.add_note(note)
