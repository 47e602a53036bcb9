# SPDX-License-Identifier: MIT
"""Names of archives: paths, patterns of `glob`, and lists in braces: `shards/{000..099}.tar`."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from typing import Any

from fastbatch.checks import shown
from fastbatch.source.local_file import path_text

ENDS = (".tar",)
PACKED_ENDS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
MOST_ARCHIVES = 1_000_000
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


def names_archives(given: Any) -> bool:
    """Return whether data are the paths of tar archives, by their names; a folder of such a name is none."""
    if isinstance(given, list | tuple):
        return bool(given) and all(names_archives(path) for path in given)
    if not isinstance(given, str | bytes | os.PathLike):
        return False
    path = os.fsdecode(given).lower()
    return path.endswith((*ENDS, *PACKED_ENDS)) and not os.path.isdir(os.fsdecode(given))


def archive_paths(given: Any) -> list[str]:
    """Return the paths of archives: braces and patterns are expanded unless there is a file of that name.

    Raises:
        FileNotFoundError: A pattern that matches no file.
        TypeError, ValueError: Not paths.
    """
    if isinstance(given, str | bytes | os.PathLike):
        given = [given]
    if not isinstance(given, list | tuple) or not given:
        raise TypeError(f"paths: expected the path of a tar archive, or a list of them, found {shown(given)}")
    found: list[str] = []
    for item in given:
        path = path_text("paths", item)
        if os.path.exists(path):
            found.append(path)
            continue
        for one in _expanded(path):
            matches = sorted(glob.glob(one)) if glob.has_magic(one) and not os.path.exists(one) else [one]
            if not matches:
                raise FileNotFoundError(2, "No file matches", one)
            found += matches
    return found


def _expanded(path: str) -> Iterator[str]:
    """Yield the paths of a name with lists in braces, {a,b} or {000..099}, in order."""
    match = _BRACES.search(path)
    if match is None:
        yield path
        return
    numbers = _RANGE.fullmatch(match[1])
    if numbers is None:
        items: Any = match[1].split(",")
    else:
        first, last = int(numbers[1]), int(numbers[2])
        if not 0 <= last - first < MOST_ARCHIVES:
            raise ValueError(f"paths: expected {{first..last}} in ascending order, found {shown(match[0])}")
        items = (f"{i:0{len(numbers[1])}d}" for i in range(first, last + 1))
    for item in items:
        yield from _expanded(path[: match.start()] + item + path[match.end() :])
