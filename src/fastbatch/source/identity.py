# SPDX-License-Identifier: MIT
"""The identity of a file or a folder: all caches and all files that stay open compare it to notice a change.

A user can set modification times back (archives do when they are unpacked), but not the time of the last change of the
inode, `ctime`. It also moves when a file is renamed or its permissions change; a cache is then made again for nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fastbatch.errors import FormatError

GRAIN_NS = 20_000_000  # two changes within a tick of the kernel's clock leave the same time


class Identity(NamedTuple):
    """What tells a file or a folder from another one, and from itself after a change; times in ns."""

    size: int
    mtime: int
    ctime: int
    inode: int
    device: int

    @property
    def has_change_time(self) -> bool:
        """Whether `ctime` is one that moves with each change: not on Windows, and not where it is whole seconds."""
        return sys.platform != "win32" and self.ctime % 1_000_000_000 != 0


def identity_of(status: os.stat_result) -> Identity:
    """Return the identity in a stat result."""
    return Identity(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)


def settled_identity(path: str) -> Identity:
    """Return the identity of a file that no later change can leave as it is: waits for the next tick of the clock."""
    identity = identity_of(os.stat(path))
    if 0 <= time.time_ns() - identity.ctime < GRAIN_NS:
        time.sleep(GRAIN_NS / 1e9)
        identity = identity_of(os.stat(path))
    return identity


@dataclass(frozen=True)
class OpenedFile:
    """A file that stays mapped, as it was when it was opened.

    Attributes:
        path: Its name, for messages.
        identity: Taken before it was opened.
        other: Links, mode and owners: a change of these moves `ctime` too, and leaves the content as it is.
    """

    path: str
    identity: Identity
    other: tuple[int, ...]

    def verify(self, may_be_shorter: bool = False, may_grow: bool = False) -> None:
        """Raise FormatError if the content may have changed since.

        A file that was deleted, or replaced by another one, stays as it was in its mapping.

        Args:
            may_be_shorter: Leave it to the reading of each sample to find out that a file became shorter.
            may_grow: Allow bytes to be appended, as to a log that is read in order.
        """
        try:
            now = opened_file(self.path)
        except OSError:
            return
        before, found = self.identity, now.identity
        if found == before or (found.inode, found.device) != (before.inode, before.device):
            return
        if may_grow and found.size > before.size:
            return
        if found.size < before.size:
            if may_be_shorter:
                return
            what = "file became shorter while in use"
            raise FormatError(what, path=self.path, expected=f"{before.size} bytes", found=found.size)
        if (found.size, found.mtime) != (before.size, before.mtime) or now.other == self.other:
            expected, actual = _times(before), _times(found)
            raise FormatError("file changed while in use", path=self.path, expected=expected, found=actual)


def opened_file(path: str | bytes | os.PathLike[str]) -> OpenedFile:
    """Return a file as it is now; call this before it is opened."""
    text = os.fsdecode(path)
    status = os.stat(text)
    return OpenedFile(text, identity_of(status), (status.st_nlink, status.st_mode, status.st_uid, status.st_gid))


class Start:
    """Where relative paths start: the working directory, when this was made. Immutable.

    Threads: any.
    """

    def __init__(self, paths: Sequence[bytes]) -> None:
        self._relative = next((path for path in paths if not os.path.isabs(path)), None)
        self._folder = None if self._relative is None else _working_directory()

    def verify(self) -> None:
        """Raise FormatError if the paths name other files now, since the working directory was changed."""
        if self._folder is not None and (found := _working_directory()) != self._folder:
            what = "the working directory was changed, from which this path starts"
            raise FormatError(what, path=os.fsdecode(self._relative or b""), expected=self._folder, found=found)


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was deleted
        return None


def _times(identity: Identity) -> str:
    seconds, rest = divmod(max(identity.mtime, identity.ctime), 1_000_000_000)
    written = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
    return f"{identity.size} bytes last changed at {written}.{rest:09d} UTC"
