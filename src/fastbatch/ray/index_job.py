# SPDX-License-Identifier: MIT
"""`index`: the lists of the samples of many tar archives, made by many machines and kept for this one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastbatch.errors import FormatError
from fastbatch.native.backend import NativeBackend
from fastbatch.source.identity import OpenedFile
from fastbatch.source.patterns import files_of
from fastbatch.source.remote.urls import as_url, shown_url
from fastbatch.source.tar.index import list_archives, remember

from .tasks import On, done_parts


@dataclass(frozen=True)
class IndexedArchive:
    """An archive whose samples are listed. Immutable.

    Attributes:
        path: As it was given.
        n_samples: Its samples: members of one name up to the first dot.
        n_bytes: Bytes of their members.
        error: Why it cannot be listed, or None.

    Example:
        >>> import fastbatch.ray as fbr
        >>> fbr.index("shards/0.tar", on="local")[0].error is None
        True
    """

    path: str
    n_samples: int = 0
    n_bytes: int = 0
    error: str | None = None


def index(
    paths: Any,
    *,
    on: On = "ray",
    address: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> list[IndexedArchive]:
    """Return how many samples tar archives have, and keep the lists: `fb.tar` then need not read the headers.

    The lists, which `fb.images` uses too, are kept in the user's folder of caches of this process (see `fb.tar`), for
    archives of 1,000 members and more.

    Args:
        paths: A path, a URL, a pattern (`"shards/*.tar"`, `"shards/{000..099}.tar"`), or a list of these. All machines
            need to reach the archives by the same paths.
        on, address, progress: As for `verify`; the progress counts archives.

    Returns:
        One record for each archive, in order, also for one that cannot be read.

    Raises:
        FileNotFoundError: No file fits a pattern.
        ValueError, TypeError, ModuleNotFoundError: As for `verify`.
        PartLostError: A part's worker died four times.

    Example:
        >>> import fastbatch.ray as fbr
        >>> sum(archive.n_samples for archive in fbr.index("shards/*.tar", on="local"))
        8

    Source: `src/fastbatch/source/tar/index.py`.
    """
    names = files_of("paths", paths, urls=True)
    found: list[Any] = [None] * len(names)
    places = [name if as_url(name) else os.path.abspath(name) for name in names]
    for done, (number, one) in enumerate(done_parts(_list, places, on=on, address=address), 1):
        found[number] = _record(shown_url(names[number]) if as_url(names[number]) else names[number], one)
        if progress is not None:
            progress(done, len(names))
    return found


def _list(path: str) -> Any:
    try:
        archive, groups = list_archives(NativeBackend(), [path], True)[0]
        return archive if isinstance(archive, OpenedFile) else archive.one, groups
    except FormatError as error:
        return error.message
    except OSError as error:
        return error.strerror or str(error)


def _record(name: str, listed: Any) -> IndexedArchive:
    if isinstance(listed, str):
        return IndexedArchive(name, error=listed)
    archive, groups = listed
    remember(archive, groups)
    return IndexedArchive(name, len(groups.keys), int(groups.sizes.sum()))
