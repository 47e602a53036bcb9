# SPDX-License-Identifier: MIT
"""The shape of a window over a time series and of its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import whole

from .window import MAX_ROWS, Part, Pieces


@dataclass(frozen=True)
class WindowShape:
    """Which rows a window and its target have, counted from the window's first row.

    Attributes:
        length, step: Rows of the window, and from one to the next.
        every: Rows from one window's start to the next one's.
        target: The (first) row of the target.
        target_length: Rows of the target, or None for one row without a dimension of its own.
        needed: Rows that must be there from the window's first on.
    """

    length: int
    step: int
    every: int
    target: int
    target_length: int | None
    needed: int

    def count(self, n_rows: Any) -> Any:
        """Return the windows of series of so many rows: a number, or an array for an array."""
        return np.maximum((n_rows - self.needed) // self.every + 1, 0)

    def data(self, n: int, start: int = 0, pieces: Pieces | None = None) -> Part:
        return Part(start, n, self.every, self.length, self.step, pieces)

    def targets(self, n: int, start: int = 0, pieces: Pieces | None = None) -> Part:
        return Part(start + self.target, n, self.every, self.target_length, 1, pieces)


def make_window_shape(
    length: Any, stride: Any, sampling_rate: Any, horizon: Any, target_length: Any, has_targets: bool
) -> WindowShape:
    """Return the checked shape of a window and its target."""
    n_window = whole("length", length, 1, MAX_ROWS)
    every = whole("stride", stride, 1, MAX_ROWS)
    step = whole("sampling_rate", sampling_rate, 1, MAX_ROWS)
    reach = (n_window - 1) * step
    ahead = whole("horizon", horizon, -min(reach, MAX_ROWS), MAX_ROWS)
    n_target = None if target_length is None else whole("target_length", target_length, 1, MAX_ROWS)
    if not has_targets and (ahead or n_target is not None):
        raise ValueError(f"{'horizon' if ahead else 'target_length'}: means something with targets only")
    end_of_target = reach + ahead + (n_target or 1)
    needed = max(reach + 1, end_of_target) if has_targets else reach + 1
    return WindowShape(n_window, step, every, reach + ahead, n_target, needed)
