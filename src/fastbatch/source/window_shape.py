# SPDX-License-Identifier: MIT
"""The shape of a window of a time series and of its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastbatch.checks import whole

from .window import MAX_ROWS, Part, Pieces


@dataclass(frozen=True)
class WindowShape:
    """The rows of a window and of its target, relative to the window's first row.

    Attributes:
        length, step: Rows per window, and rows between consecutive ones.
        every: Rows between the starts of consecutive windows.
        target: First row of the target.
        target_length: Rows of the target; None for a single row without its own dimension.
        needed: Rows needed from the window's first row on.
    """

    length: int
    step: int
    every: int
    target: int
    target_length: int | None
    needed: int

    def count(self, n_rows: Any) -> Any:
        """Return the number of windows in series of `n_rows` rows; accepts a number or an array."""
        return np.maximum((n_rows - self.needed) // self.every + 1, 0)

    def data(self, n: int, start: int = 0, pieces: Pieces | None = None) -> Part:
        return Part(start, n, self.every, self.length, self.step, pieces)

    def targets(self, n: int, start: int = 0, pieces: Pieces | None = None) -> Part:
        return Part(start + self.target, n, self.every, self.target_length, 1, pieces)


def make_window_shape(
    length: Any, stride: Any, sampling_rate: Any, horizon: Any, target_length: Any, has_targets: bool
) -> WindowShape:
    """Return the checked window shape."""
    n_window = whole("length", length, 1, MAX_ROWS)
    every = whole("stride", stride, 1, MAX_ROWS)
    step = whole("sampling_rate", sampling_rate, 1, MAX_ROWS)
    reach = (n_window - 1) * step
    ahead = whole("horizon", horizon, -min(reach, MAX_ROWS), MAX_ROWS)
    n_target = None if target_length is None else whole("target_length", target_length, 1, MAX_ROWS)
    end_of_target = reach + ahead + (n_target or 1)
    needed = max(reach + 1, end_of_target) if has_targets else reach + 1
    return WindowShape(n_window, step, every, reach + ahead, n_target, needed)
