# SPDX-License-Identifier: MIT
"""The counters of `stats()`: the same keys for all kinds of loaders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The values for counters that a loader does not have. `elapsed_s` and `bound_by_data` are added by the loader.
NO_STATS: dict[str, Any] = {
    "batches": 0,
    "samples": 0,
    "bytes": 0,
    "bad_samples": 0,
    "through_pillow": 0,
    "jpeg_own": 0,
    "jpeg_library": 0,
    "wait_s": 0.0,
    "decode_s": [],
    "advise_s": 0.0,
    "ready_batches": 0,
    "threads": 0,
    "prefetch": 0,
}


@dataclass
class Counters:
    """Counts since the first iterator, for loaders whose engine does not count.

    Threads: any. `wait_s` is not locked: threads that share an iterator may lose some nanoseconds of it.
    """

    batches: int = 0  # of finished runs
    samples: int = 0  # likewise
    wait_s: float = 0.0
