# SPDX-License-Identifier: MIT
"""Where the bytes of a stream come from: pipes, sockets' files, growing files; each can be waited for, and woken."""

from __future__ import annotations

import io
import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from fastbatch.loader import fork as process

CHUNK_BYTES = 1 << 16  # more than any buffer of Python's own holds, so that one read empties it
POLL_S = 0.05  # how often a followed file is looked at


class ByteSource(Protocol):
    """Bytes that arrive. One thread reads; any may call wake().

    Attributes:
        name: For messages: a path, or "<pipe>" and the like.
    """

    name: str

    def read(self, timeout_s: float | None) -> bytes | None:
        """Return what has arrived, b"" at the end, or None when nothing came in time or it was woken."""

    def wake(self) -> bool:
        """Let a read that waits return, now and from now on. False where a read cannot be woken."""

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
        self._lock = process.new_lock()  # of the pipe's ends
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
    """Return what a file object has read already; from then on its descriptor tells whether there is more."""
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
    """A file object that only its own `read` knows about: a read that waits cannot be woken."""

    def __init__(self, file: Any, name: str) -> None:
        self.name = name
        self._read = getattr(file, "read1", file.read)

    def read(self, timeout_s: float | None) -> bytes | None:
        content = self._read(CHUNK_BYTES)
        if not isinstance(content, bytes | bytearray | memoryview):
            raise TypeError(f"{self.name}: expected a file opened in binary mode, found {type(content).__name__}")
        return bytes(content)

    def wake(self) -> bool:
        return False

    def close(self) -> None:
        pass


class Followed:
    """A file that grows; when another one takes its name, or it is cut short, the rest is read, then the new one.

    `rotations` counts the files left behind; a read never joins bytes of two files.
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
                if content := self._file.read(CHUNK_BYTES):  # written before it was left
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
            return False  # between two files
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


def open_bytes(source: Any, follow: bool) -> ByteSource:
    """Return the bytes of a path or of a file object.

    Raises:
        OSError: A path that cannot be read.
        TypeError: By `read`: a file that gives no bytes.
    """
    if isinstance(source, str | bytes | os.PathLike):
        path = os.fsdecode(source)
        if follow:
            return Followed(path)
        # Without O_NONBLOCK the opening of a named pipe waits for its writer, and cannot be woken.
        file = open(path, "rb", buffering=0, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
        return Pollable(file, path, is_ours=True)
    name = name_of_file(source)
    return Pollable(source, name, is_ours=False) if can_poll(source) else Blocking(source, name)


def name_of_file(file: Any) -> str:
    """Return the name of a file object for messages."""
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else f"<{type(file).__name__}>"


def can_poll(file: Any) -> bool:
    """Return whether a file object's descriptor shows that it has bytes."""
    return isinstance(file, io.BufferedReader | io.FileIO) and not _is_encrypted(file)


def _is_encrypted(file: Any) -> bool:
    """Return whether bytes may wait where the descriptor does not show them: in a TLS socket."""
    return hasattr(getattr(getattr(file, "raw", None), "_sock", None), "pending")
