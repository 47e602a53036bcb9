# SPDX-License-Identifier: MIT
"""Whole objects as files on this machine, for formats that are read from files: in the folder of the cache.

A copy has the name of its object, in folders as those of the store, and lies there until it was unused for a month. A
small file beside it has the object's tag and a checksum, which each process looks at once.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import zlib
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from fastbatch.locks import new_lock
from fastbatch.source.index_file import digest

from .cache_files import UNFINISHED
from .fetcher import Fetcher, fetcher
from .listing import matching_objects
from .settings import BLOCK_BYTES
from .urls import Object, shown_url

_SEAL_END = ".copied"
_UNUSED_S = 30 * 24 * 3600.0
_UNFINISHED_S = 3600.0
_PIECE = 1 << 20
_LONGEST_NAME = 200  # bytes; systems have 255

_lock = new_lock()  # one copy at a time; guards what follows
_seen: dict[str, Object] = {}  # copies that were looked at in this process


def copy_of(url: str) -> str:
    """Return the path of a copy of an object.

    Raises:
        OSError, FormatError: The object cannot be read, or the copy cannot be written.
    """
    return _copied([fetcher().head(url)])[0]


def copies_of_pattern(url: str) -> list[str] | None:
    """Return the paths of copies of the objects of a pattern, in its order; None if the URL is none."""
    found = matching_objects(url)
    return None if found is None else _copied(found)


def _copied(objects: Sequence[Object]) -> list[str]:
    reader = fetcher()
    folder = reader.settings.cache.parent / "copies"
    paths = [_path(folder, one) for one in objects]
    with _lock:
        missing = {path: one for path, one in zip(paths, objects, strict=True) if not _is_there(path, one)}
        if missing:
            _delete_unused(folder)
        contents = _pieces(reader, list(missing.values()))
        with contextlib.closing(contents):
            for path, one in missing.items():
                _write(path, one, contents)
                _seen[path] = one
    return paths


def _path(folder: Path, one: Object) -> str:
    scheme, _, rest = shown_url(one.url).partition("://")
    parts = [scheme, *rest.split("/")]
    if any(part in ("", ".", "..") or len(os.fsencode(part)) > _LONGEST_NAME for part in parts):
        end = os.path.splitext(parts[-1])[1][:10]
        parts = ["others", digest(os.fsencode(one.url)).hex() + end]
    return os.path.join(folder, *parts)


def _seal_of(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}{_SEAL_END}")


def _seal(one: Object, checksum: int) -> bytes:
    return f"{one.tag}\n{one.size}\n{checksum}\n".encode()


def _is_there(path: str, one: Object) -> bool:
    """Return whether there is a whole copy of this version of an object."""
    seal = _seal_of(path)
    if not one.tag or _seen.get(path) not in (None, one):
        return False
    try:
        sealed = Path(seal).read_bytes()
        if os.stat(path).st_size != one.size or not sealed.startswith(f"{one.tag}\n{one.size}\n".encode()):
            return False
        if path not in _seen:
            checksum = 0
            with open(path, "rb", buffering=0) as file:
                while piece := file.read(_PIECE):
                    checksum = zlib.crc32(piece, checksum)
            if sealed != _seal(one, checksum):
                return False
            _seen[path] = one
        os.utime(seal)
    except OSError:
        return False
    return True


def _pieces(reader: Fetcher, objects: Sequence[Object]) -> Generator[Any, None, None]:
    """Yield the blocks of objects in order, with those that follow on their way."""
    ranges = ((one, at, min(BLOCK_BYTES, one.size - at)) for one in objects for at in range(0, one.size, BLOCK_BYTES))
    waiting: deque[Future[Any]] = deque()
    n_waiting = max(2, 2 * reader.settings.in_flight_bytes // BLOCK_BYTES)
    try:
        while True:
            while len(waiting) < n_waiting and (piece := next(ranges, None)) is not None:
                waiting.append(reader.content(*piece))
            if not waiting:
                return
            yield reader.wait(waiting.popleft())
    finally:
        for left in waiting:
            left.cancel()


def _write(path: str, one: Object, contents: Iterator[Any]) -> None:
    """Write a copy and its seal, each under a temporary name first."""
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    written = checksum = 0
    with _replacing(path, folder) as file:
        while written < one.size:
            piece = next(contents)
            file.write(piece)
            checksum = zlib.crc32(piece, checksum)
            written += len(memoryview(piece))
    with _replacing(_seal_of(path), folder) as file:
        file.write(_seal(one, checksum))


@contextlib.contextmanager
def _replacing(path: str, folder: str) -> Iterator[Any]:
    descriptor, unfinished = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
    try:
        with open(descriptor, "wb") as file:
            yield file
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise


def _delete_unused(folder: Path) -> None:
    """Delete copies that were unused for long, and what was not finished."""
    now = time.time()
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with contextlib.suppress(OSError):
                age = now - os.stat(path).st_mtime
                if name.startswith(UNFINISHED) and age > _UNFINISHED_S:
                    os.unlink(path)
                elif name.endswith(_SEAL_END) and age > _UNUSED_S:
                    os.unlink(path)
                    os.unlink(os.path.join(place, name[1 : -len(_SEAL_END)]))
