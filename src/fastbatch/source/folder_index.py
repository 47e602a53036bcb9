# SPDX-License-Identifier: MIT
"""A cache of folder listings: a folder of 100,000 files need not be listed again.

There is one file per listed root, in the user's cache folder (`source/cache_folder.py`), never beside the data; it may
be deleted at any time. A cached listing is used while the folder's modification time, inode and device are unchanged,
so the result is the same with and without the cache. Time stamps may have a resolution of 2 seconds: a folder that was
modified within 2 seconds before its listing is not cached. Errors of reading and writing the cache are ignored.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .cache_folder import cache_folder

HEADER = b"fastbatch folders 1\n"
FEWEST_NAMES = 1000  # below this, listing is faster than reading the cache
COARSEST_NS = 2_000_000_000
UNUSED_S = 90 * 24 * 3600  # an index unused for longer is deleted
_DIGEST_BYTES = 16
_FIELDS = 7  # number of fields of a folder before its names

Stamp = tuple[int, int, int]  # modification time in ns, inode, device


@dataclass(frozen=True)
class Content:
    """Sorted names in a folder, without those that begin with a dot.

    Attributes:
        files: Files of the requested kinds, and symbolic links with such names.
        folders: Real folders, not symbolic links to folders.
        links: Symbolic links with other names.
    """

    files: list[bytes]
    folders: list[bytes]
    links: list[bytes]


Scan = Callable[[bytes], tuple[list[bytes], list[bytes], list[bytes]]]


class FolderIndex:
    """The folders below a root. Each is listed on request, unless its cached listing is still valid.

    Args:
        root: The folder that contains all others.
        kinds: The extensions that `scan` looks for; an index of other kinds is ignored.
        scan: Function that lists one folder.
        cached: Whether to use the cache. FASTBATCH_INDEX_CACHE=0 in the environment disables it.
    """

    def __init__(self, root: bytes, kinds: Sequence[str], scan: Scan, cached: bool = True) -> None:
        self._root = root
        self._scan = scan
        self._begun_ns = time.time_ns()
        self._seen: dict[bytes, tuple[Stamp, Content]] = {}
        self._file: Path | None = None
        self._known: dict[bytes, tuple[Stamp, Content]] = {}
        if cached and os.environ.get("FASTBATCH_INDEX_CACHE") != "0":
            real = os.path.realpath(root)
            self._title = [real, ",".join(kinds).encode()]
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                self._file = cache_folder() / "folders" / _digest(real).hex()
                self._known = _parse(self._file.read_bytes(), self._title)

    def content(self, folder: bytes = b"") -> Content:
        """Return the content of `folder`, a path relative to the root.

        Raises:
            OSError: The folder cannot be listed.
        """
        path = os.path.join(self._root, folder) if folder else self._root
        status = os.stat(path)  # before listing: a later change then has a new stamp
        stamp = (status.st_mtime_ns, status.st_ino, status.st_dev)
        known = self._known.get(folder)
        if known is None or known[0] != stamp:
            known = (stamp, Content(*self._scan(path)))
        self._seen[folder] = known
        return known[1]

    def save(self) -> None:
        """Write the cache, or mark it as used if nothing changed; small folders are not cached."""
        safe = {name: one for name, one in self._seen.items() if one[0][0] < self._begun_ns - COARSEST_NS}
        n_names = sum(len(content.files) for _, content in safe.values())
        if self._file is None or n_names < FEWEST_NAMES:
            return
        with contextlib.suppress(OSError):
            if safe == self._known:
                os.utime(self._file)
            else:
                _write(self._file, _join(self._title, safe))


def _join(title: list[bytes], folders: dict[bytes, tuple[Stamp, Content]]) -> bytes:
    fields = [*title]
    for name, (stamp, content) in folders.items():
        lists = (content.files, content.folders, content.links)
        fields += [name, *(b"%d" % number for number in (*stamp, *map(len, lists)))]
        for names in lists:
            fields += names
    text = b"\0".join(fields)  # names never contain a zero byte
    return HEADER + _digest(text) + text


def _parse(data: bytes, title: list[bytes]) -> dict[bytes, tuple[Stamp, Content]]:
    """Return the folders of an index; ValueError if the data is invalid or of another folder."""
    begin = len(HEADER) + _DIGEST_BYTES
    text = data[begin:]
    fields = text.split(b"\0")
    if data[: len(HEADER)] != HEADER or data[len(HEADER) : begin] != _digest(text) or fields[: len(title)] != title:
        raise ValueError("not an index of this folder")
    folders = {}
    at = len(title)
    while at < len(fields):
        name = fields[at]
        mtime, inode, device, *counts = map(int, fields[at + 1 : at + _FIELDS])
        at += _FIELDS
        lists = []
        for count in counts:
            lists.append(fields[at : at + count])
            at += count
        folders[name] = ((mtime, inode, device), Content(*lists))
    return folders


def _write(file: Path, data: bytes) -> None:
    """Write a file atomically and delete indices that have not been used for `UNUSED_S`."""
    import tempfile

    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(prefix=".unfinished-", dir=file.parent)
    try:
        with open(descriptor, "wb") as out:
            out.write(data)
        os.replace(unfinished, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
    for other in file.parent.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - other.stat().st_mtime > UNUSED_S:
                other.unlink()


def _digest(data: bytes) -> bytes:
    import hashlib  # imported late: see batch/column.py

    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
