# SPDX-License-Identifier: MIT
"""Names of tar archives, compressed or not."""

from __future__ import annotations

import os
from typing import Any

ENDS = (".tar",)
PACKED_ENDS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")


def names_archives(given: Any) -> bool:
    """Return whether data are the paths of tar archives, by their names; a folder of such a name is none."""
    if isinstance(given, list | tuple):
        return bool(given) and all(names_archives(path) for path in given)
    if not isinstance(given, str | bytes | os.PathLike):
        return False
    path = os.fsdecode(given).lower()
    return path.endswith((*ENDS, *PACKED_ENDS)) and not os.path.isdir(os.fsdecode(given))
