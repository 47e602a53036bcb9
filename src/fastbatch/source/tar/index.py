# SPDX-License-Identifier: MIT
"""The members of tar archives, listed in threads, and a cache of the lists beside the user's other caches.

As in `source/folder_index.py`, an archive's list is taken from the cache while its identity (one stat) is that of the
list, an archive that changed shortly before is not remembered, and a list that cannot be read or written is ignored.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbatch.errors import FormatError
from fastbatch.source.cache_folder import cache_folder
from fastbatch.source.identity import OpenedFile, identity_of, opened_file
from fastbatch.source.index_file import COARSEST_NS, DIGEST_BYTES, digest, is_enabled, is_settled, write_index
from fastbatch.source.local_file import open_regular, read_head
from fastbatch.source.opener import Opener
from fastbatch.source.pool import submit, thread_pool

HEADER = b"fastbatch tar 1\n"
FEWEST_MEMBERS = 1000  # a smaller archive is listed faster than its cache is found
MOST_THREADS = 8  # they wait for the disk more than they compute
_PACKED = (
    (b"\x1f\x8b\x08", "gzip", "gunzip"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\0", "xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
)


class Members(NamedTuple):
    """The regular files in an archive, in its order.

    Attributes:
        names: As in the archive.
        offsets, sizes: uint64, where their content is in the archive, in bytes.
    """

    names: list[bytes]
    offsets: NDArray[np.uint64]
    sizes: NDArray[np.uint64]


def list_archives(opener: Opener, paths: Sequence[str], cached: bool) -> list[tuple[OpenedFile, Members]]:
    """Return each archive as it was before it was listed, and its members.

    Raises:
        OSError: An archive cannot be read.
        FormatError: It is broken, compressed, or no tar archive.
    """
    with thread_pool(min(MOST_THREADS, len(paths)), "fastbatch-tar") as pool:
        waiting = [submit(pool, _listed, opener, path, cached) for path in paths]
        return [one.result() for one in waiting]


def _listed(opener: Opener, path: str, cached: bool) -> tuple[OpenedFile, Members]:
    begun_ns = time.time_ns()
    archive = opened_file(path)
    file: Path | None = None
    title = b""
    if cached and is_enabled():
        real = os.fsencode(os.path.realpath(path))
        title = b"%s\0%s\0" % (real, b" ".join(b"%d" % number for number in archive.identity))
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            file = cache_folder() / "archives" / digest(real).hex()
            with open_regular(file) as index:
                members = _parse(index.read(), title)
            os.utime(file)
            return archive, members
    head = read_head(path)
    for begin, name, program in _PACKED:
        if head.startswith(begin):
            raise FormatError(
                "compressed archive: expected a plain .tar, whose members can be read in any order, found "
                f"{name} ({program} makes a plain one)",
                path=path,
            )
    members = opener.tar_members(path)
    if identity_of(os.stat(path)) != archive.identity:
        raise FormatError("file changed while it was read", path=path)
    is_remembered = len(members.names) >= FEWEST_MEMBERS and is_settled(archive.identity, begun_ns - COARSEST_NS)
    if file is not None and is_remembered:
        with contextlib.suppress(OSError):
            write_index(file, _join(title, members))
    return archive, members


def _join(title: bytes, members: Members) -> bytes:
    names = b"\0".join(members.names)
    counts = b"%d %d\0" % (len(members.names), len(names))
    numbers = members.offsets.astype("<u8").tobytes() + members.sizes.astype("<u8").tobytes()
    data = title + counts + names + numbers
    return HEADER + digest(data) + data


def _parse(content: bytes, title: bytes) -> Members:
    """Return the members in an index; ValueError if it is invalid, or of another archive or another state of it."""
    begin = len(HEADER) + DIGEST_BYTES
    data = content[begin:]
    if content[: len(HEADER)] != HEADER or not data.startswith(title) or content[len(HEADER) : begin] != digest(data):
        raise ValueError("not an index of this archive")
    counts, _, rest = data[len(title) :].partition(b"\0")
    n, n_bytes = map(int, counts.split())
    names = rest[:n_bytes].split(b"\0")
    numbers = np.frombuffer(rest, "<u8", offset=n_bytes).astype(np.uint64)
    if len(names) != n or len(numbers) != 2 * n:
        raise ValueError("not an index of an archive")
    return Members(names, numbers[:n], numbers[n:])
