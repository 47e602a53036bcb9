# SPDX-License-Identifier: MIT
"""What POSIX and Windows do differently, once for the whole package. In C++: `csrc/platform`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    # Files are opened as text by default; there are no FIFOs to wait for.
    OPEN_FLAGS = os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT
    CAN_POLL = False  # only sockets can be waited for

    def in_forked_child(function: Callable[[], None]) -> None:
        """Call a function in each forked child: never, since there is no fork."""

    def core_identity(inode: int, device: int) -> tuple[int, int]:
        """Return what the core compares: the low 64 and 32 bits, which all versions of Python and Windows agree on."""
        return inode & 0xFFFF_FFFF_FFFF_FFFF, device & 0xFFFF_FFFF

    @contextmanager
    def locked(folder: Path) -> Iterator[None]:
        """Hold the lock of a folder: there is none, and Windows renames no folder that is in use."""
        yield

    def try_lock(descriptor: int, *, shared: bool) -> bool:
        """Take the lock of a file, unless another one has it: there are none."""
        return True

    def open_for_locks(path: Path) -> int:
        """Return a descriptor of a file whose bytes are locked."""
        return os.open(path, os.O_RDWR | os.O_CREAT)

    def try_lock_byte(descriptor: int, at: int) -> bool:
        """Take the lock of a byte of a file for this process, unless another one has it: there are none."""
        return True

    def unlock_byte(descriptor: int, at: int) -> None:
        """Give the lock of a byte back."""

    def peak_memory_bytes() -> int:
        """Return the most memory that this process has used; 0 if unknown."""
        return 0

else:
    import fcntl
    import resource

    # Without O_NONBLOCK opening a FIFO would wait for its writer. No effect on regular files.
    OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    CAN_POLL = True

    def in_forked_child(function: Callable[[], None]) -> None:
        """Call a function in each forked child."""
        os.register_at_fork(after_in_child=function)

    def core_identity(inode: int, device: int) -> tuple[int, int]:
        """Return what the core compares: inode and device."""
        return inode, device

    @contextmanager
    def locked(folder: Path) -> Iterator[None]:
        """Hold the lock of a folder: no process deletes a folder that another one has made."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # a network file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def try_lock(descriptor: int, *, shared: bool) -> bool:
        """Take the lock of a file until it is closed; return False if another one has it. Raises OSError."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def open_for_locks(path: Path) -> int:
        """Return a descriptor of a file whose bytes are locked; to close any of this process frees all its locks."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def try_lock_byte(descriptor: int, at: int) -> bool:
        """Take the lock of a byte of a file for this process; return False if another one has it. Raises OSError."""
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def unlock_byte(descriptor: int, at: int) -> None:
        """Give the lock of a byte back. Raises OSError."""
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, at)

    def peak_memory_bytes() -> int:
        """Return the most memory that this process has used; 0 if unknown."""
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def available_cpus() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
