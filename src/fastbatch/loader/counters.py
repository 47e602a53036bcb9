# SPDX-License-Identifier: MIT
"""What `stats()` says: the same keys for every kind of loader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Of a loader of which nothing is counted. `elapsed_s` and `bound_by_data` are added by the loader.
NO_STATS: dict[str, Any] = {
    "batches": 0,
    "samples": 0,
    "bytes": 0,
    "bad_samples": 0,
    "through_pillow": 0,
    "wait_s": 0.0,
    "decode_s": [],
    "advise_s": 0.0,
    "ready_batches": 0,
    "threads": 0,
    "prefetch": 0,
}


@dataclass
class Counters:
    """What was handed out since the first iterator, of loaders whose engine does not count it.

    Threads: any; those that share an iterator may lose some nanoseconds of `wait_s` to each other.
    """

    batches: int = 0  # of runs that are over
    samples: int = 0  # likewise
    wait_s: float = 0.0
