# SPDX-License-Identifier: MIT
"""Byte sources of a stream: pipes, file objects of sockets, growing files. A waiting read can be woken."""

from __future__ import annotations

import io
import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from fastbatch.loader import fork as process
from fastbatch.system import CAN_POLL, OPEN_FLAGS

CHUNK_BYTES = 1 << 16  # larger than Python's own buffers, so that one read empties them
POLL_S = 0.05  # interval at which a followed file is checked


class ByteSource(Protocol):
    """A source of bytes. Threads: one reads; any may call wake().

    Attributes:
        name: Name for messages: a path, or for example "<pipe>".
    """

    name: str

    def read(self, timeout_s: float | None) -> bytes | None:
        """Return the bytes that have arrived; b"" at the end; None after the timeout or when woken."""

    def wake(self) -> bool:
        """Make the waiting read and all later ones return. False if a read cannot be woken."""

    def close(self) -> None: ...


class Pollable:
    """A file with a descriptor, read as bytes arrive."""

    def __init__(self, file: Any, name: str, *, is_ours: bool) -> None:
        self.name = name
        self._file = file
        self._is_ours = is_ours
        self._read = getattr(file, "read1", file.read)
        self._woken, self._waker = os.pipe()
        self._poll = select.poll()
        self._poll.register(file.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        self._poll.register(self._woken, select.POLLIN)
        self._lock = process.new_lock()  # guards the ends of the pipe
        self._closed = False
        self._has_ahead = True

    def read(self, timeout_s: float | None) -> bytes | None:
        if self._has_ahead and (ahead := self._read_ahead()):
            return ahead
        ready = self._poll.poll(None if timeout_s is None else max(0, round(timeout_s * 1000)))
        if not ready or any(descriptor == self._woken for descriptor, _ in ready):
            return None
        content: bytes | None = self._read(CHUNK_BYTES)
        return content  # None: another reader of the same pipe was faster

    def _read_ahead(self) -> bytes:
        """Return bytes that the file object has read already; b"" once the descriptor has the next ones."""
        self._has_ahead = False
        return _buffered(self._file, self._read)

    def wake(self) -> bool:
        with self._lock:
            if not self._closed:
                os.write(self._waker, b"x")
        return True

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            os.close(self._woken)
            os.close(self._waker)
        if self._is_ours:
            self._file.close()


def _buffered(file: Any, read: Any) -> bytes:
    """Return the bytes in the buffer of a file object; afterwards its descriptor shows whether there are more."""
    if not isinstance(file, io.BufferedReader):
        return b""
    with not_blocking(file.fileno()):
        try:
            return read(CHUNK_BYTES) or b""
        except BlockingIOError:
            return b""


@contextmanager
def not_blocking(descriptor: int) -> Iterator[None]:
    """Let reads of a descriptor return at once."""
    was_blocking = os.get_blocking(descriptor)
    os.set_blocking(descriptor, False)
    try:
        yield
    finally:
        os.set_blocking(descriptor, was_blocking)


class Blocking:
    """A file object without a usable descriptor: a waiting read cannot be woken."""

    def __init__(self, file: Any, name: str, *, is_ours: bool = False) -> None:
        self.name = name
        self._file = file if is_ours else None
        self._read = getattr(file, "read1", file.read)

    def read(self, timeout_s: float | None) -> bytes | None:
        content = self._read(CHUNK_BYTES)
        if not isinstance(content, bytes | bytearray | memoryview):
            raise TypeError(f"{self.name}: expected a file opened in binary mode, found {type(content).__name__}")
        return bytes(content)

    def wake(self) -> bool:
        return self._file is not None  # a read of a local file returns by itself

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class Followed:
    """A growing file. If another file takes its name, or it is truncated, its rest is read, then the new file.

    `rotations` counts the replaced files; a read never joins bytes of two files.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self.rotations = 0
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        self._stop = threading.Event()

    def read(self, timeout_s: float | None) -> bytes | None:
        waited = 0.0
        while not self._stop.is_set():
            if content := self._file.read(CHUNK_BYTES):
                return content
            if self._is_replaced():
                if content := self._file.read(CHUNK_BYTES):  # written before the change was noticed
                    return content
                if self._next_file():
                    return None
            left = POLL_S if timeout_s is None else min(POLL_S, timeout_s - waited)
            if left <= 0 or self._stop.wait(left):
                return None
            waited += left
        return None

    def _is_replaced(self) -> bool:
        ours = os.fstat(self._file.fileno())
        try:
            now = os.stat(self.name)
        except FileNotFoundError:
            return False  # the new file does not exist yet
        return not os.path.samestat(ours, now) or now.st_size < self._file.tell()

    def _next_file(self) -> bool:
        try:
            fresh = open(self.name, "rb", buffering=0)  # noqa: SIM115
        except FileNotFoundError:
            return False
        self._file.close()
        self._file = fresh
        self.rotations += 1
        return True

    def wake(self) -> bool:
        self._stop.set()
        return True

    def close(self) -> None:
        self._stop.set()
        self._file.close()


def open_bytes(source: Any, follow: bool, is_text: bool = True) -> ByteSource:
    """Return the bytes of a path or of a file object.

    Raises:
        OSError: A path that cannot be read.
        TypeError: By `read`: a file that gives no bytes.
    """
    if isinstance(source, str | bytes | os.PathLike):
        path = os.fsdecode(source)
        from fastbatch.source.compressed import codec_name, open_content  # late: few streams are compressed

        if is_text and codec_name(path) is not None:
            if follow:
                raise ValueError(f"follow: expected a plain file, found {path}, which is compressed")
            return Blocking(open_content(path), path, is_ours=True)
        if follow:
            return Followed(path)
        # Opening a named pipe does not wait for its writer: such a wait could not be woken.
        file = open(path, "rb", buffering=0, opener=lambda name, _: os.open(name, OPEN_FLAGS))  # noqa: SIM115
        return Pollable(file, path, is_ours=True) if CAN_POLL else Blocking(file, path, is_ours=True)
    name = name_of_file(source)
    return Pollable(source, name, is_ours=False) if can_poll(source) else Blocking(source, name)


def add_name(error: BaseException, name: str) -> None:
    """Add the name of the file that was read to an error of the system that has none."""
    if isinstance(error, OSError) and error.errno is not None and error.filename is None:
        error.filename = name


def name_of_file(file: Any) -> str:
    """Return the name of a file object for messages."""
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else f"<{type(file).__name__}>"


def can_poll(file: Any) -> bool:
    """Return whether a file object's descriptor shows that it has bytes."""
    return CAN_POLL and isinstance(file, io.BufferedReader | io.FileIO) and not _is_encrypted(file)


def _is_encrypted(file: Any) -> bool:
    """Return whether the file belongs to a TLS socket, which may hold bytes that its descriptor does not show."""
    return hasattr(getattr(getattr(file, "raw", None), "_sock", None), "pending")
