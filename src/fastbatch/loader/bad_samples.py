# SPDX-License-Identifier: MIT
"""Bad samples, which cannot be read or decoded: their records, and the allowance per pass."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastbatch.errors import DecodeError, FormatError

from . import fork as process

MAX_RECORDS = 100_000  # records kept by a report; about 30 MB

# An error of one sample: (class name or "OSError", path or None, message, byte offset in the file or None, or errno).
Wrong = tuple[str, "str | None", str, "int | None"]
# A bad sample, as engines return it with the batch: (index in the data set, index of its replacement or None, error,
# whether it is in the batch, as a truncated image that was filled). The last are not bad samples in counts and limits.
Bad = tuple[int, "int | None", Wrong, bool]


@dataclass(frozen=True)
class BadSample:
    """A sample that was skipped, replaced or filled. Immutable.

    Attributes:
        path: File of the sample, or None.
        sample: Index in the data set, before shuffling.
        reason: Message of the error.
        epoch: Epoch in which the error occurred.
        replaced_by: Index of the sample that replaced it, or None.
        filled: True: a truncated image that is in the batch, with gray or black for the rest (`on_truncated="fill"`).
    """

    path: str | None
    sample: int
    reason: str
    epoch: int
    replaced_by: int | None = None
    filled: bool = False


def what_is_wrong(error: Exception) -> Wrong:
    """Return the error of one sample as a plain tuple."""
    if isinstance(error, (DecodeError, FormatError)):
        return type(error).__name__, error.path, error.message, error.offset
    assert isinstance(error, OSError)
    return "OSError", error.filename, str(error.strerror or error), error.errno


def error_of(bad: Bad) -> Exception:
    """Return the exception that `what_is_wrong` converted to a tuple."""
    sample, _, (kind, path, message, number), _ = bad
    if kind == "OSError":
        return OSError(number, message, path)  # Python selects the subclass, such as FileNotFoundError
    return (DecodeError if kind == "DecodeError" else FormatError)(message, path=path, sample=sample, offset=number)


@dataclass
class Report:
    """The first MAX_RECORDS bad and filled samples of a loader, in the order of their batches.

    Threads: any.
    """

    _records: list[BadSample] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=process.new_lock)

    def add(self, epoch: int, bad: Sequence[Bad]) -> None:
        """Record the bad and filled samples of one batch."""
        made = [
            BadSample(path, sample, reason, epoch, other, filled) for sample, other, (_, path, reason, _), filled in bad
        ]
        with self._lock:
            self._records += made[: MAX_RECORDS - len(self._records)]

    def __reduce__(self) -> tuple[type[Report], tuple[()]]:
        return Report, ()  # a loader in another process has its own report

    def records(self) -> list[BadSample]:
        """Return a copy of the records."""
        with self._lock:
            return list(self._records)


class Allowance:
    """Number of further bad samples that one pass allows. `None`: no limit.

    Threads: one at a time.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._n_met = 0

    def use(self, bad: Sequence[Bad]) -> int:
        """Use up the allowance; return how many of these samples, in order, are within it."""
        for i, (*_, filled) in enumerate(bad):
            if filled or self._most is None:
                continue
            if self._n_met == self._most:
                return i
            self._n_met += 1
        return len(bad)
