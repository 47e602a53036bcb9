# SPDX-License-Identifier: MIT
"""Names of several files: patterns of `glob`, and lists in braces, as in `shards/{000..099}.tar`."""

from __future__ import annotations

import errno
import glob
import os
import re
from collections.abc import Iterator
from typing import Any

from fastbatch.checks import shown

from .local_file import Path, path_bytes
from .remote.urls import as_url

MOST_IN_BRACES = 1_000_000
_BRACES = re.compile(r"\{([^{}]*(?:,|\.\.)[^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


def matching(name: str, path: Path) -> list[bytes] | None:
    """Return the files of a pattern; None if the path is none: without `*`, `?`, `[` and braces, or an existing file.

    Lists in braces ({a,b}, {000..099}) are expanded in their order, and the files of each pattern are sorted. `**`
    includes sub-folders. Paths of bytes are no patterns. Of the objects of a pattern in a store, copies are returned.

    Raises:
        FileNotFoundError: No file fits the pattern.
        ValueError: A range in braces that descends.
    """
    if (url := as_url(path)) is not None:
        from .remote.copies import copies_of_pattern

        copies = copies_of_pattern(url)
        return None if copies is None else [os.fsencode(one) for one in copies]
    pattern = path_bytes(name, path)
    if isinstance(path, bytes) or os.path.exists(pattern):
        return None
    names = list(expanded(name, os.fsdecode(pattern)))
    if len(names) == 1 and not glob.has_magic(names[0]):
        return None
    found: list[bytes] = []
    for one in map(os.fsencode, names):
        if not glob.has_magic(one) or os.path.exists(one):
            found.append(one)
            continue
        files = sorted(file for file in glob.glob(one, recursive=True) if not os.path.isdir(file))
        if not files:
            raise FileNotFoundError(errno.ENOENT, "No file fits the pattern", os.fsdecode(one))
        found += files
    return found


def files_of(name: str, given: Any, *, urls: bool = False) -> list[str]:
    """Return the files of a path, a pattern, or a list of these.

    Args:
        urls: Return the URLs of objects in stores, in place of copies.

    Raises:
        TypeError, ValueError: Not paths; an empty list.
        FileNotFoundError: No file fits a pattern.
    """
    if isinstance(given, str | bytes | os.PathLike):
        given = [given]
    if not isinstance(given, list | tuple) or not given:
        raise TypeError(f"{name}: expected the path of a file, or a list of them, found {shown(given)}")
    found: list[bytes] = []
    for item in given:
        url = as_url(item) if urls else None
        if url is not None:
            from .remote.listing import matching_objects

            objects = matching_objects(url)
            found += [os.fsencode(url)] if objects is None else [os.fsencode(one.url) for one in objects]
            continue
        found += matching(name, item) or [path_bytes(name, item)]
    return [os.fsdecode(path) for path in found]


def expanded(name: str, path: str) -> Iterator[str]:
    """Yield the paths of a name with lists in braces, in order."""
    match = _BRACES.search(path)
    if match is None:
        yield path
        return
    numbers = _RANGE.fullmatch(match[1])
    if numbers is None:
        items: Any = match[1].split(",")
    else:
        first, last = int(numbers[1]), int(numbers[2])
        if not 0 <= last - first < MOST_IN_BRACES:
            raise ValueError(f"{name}: expected {{first..last}} in ascending order, found {shown(match[0])}")
        items = (f"{i:0{len(numbers[1])}d}" for i in range(first, last + 1))
    for item in items:
        yield from expanded(name, path[: match.start()] + item + path[match.end() :])
