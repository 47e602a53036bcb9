# SPDX-License-Identifier: MIT
"""A cache of folder listings: a folder of 100,000 files need not be listed again.

It is one file per listed folder, beside the user's other caches (`cache.cache_folder()`), never beside the data; it may
be deleted at any time. A folder's content is taken from it while the folder's identity (`identity.py`: one stat) and
its number of links are those of the index, so the result is the same with and without it. Times may be as coarse as
2 seconds: a folder that was changed so shortly before it was listed is not remembered, nor one on a file system without
times of change. An index that cannot be read or written is ignored, and so is one with names that no listing gives.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .cache_folder import cache_folder
from .identity import Identity, identity_of
from .index_file import COARSEST_NS, DIGEST_BYTES, digest, is_enabled, is_settled, write_index
from .local_file import open_regular

HEADER = b"fastbatch folders 2\n"
FEWEST_NAMES = 1000  # a smaller folder is listed faster than its cache is found
_STAMP_FIELDS = 6
_COUNTS = 3  # of files, folders and links

Stamp = tuple[Identity, int]  # identity, links: one more for each folder inside, on most file systems


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
        if cached and is_enabled():
            real = os.path.realpath(root)
            self._title = [real, ",".join(kinds).encode()]
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                self._file = cache_folder() / "folders" / digest(real).hex()
                with open_regular(self._file) as file:
                    self._known = _parse(file.read(), self._title)

    def content(self, folder: bytes = b"", follow: bool = True) -> Content:
        """Return the names in `folder`, a path relative to the root.

        Args:
            follow: Whether it may be a link to a folder; a link has no content otherwise.

        Raises:
            OSError: The folder cannot be listed.
        """
        path = os.path.join(self._root, folder) if folder else self._root
        status = os.stat(path, follow_symlinks=follow)  # before the names: a change meanwhile changes the stamp
        if stat.S_ISLNK(status.st_mode):
            return Content([], [], [])
        stamp = (identity_of(status), status.st_nlink)
        known = self._known.get(folder)
        if known is None or known[0] != stamp:
            known = (stamp, Content(*self._scan(path)))
        self._seen[folder] = known
        return known[1]

    def save(self) -> None:
        """Remember what was listed, if it is much and there is anything new."""
        latest = self._begun_ns - COARSEST_NS
        safe = {name: one for name, one in self._seen.items() if is_settled(one[0][0], latest)}
        n_names = sum(len(content.files) for _, content in safe.values())
        if self._file is None or n_names < FEWEST_NAMES:
            return
        with contextlib.suppress(OSError):
            if safe == self._known:
                os.utime(self._file)
            else:
                write_index(self._file, _join(self._title, safe))


def _join(title: list[bytes], folders: dict[bytes, tuple[Stamp, Content]]) -> bytes:
    fields = [*title]
    for name, (stamp, content) in folders.items():
        lists = (content.files, content.folders, content.links)
        identity, n_links = stamp
        fields += [name, *(b"%d" % number for number in (*identity, n_links, *map(len, lists)))]
        for names in lists:
            fields += names
    text = b"\0".join(fields)  # names never contain a zero byte
    return HEADER + digest(text) + text


def _parse(data: bytes, title: list[bytes]) -> dict[bytes, tuple[Stamp, Content]]:
    """Return the folders of an index; ValueError if the data is invalid or of another folder."""
    begin = len(HEADER) + DIGEST_BYTES
    text = data[begin:]
    fields = text.split(b"\0")
    if data[: len(HEADER)] != HEADER or data[len(HEADER) : begin] != digest(text) or fields[: len(title)] != title:
        raise ValueError("not an index of this folder")
    folders = {}
    at = len(title)
    while at < len(fields):
        name = fields[at]
        numbers = list(map(int, fields[at + 1 : at + 1 + _STAMP_FIELDS + _COUNTS]))
        identity, n_links, counts = Identity(*numbers[:5]), numbers[5], numbers[_STAMP_FIELDS:]
        at += 1 + _STAMP_FIELDS + _COUNTS
        if len(counts) != _COUNTS or min(counts) < 0 or at + sum(counts) > len(fields):
            raise ValueError("not an index of a folder")
        lists = []
        for count in counts:
            lists.append(fields[at : at + count])
            at += count
        folders[name] = ((identity, n_links), Content(*lists))
    if not _are_names(folders, text[len(b"\0".join(title)) :]):
        raise ValueError("names that no listing gives")
    return folders


def _are_names(folders: Iterable[bytes], text: bytes) -> bool:
    """Return whether a listing may give the names in the text of an index: none leads to another folder.

    Args:
        folders: The paths among them, which alone have slashes; the root's is empty.
    """
    paths = b"\0".join(folders)
    inside = b"/" + paths.strip(b"\0").replace(b"\0", b"/") + b"/"
    n_empty = text.count(b"\0\0") + text.endswith(b"\0")
    is_plain = text.count(b"/") == paths.count(b"/") and b"\0." not in text and n_empty == (b"" in set(folders))
    return is_plain and b"/." not in inside and (b"//" not in inside or inside == b"//")
