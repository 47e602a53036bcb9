# SPDX-License-Identifier: MIT
"""Which files took long: from the histograms of all processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_PER_OCTAVE = 4  # bins per factor of two, as the agent counts
_TIMES_THE_MEDIAN = 5.0
_AT_LEAST_S = 0.02


@dataclass(frozen=True)
class FileTimes:
    """The times from the opening of a file until the next one, or the end of its batch.

    Attributes:
        count: Files, each time that one was opened.
        total_s: The sum of their times.
        median_s, p99_s: Within 20 %: they come from a histogram.
        slow: Files that took at least five times the median, and 20 ms.
        slow_s: Their time. Both come from the histogram where there are more than the agents keep by name.
        slowest: Seconds and path of the slowest ones.
    """

    count: int
    total_s: float
    median_s: float
    p99_s: float
    slow: int
    slow_s: float
    slowest: tuple[tuple[float, str], ...]


def file_times(records: Iterable[dict[str, Any]]) -> FileTimes:
    """Return the times of the files of all processes together."""
    bins: Counter[int] = Counter()
    total_s = 0.0
    slowest: list[tuple[float, str]] = []
    for record in records:
        bins.update({int(octave): n for octave, n in record["bins"].items()})
        total_s += record["total_s"]
        slowest += [(seconds, path) for seconds, path in record["slowest"]]
    count = sum(bins.values())
    median_s = _quantile(bins, 0.5)
    threshold_s = max(_TIMES_THE_MEDIAN * median_s, _AT_LEAST_S)
    in_bins = {octave: n for octave, n in bins.items() if _lower(octave) >= threshold_s}
    known = [took for took, _ in slowest if took >= threshold_s]  # all of them, unless there are many
    if len(known) >= sum(in_bins.values()):
        slow, slow_s = len(known), sum(known)
    else:
        slow, slow_s = sum(in_bins.values()), sum(n * _middle(octave) for octave, n in in_bins.items())
    seen: dict[str, float] = {}
    for seconds, path in slowest:
        seen[path] = max(seconds, seen.get(path, 0.0))
    ranked = sorted(((seconds, path) for path, seconds in seen.items() if seconds >= threshold_s), reverse=True)
    return FileTimes(
        count,
        total_s,
        median_s,
        _quantile(bins, 0.99),
        slow,
        slow_s,
        tuple(ranked[:10]),
    )


def _lower(octave: int) -> float:
    return float(2 ** (octave / _PER_OCTAVE) / 1e6)


def _middle(octave: int) -> float:
    return float(2 ** ((octave + 0.5) / _PER_OCTAVE) / 1e6)


def _quantile(bins: Counter[int], share: float) -> float:
    left = share * sum(bins.values())
    for octave in sorted(bins):
        left -= bins[octave]
        if left <= 0:
            return _middle(octave)
    return 0.0
