# SPDX-License-Identifier: MIT
"""A cached folder that is complete or absent; it may be deleted at any time."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fastbatch.source.cache_folder import cache_folder
from fastbatch.system import locked

_STALE_S = 24 * 3600  # older unfinished folders belong to a process that was killed


def complete_folder(name: str, make: Callable[[Path], None], is_complete: Callable[[Path], bool]) -> Path:
    """Return the cached folder `name`; create it if it is missing or incomplete.

    Args:
        name: Name inside `cache_folder()`; it must include everything that the content depends on.
        make: Fills the given empty folder. If it raises or is interrupted, the folder is deleted.
        is_complete: Returns whether a folder contains everything that `make` writes.
    """
    caches = cache_folder()
    folder = caches / name
    if is_complete(folder):
        return folder
    caches.mkdir(parents=True, exist_ok=True)
    _remove_stale(caches)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=caches))
    try:
        make(unfinished)
        with locked(caches):
            if not is_complete(folder):  # another process may have finished first
                shutil.rmtree(folder, ignore_errors=True)
                unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _remove_stale(caches: Path) -> None:
    for unfinished in caches.glob(".unfinished-*"):
        try:
            age_s = time.time() - unfinished.stat().st_mtime
        except FileNotFoundError:
            continue
        if age_s > _STALE_S:
            shutil.rmtree(unfinished, ignore_errors=True)
