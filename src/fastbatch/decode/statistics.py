# SPDX-License-Identifier: MIT
"""Mean and standard deviation per channel, as `normalize=` takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Statistics:
    """The result of `statistics`, for `normalize=`.

    Attributes:
        mean, std: Per channel, float64, in the shape of a row; the std divides by n.
        n: Number of rows.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    n: int

    @property
    def scale(self) -> NDArray[np.float64]:
        """The divisor of each channel: the std, or 1 for a constant channel."""
        return np.where(self.std == 0, 1.0, self.std)
