# SPDX-License-Identifier: MIT
"""What a folder contained when it was last listed: a cache, so that 100,000 files need not be listed again.

It is one file per listed folder, beside the user's other caches (`cache.cache_folder()`), never beside the data; it may
be deleted at any time. A folder's content is taken from it while the folder's modification time, inode and device are
what they were, so the result is the same with and without it. A time stamp may be as coarse as 2 seconds: a folder that
was changed so shortly before it was listed is not remembered. What cannot be read or written is left alone, silently.
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
FEWEST_NAMES = 1000  # a smaller folder is listed faster than its cache is found
COARSEST_NS = 2_000_000_000
UNUSED_S = 90 * 24 * 3600  # an index that nobody asked for in so long is deleted
_DIGEST_BYTES = 16
_FIELDS = 7  # of a folder, before its names

Stamp = tuple[int, int, int]  # modification time in ns, inode, device


@dataclass(frozen=True)
class Content:
    """Names in a folder, sorted, without those that begin with a dot.

    Attributes:
        files: Of the wanted kinds, and links of such names.
        folders: Not links to them.
        links: Of other names.
    """

    files: list[bytes]
    folders: list[bytes]
    links: list[bytes]


Scan = Callable[[bytes], tuple[list[bytes], list[bytes], list[bytes]]]


class FolderIndex:
    """The folders below a root, each listed when it is asked for, unless it is known to be unchanged.

    Args:
        root: The folder that all others lie in.
        kinds: What `scan` looks for; an index of other kinds is not used.
        scan: Lists one folder.
        cached: Whether a file may be read and written. FASTBATCH_INDEX_CACHE=0 in the environment means it may not.
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
        """Return what is in `folder`, a path relative to the root.

        Raises:
            OSError: It cannot be listed.
        """
        path = os.path.join(self._root, folder) if folder else self._root
        status = os.stat(path)  # before the names: what changes meanwhile changes the stamp
        stamp = (status.st_mtime_ns, status.st_ino, status.st_dev)
        known = self._known.get(folder)
        if known is None or known[0] != stamp:
            known = (stamp, Content(*self._scan(path)))
        self._seen[folder] = known
        return known[1]

    def save(self) -> None:
        """Remember what was listed, if it is much and there is anything new."""
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
    text = b"\0".join(fields)  # no name has a zero byte
    return HEADER + _digest(text) + text


def _parse(data: bytes, title: list[bytes]) -> dict[bytes, tuple[Stamp, Content]]:
    """Return the folders of an index; ValueError if it is none, or one of something else."""
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
    """Put the file there whole, or not at all, and delete the others that are old."""
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
    import hashlib  # see batch.py

    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
