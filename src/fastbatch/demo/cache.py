# SPDX-License-Identifier: MIT
"""A cache folder whose content is complete or does not exist, and that may be deleted at any time."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fastbatch.source.cache_folder import cache_folder

_STALE_S = 24 * 3600  # an unfinished folder this old belongs to a process that was killed


def complete_folder(name: str, make: Callable[[Path], None], is_complete: Callable[[Path], bool]) -> Path:
    """Return the cached folder `name`, made now if it is missing or if somebody deleted a part of it.

    Args:
        name: The folder's name inside `cache_folder()`; whatever the content depends on belongs into it.
        make: Fills the empty folder that it is given. If it raises, or is interrupted, nothing is left behind.
        is_complete: Whether a folder found there holds all that `make` would write.
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
        if not is_complete(folder):  # another process may have been faster
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
