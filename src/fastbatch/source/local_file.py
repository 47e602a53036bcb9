# SPDX-License-Identifier: MIT
"""Regular local files. Other kinds are rejected: reading a FIFO would block until it has a writer."""

from __future__ import annotations

import errno
import os
import stat
from typing import IO, Any

Path = str | bytes | os.PathLike[str]
HEAD_BYTES = 512  # enough to recognise any format


def expanded(path: Any) -> Any:
    """Return a path as str or bytes, with the user's home in place of a first `~`."""
    return os.path.expanduser(os.fspath(path))


def path_bytes(name: str, path: str | bytes | os.PathLike[str]) -> bytes:
    """Return a path as bytes, or raise ValueError if it contains a null byte."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError(f"{name}: embedded null byte in {os.fsdecode(encoded)!r}")
    return encoded


def not_a_file(mode: int, path: str) -> OSError:
    """Return the error for a folder, a pipe or a device used as a file."""
    if stat.S_ISDIR(mode):
        return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return OSError(errno.ESPIPE, "Not a regular file", path)


def open_regular(path: Path) -> IO[bytes]:
    """Open a regular file for reading; anything else is an error.

    Raises:
        OSError: With errno and the file name.
    """
    text = os.fsdecode(path)
    mode = os.stat(text).st_mode
    if not stat.S_ISREG(mode):
        raise not_a_file(mode, text)
    return open(text, "rb")


def read_head(path: Path) -> bytes:
    """Return the first `HEAD_BYTES` of a file."""
    with open_regular(path) as file:
        return file.read(HEAD_BYTES)
