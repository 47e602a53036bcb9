# SPDX-License-Identifier: MIT
"""The samples of tar archives, listed in threads, and a cache of the lists beside the user's other caches.

As in `source/folder_index.py`, an archive's list is taken from the cache while its identity (one stat) is that of the
list, an archive that changed shortly before is not remembered, and a list that cannot be read or written is ignored.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fastbatch.errors import FormatError
from fastbatch.source.cache_folder import cache_folder
from fastbatch.source.foreign import TAR, open_as
from fastbatch.source.identity import OpenedFile, identity_of, opened_file
from fastbatch.source.index_file import COARSEST_NS, DIGEST_BYTES, digest, is_enabled, is_settled, write_index
from fastbatch.source.local_file import HEAD_BYTES, open_regular, path_text, read_head
from fastbatch.source.opener import Opener, StoredArchive
from fastbatch.source.pool import submit, thread_pool
from fastbatch.source.remote.urls import Object, as_url

from .groups import Groups, grouped

HEADER = b"fastbatch tar 2\n"
FEWEST_MEMBERS = 1000  # a smaller archive is listed faster than its cache is found
MOST_THREADS = 8  # they wait for the disk more than they compute
_PACKED = (
    (b"\x1f\x8b\x08", "gzip", "gunzip"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\0", "xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
)


Listed = tuple[OpenedFile | StoredArchive, Groups]


def list_archives(opener: Opener, paths: Sequence[str], cached: bool) -> list[Listed]:
    """Return each archive as it was before it was listed, and its samples.

    Raises:
        OSError: An archive cannot be read.
        FormatError: It is broken, compressed, or no tar archive, or has a member twice.
    """
    with thread_pool(min(MOST_THREADS, len(paths)), "fastbatch-tar") as pool:
        waiting = [submit(pool, _listed, opener, path, cached) for path in paths]
        return [one.result() for one in waiting]


def _listed(opener: Opener, path: str, cached: bool) -> Listed:
    url = as_url(path)
    stored = None if url is None else opener.stored_archive(url)
    if stored is not None:
        return _listed_object(stored, cached)
    return _listed_file(opener, path if url is None else path_text("paths", path), cached)


def _listed_object(archive: StoredArchive, cached: bool) -> Listed:
    """Return an archive in a store, and its samples; its list is remembered by its URL and its tag."""
    file: Path | None = None
    title = b""
    if cached and is_enabled() and archive.one.tag:
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            file, title = _place(archive.one)
            with open_regular(file) as index:
                groups = _parse(index.read(), title, archive.one.size)
            os.utime(file)
            return archive, groups
    _refuse_packed(archive.path, archive.read(0, min(archive.one.size, HEAD_BYTES)))
    members = archive.members()
    groups = grouped(archive.path, members)
    if file is not None and len(members.names) >= FEWEST_MEMBERS:
        with contextlib.suppress(OSError):
            write_index(file, _join(title, groups))
    return archive, groups


def _listed_file(opener: Opener, path: str, cached: bool) -> tuple[OpenedFile, Groups]:
    begun_ns = time.time_ns()
    archive = opened_file(path)
    file: Path | None = None
    title = b""
    if cached and is_enabled():
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            file, title = _place(archive)
            with open_regular(file) as index:
                groups = _parse(index.read(), title, archive.identity.size)
            os.utime(file)
            return archive, groups
    _refuse_packed(path, read_head(path))
    members = open_as(TAR, path, lambda: opener.tar_members(path))
    if identity_of(os.stat(path)) != archive.identity:
        raise FormatError("file changed while it was read", path=path)
    groups = grouped(path, members)
    is_remembered = len(members.names) >= FEWEST_MEMBERS and is_settled(archive.identity, begun_ns - COARSEST_NS)
    if file is not None and is_remembered:
        with contextlib.suppress(OSError):
            write_index(file, _join(title, groups))
    return archive, groups


def remember(archive: OpenedFile | Object, groups: Groups) -> None:
    """Keep the samples of an archive that another process has listed, if the archive is still as it was then."""
    with contextlib.suppress(OSError, RuntimeError):
        if is_enabled() and len(groups.samples) >= FEWEST_MEMBERS and _is_known(archive):
            file, title = _place(archive)
            write_index(file, _join(title, groups))


def _is_known(archive: OpenedFile | Object) -> bool:
    """Return whether the archive has not changed since, and its next change will be noticed."""
    if isinstance(archive, Object):
        return bool(archive.tag)
    is_same = identity_of(os.stat(archive.path)) == archive.identity
    return is_same and is_settled(archive.identity, time.time_ns() - COARSEST_NS)


def _place(archive: OpenedFile | Object) -> tuple[Path, bytes]:
    """Return the file of an archive's list, and what it begins with."""
    if isinstance(archive, Object):
        title = os.fsencode(f"{archive.name}\0{archive.tag}\0{archive.size}\0")
        return cache_folder() / "archives" / digest(os.fsencode(archive.name)).hex(), title
    real = os.fsencode(os.path.realpath(archive.path))
    title = b"%s\0%s\0" % (real, b" ".join(b"%d" % number for number in archive.identity))
    return cache_folder() / "archives" / digest(real).hex(), title


def _refuse_packed(path: str, head: bytes) -> None:
    for begin, name, program in _PACKED:
        if head.startswith(begin):
            raise FormatError(
                "compressed archive: expected a plain .tar, whose members can be read in any order, found "
                f"{name} ({program} makes a plain one)",
                path=path,
            )


def _join(title: bytes, groups: Groups) -> bytes:
    texts = [b"\0".join(groups.keys), b"\0".join(groups.extensions)]
    counts = (len(groups.keys), len(groups.extensions), len(groups.samples), *map(len, texts))
    numbers = [groups.samples, groups.kinds, groups.offsets, groups.sizes]
    data = title + b" ".join(b"%d" % count for count in counts) + b"\0" + b"".join(texts)
    data += b"".join(one.astype("<u8").tobytes() for one in numbers)
    return HEADER + digest(data) + data


def _parse(content: bytes, title: bytes, n_bytes: int) -> Groups:
    """Return the samples in an index; ValueError if it is invalid, or of another archive or another state of it.

    A digest finds damage, but a forged index has one, too: all numbers must fit an archive of `n_bytes`.
    """
    begin = len(HEADER) + DIGEST_BYTES
    data = memoryview(content)[begin:]
    is_of_archive = data[: len(title)] == title
    if content[: len(HEADER)] != HEADER or not is_of_archive or content[len(HEADER) : begin] != digest(data):
        raise ValueError("not an index of this archive")
    end = content.index(b"\0", begin + len(title))
    n_keys, n_extensions, n, *lengths = map(int, content[begin + len(title) : end].split())
    texts = []
    for length, count in zip(lengths, (n_keys, n_extensions), strict=True):
        texts.append(content[end + 1 : end + 1 + length].split(b"\0") if count else [])
        end += length
    numbers = np.frombuffer(content, "<u8", offset=end + 1)
    if (len(texts[0]), len(texts[1]), len(numbers)) != (n_keys, n_extensions, 4 * n):
        raise ValueError("not an index of an archive")
    samples, kinds, offsets, sizes = (part.astype(np.uint64) for part in numbers.reshape(4, n))
    ends = offsets + np.minimum(sizes, n_bytes)  # no overflow where the offsets fit
    is_known = (samples < n_keys).all() and (kinds < n_extensions).all()
    if not (is_known and (offsets <= n_bytes).all() and (sizes <= n_bytes).all() and (ends <= n_bytes).all()):
        raise ValueError("numbers outside of the archive")
    return Groups(texts[0], texts[1], samples.astype(np.int64), kinds.astype(np.int64), offsets, sizes)
