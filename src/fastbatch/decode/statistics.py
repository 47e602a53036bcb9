# SPDX-License-Identifier: MIT
"""Mean and standard deviation of channels, as `normalize=` takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Statistics:
    """What `statistics` found, to be given as `normalize=`.

    Attributes:
        mean, std: Of each channel, float64, in the shape of a row; the std divides by n.
        n: Rows.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    n: int

    @property
    def scale(self) -> NDArray[np.float64]:
        """What rows are divided by: the std, and 1 for a channel that is constant."""
        return np.where(self.std == 0, 1.0, self.std)
