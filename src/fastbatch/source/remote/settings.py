# SPDX-License-Identifier: MIT
"""How objects in stores are read and cached: set by the environment."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from fastbatch.source.cache_folder import cache_folder

BLOCK_BYTES = 4 << 20  # a multiple of the size of any page
MOST_CACHE_BYTES = 64 << 30  # unless more is asked for


@dataclass(frozen=True)
class Settings:
    """Options of reading from stores.

    Attributes:
        cache: Folder of the blocks that are kept on disk.
        cache_bytes: Most bytes of it, for all processes together; 0: nothing is kept.
        timeout_s: Most seconds of one request.
        tries: Requests for a block before its error is raised.
        in_flight: Requests at the same time.
        in_flight_bytes: Most bytes of these, unless one has more.
        ahead_bytes: Most bytes that are asked for ahead of their use.
        memory_bytes: Most bytes of blocks that are mapped, but at least twice those that are asked for ahead.
    """

    cache: Path
    cache_bytes: int
    timeout_s: float = 30.0
    tries: int = 6
    in_flight: int = 64
    in_flight_bytes: int = 32 << 20
    ahead_bytes: int = 128 << 20
    memory_bytes: int = 1 << 30


def settings_now() -> Settings:
    """Return the options in the environment; `docs/stores.md` lists them.

    Raises:
        ValueError: A variable is no number, or out of range.
    """
    folder = Path(os.environ.get("FASTBATCH_STORE_CACHE") or cache_folder() / "blocks")
    most = _number("FASTBATCH_STORE_CACHE_BYTES", -1)
    if most < 0:
        existing = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        most = min(MOST_CACHE_BYTES, shutil.disk_usage(existing).free // 2)
    return Settings(
        folder,
        int(most),
        timeout_s=_number("FASTBATCH_STORE_TIMEOUT_S", 30.0, least=0.01),
        tries=int(_number("FASTBATCH_STORE_TRIES", 6, least=1)),
        in_flight=int(_number("FASTBATCH_STORE_REQUESTS", 64, least=1)),
        in_flight_bytes=int(_number("FASTBATCH_STORE_REQUEST_BYTES", 32 << 20, least=1)),
        ahead_bytes=int(_number("FASTBATCH_STORE_AHEAD_BYTES", 128 << 20, least=1)),
        memory_bytes=int(_number("FASTBATCH_STORE_MEMORY_BYTES", 1 << 30)),
    )


def _number(name: str, default: float, least: float = 0) -> float:
    given = os.environ.get(name)
    if given is None:
        return default
    try:
        number = float(given)
    except ValueError:
        number = -1
    if not least <= number < 2**62:
        raise ValueError(f"{name}: expected a number of at least {least:g}, found {given!r:.40}")
    return number
