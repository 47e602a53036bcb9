# SPDX-License-Identifier: MIT
"""Parsed CSV files that are kept in a folder of the user's: whole, for exactly one CSV file and one set of options.

A kept file is a .npy file with a trailer: a digest of a sample of its pages. It is written under another name, synced
and renamed. A file that was cut or otherwise spoilt is parsed again. Where the folder may not be read or written, there
is no cache.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from fastbatch.source.identity import Identity
from fastbatch.source.local_file import open_regular

from .options import CsvOptions

UNFINISHED = ".fastbatch-"  # before the names of files that are being written
STALE_S = 3600  # an unfinished file that nobody has written to in so long belongs to a process that was killed
PAGE = 4096
PAGES = 64  # that the digest is made of
LONGEST_STEM = 80
_DIGEST_BYTES = 16


def kept_path(folder: Path, path: str, identity: Identity, options: CsvOptions) -> Path:
    """Return where the numbers of a CSV file are kept: another name for other content or other options."""
    import hashlib  # brings OpenSSL, and only caches need it

    name = f"{os.path.realpath(path)}\0{tuple(identity)}\0{options.key}"
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).hexdigest()
    return folder / f"{Path(path).stem[:LONGEST_STEM]}-{digest}.npy"


def is_whole(kept: Path) -> bool:
    """Return whether a file is there, can be read, and has the content that it was written with."""
    try:
        with open_regular(kept) as file:
            size = os.fstat(file.fileno()).st_size - _DIGEST_BYTES
            digest = _digest(file, size)
            file.seek(max(size, 0))
            return size > 0 and file.read() == digest
    except OSError:
        return False


@contextmanager
def unfinished_file(kept: Path) -> Iterator[IO[bytes] | None]:
    """Give a file that becomes the kept one when the block ends without an error; None where nothing can be kept."""
    file = _create(kept.parent)
    if file is None:
        yield None
        return
    try:
        with file:
            yield file
            file.flush()
            file.write(_digest(file, file.seek(0, os.SEEK_END)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, kept)
        _sync_folder(kept.parent)
    finally:
        with suppress(OSError):
            os.unlink(file.name)


def remove_stale(folder: str | Path) -> None:
    """Delete the unfinished files of processes that were killed."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(UNFINISHED) and entry.name.endswith(".npy"):
                with suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE_S:
                        os.unlink(entry.path)


def _create(folder: Path) -> IO[bytes] | None:
    """Return a new file, readable for whom the user's umask allows it, or None where there may be none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_stale(folder)
        name = folder / f"{UNFINISHED}{secrets.token_hex(8)}.npy"
        return open(name, "x+b")
    except OSError as error:
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            return None
        raise


def _digest(file: IO[bytes], size: int) -> bytes:
    """Return a digest of the length of a file and of pages of it, from the first to the last."""
    import hashlib

    digest = hashlib.blake2b(b"%d" % size, digest_size=_DIGEST_BYTES)
    last = max(0, size - PAGE)
    for i in range(PAGES):
        file.seek(i * last // (PAGES - 1))
        digest.update(file.read(min(PAGE, max(size, 0))))
    file.seek(0, os.SEEK_END)
    return digest.digest()


def _sync_folder(folder: Path) -> None:
    """Make the new name last, where folders can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
