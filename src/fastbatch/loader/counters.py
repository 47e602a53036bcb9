# SPDX-License-Identifier: MIT
"""The counters of `stats()`: the same keys for all kinds of loaders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastbatch.checks import n_of

# The values for counters that a loader does not have. `elapsed_s` and `bound_by_data` are added by the loader.
NO_STATS: dict[str, Any] = {
    "batches": 0,
    "samples": 0,
    "bytes": 0,
    "bad_samples": 0,
    "filled": 0,
    "through_pillow": 0,
    "jpeg_own": 0,
    "jpeg_library": 0,
    "jpeg_indexed": 0,
    "wait_s": 0.0,
    "decode_s": [],
    "map_s": [],
    "advise_s": 0.0,
    "ready_batches": 0,
    "threads": 0,
    "prefetch": 0,
}


class Stats(dict[str, Any]):
    """The counters of a loader: a dict, whose repr says in words whether training waits for data."""

    def __repr__(self) -> str:
        elapsed_s, own_s = self["elapsed_s"], sum(self["map_s"])
        share = (self["wait_s"] + own_s) / elapsed_s if elapsed_s > 0 else 0.0
        bound = "bound by data" if self["bound_by_data"] else "not bound by data"
        lines = [
            f"{n_of(self['batches'], 'batch', 'batches')}, {n_of(self['samples'], 'sample')}, "
            f"{self['bytes'] / 1e6:.1f} MB in {elapsed_s:.3f} s",
            f"{share:.0%} of the time in next(): {bound}",
            f"waited {self['wait_s']:.3f} s, in functions of map() {own_s:.3f} s",
            f"{n_of(self['threads'], 'thread')}, {self['ready_batches']} of "
            f"{n_of(self['prefetch'], 'batch', 'batches')} ready",
            f"{n_of(self['bad_samples'], 'bad sample')}, {n_of(self['filled'], 'filled image')}, "
            f"{n_of(self['through_pillow'], 'image')} through Pillow",
        ]
        return "\n".join(lines)


@dataclass
class Counters:
    """Counts since the first iterator, for loaders whose engine does not count.

    Threads: any. `wait_s` is not locked: threads that share an iterator may lose some nanoseconds of it.
    """

    batches: int = 0  # of finished runs
    samples: int = 0  # likewise
    wait_s: float = 0.0
