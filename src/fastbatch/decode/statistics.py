# SPDX-License-Identifier: MIT
"""Mean and standard deviation of channels, as `normalize=` takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Statistics:
    """Mean and standard deviation of each channel: the result of `statistics`, for the option `normalize`.

    Attributes:
        mean, std: float64, in the shape of a row. The standard deviation divides by n.
        n: Number of rows.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    n: int

    @property
    def scale(self) -> NDArray[np.float64]:
        """Divisor of the rows: the standard deviation, or 1 for a constant channel."""
        return np.where(self.std == 0, 1.0, self.std)
