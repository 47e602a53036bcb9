# SPDX-License-Identifier: MIT
"""Blocks of objects as files on disk, shared by the processes of a host, with a budget of bytes.

Each file has a block, and behind it its checksum and length. It is written under a temporary name and renamed, so that
a process may be killed at any time. `cache_files.py` says which files are deleted first; who has one open or mapped
keeps it. The folder may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import tempfile
import time
import warnings
import zlib
from typing import Any

from fastbatch.locks import new_lock
from fastbatch.source.index_file import digest
from fastbatch.system import locked

from .cache_files import UNFINISHED, CacheFiles, Foreseen
from .neighbours import Neighbours, Turn, Turns, joined
from .settings import Settings
from .urls import Object, shown_url

_TRAILER = struct.Struct("<8sIQ")
_MAGIC = b"fbblock1"
_SCAN_S, _SCAN_TIMES = 1.0, 10  # the folder is looked at again after this time, or so many times as long as that took


class BlockCache:
    """The blocks on disk. Threads and processes: any.

    The numbers of uses, `when`, are those of `future.py`; None: nothing is known of the future.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder, self._most = settings.cache, settings.cache_bytes
        self._lock = new_lock()  # guards what follows
        self._neighbours = Neighbours(settings.cache)
        self._files = CacheFiles(settings.cache, self._neighbours)
        self._scan_at = 0.0
        self._has_told = False
        self._turns = Turns(settings.cache)

    @property
    def is_on(self) -> bool:
        """Whether blocks are kept."""
        return self._most > 0

    @property
    def clock(self) -> int:
        """The number of the last use that this process asked for."""
        return self._files.clock

    def count_use(self) -> int:
        """Return the number of the next use, which is asked for now."""
        with self._lock:
            return self._files.count_use()

    def foresee(self, key: object, foreseen: Foreseen) -> None:
        """Take what the loader `key` knows of its future; all files are judged anew when room is needed."""
        with self._lock:
            self._files.foresee(key, foreseen)
            self._scan_at = 0.0

    def tell(self) -> None:
        """Tell the other processes with the same folder what this one will use; if there are none, that it is there."""
        if not self.is_on:
            return
        with self._lock:
            self._neighbours.look()
            self._has_told = self._neighbours.are_there
            known = self._files.every_foreseen() if self._has_told else []
        hashes, numbers = joined([foreseen() for foreseen in known])
        with self._lock, contextlib.suppress(OSError):
            self._neighbours.tell(hashes, numbers, self._files.clock, self._files.use_s())

    def turn_of(self, one: Object, offset: int, size: int) -> Turn | None:
        """Return who reads a block, if it may be kept."""
        return Turn(self._turns, file_name(one, offset, size)) if self.is_on and one.tag else None

    def open(self, one: Object, offset: int, size: int, when: int | None = None) -> int | None:
        """Return a descriptor of the file of a block, or None. A file that is damaged is deleted."""
        if not self.is_on or not one.tag:
            return None
        path = self._path(one, offset, size)
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            return None
        try:
            if _is_whole(descriptor, size):
                self._note_use(path, size + _TRAILER.size, when)
                return descriptor
        except OSError:
            pass
        os.close(descriptor)
        with contextlib.suppress(OSError):
            os.unlink(path)
        return None

    def use(self, one: Object, offset: int, size: int, when: int) -> None:
        """Note that a block was used that is in memory."""
        if self.is_on and one.tag:
            with contextlib.suppress(OSError):
                self._note_use(self._path(one, offset, size), None, when)

    def _note_use(self, path: str, size: int | None, when: int | None) -> None:
        with self._lock:
            expected = self._files.used(os.path.basename(path), size, when)
        if expected is not None:
            os.utime(path, (expected, expected))

    def write(
        self, one: Object, offset: int, data: memoryview, when: int | None = None, is_awaited: bool = False
    ) -> int:
        """Return a descriptor of a file with a block; a file without a name if it is not kept.

        Args:
            is_awaited: Another process wants it now.
        """
        when = self.clock if is_awaited else when
        if self.is_on and one.tag and len(data) <= self._most:
            try:
                kept = self._kept(one, offset, data, when)
            except OSError as error:
                self._give_up(os.strerror(error.errno or errno.EIO))
            else:
                if kept is not None:
                    return kept
        return unnamed_file(data)

    def _give_up(self, why: str) -> None:
        with self._lock:
            was_on, self._most = self.is_on, 0
        if was_on:
            with contextlib.suppress(Warning):
                what = f"{self._folder}: objects are read without a cache: {why}"
                warnings.warn(what, RuntimeWarning, stacklevel=3)

    def _path(self, one: Object, offset: int, size: int) -> str:
        return os.path.join(self._folder, file_name(one, offset, size))

    def _kept(self, one: Object, offset: int, data: memoryview, when: int | None) -> int | None:
        """Return a descriptor of a new file, or None if all files are used before it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name, size = file_name(one, offset, len(data)), len(data) + _TRAILER.size
        if not self._make_room(name, size, when):
            return None
        is_kept = False
        try:
            descriptor, unfinished = tempfile.mkstemp(prefix=UNFINISHED, dir=self._folder)
            try:
                _write(descriptor, data)
                _write(descriptor, memoryview(_TRAILER.pack(_MAGIC, zlib.crc32(data), len(data))))
                os.replace(unfinished, self._folder / name)
            except BaseException:
                os.close(descriptor)
                with contextlib.suppress(OSError):
                    os.unlink(unfinished)
                raise
            is_kept = True
        finally:
            with self._lock:
                self._files.end(name, is_kept)
        with contextlib.suppress(OSError):
            self._note_use(str(self._folder / name), size, when)
        return descriptor

    def _make_room(self, name: str, size: int, when: int | None) -> bool:
        """Return whether there is room for a file, which is counted from now on."""
        with self._lock:
            if time.monotonic() >= self._scan_at:
                begin = time.monotonic()
                self._files.scan()
                if self._neighbours.are_there and not self._has_told:
                    self.tell()
                self._scan_at = time.monotonic() + max(_SCAN_S, _SCAN_TIMES * (time.monotonic() - begin))
            if self._files.n_bytes + size > self._most:
                with locked(self._folder):
                    if not self._files.make_room(name, size, self._most, when):
                        return False
            self._files.begin(name, size, when)
            return True


def file_name(one: Object, offset: int, size: int) -> str:
    """Return the name of the file of a block."""
    return digest(os.fsencode(f"{shown_url(one.url)}\0{one.tag}\0{one.size}\0{offset}\0{size}")).hex()


def _write(descriptor: int, data: memoryview) -> None:
    while len(data):
        data = data[os.write(descriptor, data) :]


def _is_whole(descriptor: int, size: int) -> bool:
    if os.fstat(descriptor).st_size != size + _TRAILER.size:
        return False
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        content = memoryview(_read(file, size + _TRAILER.size))
    return bytes(content[size:]) == _TRAILER.pack(_MAGIC, zlib.crc32(content[:size]), size)


def _read(file: Any, size: int) -> bytearray:
    content = bytearray(size)
    view = memoryview(content)
    while len(view) and (n := file.readinto(view)):
        view = view[n:]
    return content


def unnamed_file(data: memoryview) -> int:
    """Return the descriptor of a file in memory, or on disk where the system has none."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("fastbatch")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        _write(descriptor, data)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
