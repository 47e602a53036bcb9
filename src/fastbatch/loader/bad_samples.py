# SPDX-License-Identifier: MIT
"""Samples that cannot be read or decoded: how many of them are allowed, and which they were."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastbatch.errors import DecodeError, FormatError

from . import fork as process

MAX_RECORDS = 100_000  # that a report keeps; some 30 MB

# An error of one sample: (name of its class or "OSError", path or None, message, byte in the file or None, or errno).
Wrong = tuple[str, "str | None", str, "int | None"]
# A bad sample, as engines hand it out with the batch: (index in the data set, index of its replacement or None, error).
Bad = tuple[int, "int | None", Wrong]


@dataclass(frozen=True)
class BadSample:
    """A sample that was left out, or replaced. Immutable.

    Attributes:
        path: Its file, or None.
        sample: Its index in the data set, before shuffling.
        reason: What is wrong with it.
        epoch: In which it was met.
        replaced_by: Index of the sample that stood in, or None.
    """

    path: str | None
    sample: int
    reason: str
    epoch: int
    replaced_by: int | None = None


def what_is_wrong(error: Exception) -> Wrong:
    """Return an error of one sample as a value."""
    if isinstance(error, (DecodeError, FormatError)):
        return type(error).__name__, error.path, error.message, error.offset
    assert isinstance(error, OSError)
    return "OSError", error.filename, str(error.strerror or error), error.errno


def error_of(bad: Bad) -> Exception:
    """Return the error that `what_is_wrong` was made of."""
    sample, _, (kind, path, message, number) = bad
    if kind == "OSError":
        return OSError(number, message, path)  # becomes FileNotFoundError and its kin by itself
    return (DecodeError if kind == "DecodeError" else FormatError)(message, path=path, sample=sample, offset=number)


@dataclass
class Report:
    """All bad samples that a loader met, in the order in which they were due; the first MAX_RECORDS of them.

    Threads: any.
    """

    _records: list[BadSample] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=process.new_lock)

    def add(self, epoch: int, bad: Sequence[Bad]) -> None:
        """Note the bad samples of one batch."""
        made = [BadSample(path, sample, reason, epoch, other) for sample, other, (_, path, reason, _) in bad]
        with self._lock:
            self._records += made[: MAX_RECORDS - len(self._records)]

    def __reduce__(self) -> tuple[type[Report], tuple[()]]:
        return Report, ()  # a loader in another process has one of its own

    def records(self) -> list[BadSample]:
        """Return a copy."""
        with self._lock:
            return list(self._records)


class Allowance:
    """How many bad samples one pass may still have. `None`: any number.

    Threads: one at a time.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._n_met = 0

    def use(self, bad: Sequence[Bad]) -> int:
        """Return how many of these, in order, are allowed; fewer than all when no more are."""
        if self._most is None:
            return len(bad)
        allowed = min(len(bad), self._most - self._n_met)
        self._n_met += allowed
        return allowed
