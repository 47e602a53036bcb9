# SPDX-License-Identifier: MIT
"""`Verification`: what a check of many image files has found."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastbatch.calls import public_class
from fastbatch.checks import n_of
from fastbatch.source.local_file import path_text, write_whole

MOST_SHOWN = 20  # bad files in `repr`


def one_line(text: str) -> str:
    """Return a text with its control characters as in Python's `repr`, so that it is one line on any terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda found: repr(found[0])[1:-1], text)


@dataclass(frozen=True)
class BadFile:
    """A file that cannot be read or decoded. Immutable.

    Attributes:
        path: The file, the URL of an object, or "archive.tar: member"; None for an image in memory without a name.
        sample: Its number among all that were checked.
        reason: Message of the error, as `decode` would raise it.
    """

    path: str | None
    sample: int
    reason: str

    def __str__(self) -> str:
        """Return one line: line ends and other control characters in a name are shown as in Python's `repr`."""
        return f"{f'image {self.sample}' if self.path is None else one_line(self.path)}: {one_line(self.reason)}"


@public_class
@dataclass(frozen=True)
class Verification:
    """What a check of many image files has found: as `verify` returns it. Immutable.

    Attributes:
        n_files: Files that were checked.
        n_bytes: Their bytes.
        bad: The bad files, in order: `path`, `sample`, `reason`.
        seconds: How long it took.
        is_complete: Whether all files were checked; False after an interruption.

    Raises:
        OSError: By `save`.

    Example:
        >>> import fastbatch as fb
        >>> with open("images/0.jpg", "rb") as file:
        ...     content = file.read()
        >>> found = fb.verify(fb.encoded([content, content[:2000]], names=["whole", "cut"]))
        >>> found.n_files, found.is_good, [bad.path for bad in found.bad]
        (2, False, ['cut'])
    """

    n_files: int
    n_bytes: int = 0
    bad: tuple[BadFile, ...] = ()
    seconds: float = 0.0
    is_complete: bool = True

    @property
    def is_good(self) -> bool:
        """Whether all files were checked and none is bad."""
        return self.is_complete and not self.bad

    def to_dict(self) -> dict[str, Any]:
        """Return a dict for JSON: `files`, `bytes`, `bad` (path, sample, reason of each), `seconds`, `complete`."""
        bad = [{"path": one.path, "sample": one.sample, "reason": one.reason} for one in self.bad]
        return {
            "files": self.n_files,
            "bytes": self.n_bytes,
            "bad": bad,
            "seconds": round(self.seconds, 3),
            "complete": self.is_complete,
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dict()` as JSON.

        Args:
            path: The file; it is replaced as a whole.
        """
        write_whole(path_text("path", path), (json.dumps(self.to_dict(), indent=2) + "\n").encode())

    def __repr__(self) -> str:
        lines = [self.summary(), *map(str, self.bad[:MOST_SHOWN])]
        if len(self.bad) > MOST_SHOWN:
            lines.append(f"... and {len(self.bad) - MOST_SHOWN} more")
        return "\n".join(lines)

    def summary(self) -> str:
        """Return the numbers in one line."""
        bad = f"{len(self.bad):,} bad" if self.bad else "none is bad"
        end = "" if self.is_complete else "; interrupted"
        rate = f", {self.n_files / self.seconds:,.0f} files/s" if self.seconds > 0 else ""
        return f"{n_of(self.n_files, 'file')}, {self.n_bytes / 1e6:,.1f} MB{rate}: {bad}{end}"


def joined(parts: Iterable[Verification], seconds: float, is_complete: bool = True) -> Verification:
    """Return what several checks together have found, with the bad files in order."""
    known = list(parts)
    bad = sorted((one for part in known for one in part.bad), key=lambda one: one.sample)
    return Verification(
        sum(part.n_files for part in known), sum(part.n_bytes for part in known), tuple(bad), seconds, is_complete
    )


def collected(
    parts: Iterable[Verification], n_files: int, progress: Callable[[int, int], object] | None
) -> Verification:
    """Return what the checks of all parts together find; `progress(done, n_files)` is called after each of them."""
    start, found, done = time.monotonic(), [], 0
    for part in parts:
        found.append(part)
        done += part.n_files
        if progress is not None:
            progress(done, n_files)
    return joined(found, time.monotonic() - start)
