# SPDX-License-Identifier: MIT
"""Regular local files. Other kinds are rejected: reading a FIFO would block until it has a writer."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator
from typing import Any

from fastbatch.checks import LONGEST_SHOWN, shown

from .remote.urls import as_url

Path = str | bytes | os.PathLike[str]
MOST_PATH_BYTES = 4096
MOST_SAMPLE_BYTES = 1 << 30  # kMaxSampleBytes in the core
HEAD_BYTES = 512  # enough to recognise any format


def path_bytes(name: str, path: str | bytes | os.PathLike[str]) -> bytes:
    """Return a path as bytes, with the user's home in place of a first `~`; of an object in a store, that of a copy.

    Raises:
        TypeError, ValueError: Not a path; a null byte.
        OSError: ENAMETOOLONG for more bytes than a path has on any system; its message has the first of them. An object
            that cannot be read.
    """
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"{name}: expected a path, found {shown(path)}")
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError(f"{name}: embedded null byte in {shown(os.fsdecode(encoded))}")
    if len(encoded) > MOST_PATH_BYTES:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), os.fsdecode(encoded[:LONGEST_SHOWN]) + "...")
    url = as_url(os.fsdecode(encoded)) if b"://" in encoded[:32] else None
    if url is not None:
        from .remote.copies import copy_of

        return os.fsencode(copy_of(url))
    return os.path.expanduser(encoded) if encoded[:1] == b"~" else encoded


def path_text(name: str, path: str | bytes | os.PathLike[str]) -> str:
    """Return a path as str; see `path_bytes`."""
    return os.fsdecode(path_bytes(name, path))


def not_a_file(mode: int, path: str) -> OSError:
    """Return the error for a folder, a pipe or a device used as a file."""
    if stat.S_ISDIR(mode):
        return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return OSError(errno.ESPIPE, "Not a regular file", path)


class NamedFile(io.FileIO):
    """A file whose errors have its name: those of `read` have none."""

    def readinto(self, buffer: Any) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise self._named(error) from None

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            raise self._named(error) from None

    def _named(self, error: OSError) -> OSError:
        return OSError(error.errno, error.strerror, self.name)


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file for reading; anything else is an error.

    Raises:
        OSError: With errno and the file name, as all errors of reading have.
    """
    return io.BufferedReader(open_unbuffered(path))


def open_unbuffered(path: Path) -> NamedFile:
    """Open a regular file as `open_regular` does, without a buffer."""
    text = os.fsdecode(path)
    mode = os.stat(text).st_mode
    if not stat.S_ISREG(mode):
        raise not_a_file(mode, text)
    return NamedFile(text)


def read_sample(path: Path) -> bytes:
    """Return the content of a file; OSError (EFBIG) for one that is too large for a sample, as in the core."""
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > MOST_SAMPLE_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), os.fsdecode(path))
        return file.read()


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Give errors of the system that name no file, as those of writing, the name of this one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = path
        raise


def write_whole(path: str, content: bytes) -> None:
    """Write a file; one that is there already stays as it is until all of its successor is on the disk.

    Raises:
        OSError: With the name of the file.
    """
    target = os.path.realpath(path)
    with naming(path):
        if os.path.exists(path) and not os.path.isfile(path):  # a pipe, a terminal
            with open(path, "wb") as file:
                file.write(content)
            return
        unfinished = f"{target}.{secrets.token_hex(4)}.part"
        try:
            with open(unfinished, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(OSError):
                os.chmod(unfinished, stat.S_IMODE(os.stat(target).st_mode))
            os.replace(unfinished, target)
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None
        finally:
            with contextlib.suppress(OSError):
                os.unlink(unfinished)


def read_head(path: Path) -> bytes:
    """Return the first `HEAD_BYTES` of a file."""
    with open_regular(path) as file:
        return file.read(HEAD_BYTES)
