# SPDX-License-Identifier: MIT
"""The errors of data. Bad arguments raise `ValueError` or `TypeError`; errors of the system stay `OSError`."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import Any, NoReturn

_EXPECTED_FOUND = re.compile(r"expected (?P<expected>.+), found (?P<found>.+)\Z", re.DOTALL)


class FastbatchError(Exception):
    """Base class of fastbatch's own errors.

    The message gives the place, the problem, and the expected and the found value:
    `cats/0412.jpg: sample 1821: JPEG ends early: expected 375 rows, found 212`

    Args:
        message: The problem, without the place. It may end in "expected ..., found ...".
        path: The file.
        sample: Index of the sample in the data set, before shuffling.
        offset: Position in the file, in bytes.
        expected, found: The expected and the found value.

    Attributes:
        path: The file as the user wrote it, or None.
        sample: Index of the sample in the data set, before shuffling, or None.
        offset: Position in the file, in bytes, or None.
        expected: The expected value, in the message's words, or None.
        found: The found value, or None.
        message: The message without the place.

    Example:
        >>> import fastbatch as fb
        >>> try:
        ...     fb.raw("train.bin", "uint16", (200_000, 8))
        ... except fb.FastbatchError as error:
        ...     print(error)
        ...     print(error.path, error.offset, error.expected, error.found, sep=" | ")
        train.bin: byte 0: array ends early: expected 3200000 bytes, found 211964
        train.bin | 0 | 3200000 bytes | 211964
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
        """Pickle the place too, so that another process can raise the error."""
        return partial(type(self), path=self.path, sample=self.sample, offset=self.offset), (self.message,)


class FormatError(FastbatchError, ValueError):
    """A file's header or structure does not conform to its format.

    Example:
        >>> import fastbatch as fb
        >>> fb.npy("labels.csv")
        Traceback (most recent call last):
            ...
        fastbatch.errors.FormatError: labels.csv: another format: expected a .npy array, found ...
    """


class EncodingError(FormatError, UnicodeDecodeError):
    r"""The bytes of a text file are not in the given encoding; `offset` is the first wrong byte's position in the file.

    As a UnicodeDecodeError it has `encoding`, `reason`, and in `object[start:end]` the bytes that cannot be decoded.

    Args:
        encoding: Name of the encoding.
        object: The bytes that cannot be decoded.
        reason: The problem.
        path: The file.
        offset: Position of the bytes in the file.

    Example:
        >>> import fastbatch as fb
        >>> from pathlib import Path
        >>> _ = Path("latin.txt").write_bytes(b"caf\xe9\n")
        >>> next(iter(fb.lines("latin.txt")))
        Traceback (most recent call last):
            ...
        fastbatch.errors.EncodingError: latin.txt: byte 3: not utf-8 text: ...
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
    """The bytes of one sample cannot be decoded.

    Example:
        >>> import fastbatch as fb
        >>> with open("images/0.jpg", "rb") as file:
        ...     content = file.read()
        >>> fb.decode(content[:2000])
        Traceback (most recent call last):
            ...
        fastbatch.errors.DecodeError: JPEG ends early: ...
    """


class StateError(FastbatchError, ValueError):
    """A saved state does not fit the loader that loads it.

    Example:
        >>> import fastbatch as fb
        >>> state = fb.arrays("x.npy").state_dict()
        >>> fb.arrays("y.npy").load_state_dict(state)
        Traceback (most recent call last):
            ...
        fastbatch.errors.StateError: ...
    """


class ClosedError(FastbatchError, RuntimeError):
    """The loader was closed before or while it was used.

    Example:
        >>> import fastbatch as fb
        >>> loader = fb.arrays("x.npy")
        >>> loader.close()
        >>> next(iter(loader))
        Traceback (most recent call last):
            ...
        fastbatch.errors.ClosedError: the loader is closed
    """


NO_PILLOW = "images need Pillow where the compiled core does not decode them: pip install pillow"
SIGNALS = (StopIteration, GeneratorExit)  # how the protocol of iterators says "the end"


def signal_error(error: BaseException, name: str, when: str = "") -> RuntimeError:
    """Return the error to raise for a StopIteration or GeneratorExit of the user's code called by our `__next__`.

    It must not pass for the end of our iterator (PEP 479). Raise it `from error`.

    Args:
        error: The exception.
        name: The user's function.
        when: Appended to the message.
    """
    return RuntimeError(f"{name} raised {type(error).__name__}{when}")


def name_of(function: Any) -> str:
    """Return the name of a user's function, for messages."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__qualname__", None) or type(function).__name__)


def refuse_copy(iterator: Any) -> NoReturn:
    """Serve as the `__reduce__` of iterators: a copy would take prefetched batches from the original."""
    raise TypeError("an iterator cannot be copied or pickled; its loader can, and goes on from where it stands")


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an exception, if Python supports it (3.11)."""
    if hasattr(error, "add_note"):  # Python 3.11
        error.add_note(note)
