# SPDX-License-Identifier: MIT
"""The content of compressed files, read in order with bounded memory. Their names tell: .gz, .bz2, .xz, .zst.

The core inflates .gz itself for words and lines: `csrc/source/gzip_file.h`.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, BinaryIO

from fastbatch.errors import FormatError

from .local_file import Path, open_unbuffered

NO_ZSTD = "files in .zst need pyarrow or Python 3.14: pip install fastbatch[arrow]"
BUFFER_BYTES = 1 << 18
MOST_ITEM_BYTES = 1 << 28  # of a word or a line: a small file may hold any amount of data; `csrc/text/files.cpp` too


def _open_zstd(file: IO[bytes]) -> Any:
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]  # Python 3.14
    except ModuleNotFoundError:
        try:
            import pyarrow as arrow
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(NO_ZSTD, name=error.name) from None
        return arrow.CompressedInputStream(arrow.PythonFile(file, "r"), "zstd")
    return zstd.ZstdFile(file)


_CODECS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    ".gz": ("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    ".bz2": ("bzip2", bz2.BZ2File),
    ".xz": ("xz", lzma.LZMAFile),
    ".zst": ("zstd", _open_zstd),
}


def codec_name(path: Path) -> str | None:
    """Return "gzip", "bzip2", "xz" or "zstd" by the extension of a path; None if it is another."""
    found = _CODECS.get(os.path.splitext(os.fsdecode(path))[1].lower())
    return None if found is None else found[0]


def uncompressed_name(path: str) -> str:
    """Return a path without the extension of a compressed file: "a.csv" of "a.csv.gz"."""
    return path if codec_name(path) is None else os.path.splitext(path)[0]


class _Content(io.RawIOBase):
    """The content of a compressed file. Damage is a FormatError that names the file."""

    def __init__(self, path: Path) -> None:
        self.name = os.fsdecode(path)
        self._codec, opener = _CODECS[os.path.splitext(self.name)[1].lower()]
        self._file = open_unbuffered(path)
        try:
            if os.fstat(self._file.fileno()).st_size == 0:
                raise FormatError(
                    f"{self._codec} file ends early", path=self.name, expected="more", found="the end after 0 bytes"
                )
            self._content: Any = opener(io.BufferedReader(self._file, BUFFER_BYTES))
        except BaseException:
            self._file.close()
            raise

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._content.read(len(buffer))
        except EOFError:
            error = f"{self._codec} file ends early: expected more, found the end"
            raise FormatError(error, path=self.name) from None
        except (OSError, zlib.error, lzma.LZMAError, ValueError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            what = "ends early" if "runcated" in str(error) else "is damaged"
            raise FormatError(f"{self._codec} file {what}: {error!s:.200}", path=self.name) from error
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def open_content(path: Path) -> io.BufferedReader:
    """Open a regular file for reading; of a compressed one its content, which cannot be sought.

    Raises:
        OSError: As for `open_regular`.
        FormatError: Here or by a read: damaged data, or a file that ends early.
        ModuleNotFoundError: A .zst file that needs pyarrow.
    """
    return io.BufferedReader(open_unbuffered(path) if codec_name(path) is None else _Content(path), BUFFER_BYTES)


def skip(file: BinaryIO, n: int) -> int:
    """Read and drop `n` bytes; return how many there were."""
    done = 0
    while done < n and (content := file.read(min(n - done, BUFFER_BYTES))):
        done += len(content)
    return done


def limited_lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield the lines of a compressed file; FormatError for one of more than `MOST_ITEM_BYTES`."""
    while line := file.readline(MOST_ITEM_BYTES + 1):
        require_short(path, len(line))
        yield line


def require_short(path: Path, size: int) -> None:
    """Raise FormatError for a word or a line of a compressed file that would fill the memory."""
    if size > MOST_ITEM_BYTES:
        what = "a word or line that is too long in a compressed file"
        raise FormatError(what, path=path, expected="at most 256 MiB", found="more")
