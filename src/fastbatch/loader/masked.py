# SPDX-License-Identifier: MIT
"""The mask of `tail="mask"`: which samples of a full batch belong to the epoch, and which only fill it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .map import BatchInfo


@dataclass(frozen=True)
class AppendMask:
    """Function of a batch that appends its mask. Immutable.

    Attributes:
        n: Samples of the epoch, over all ranks.
        batch_size: Samples of each batch.
    """

    n: int
    batch_size: int

    def __call__(self, batch: Any, info: BatchInfo) -> tuple[Any, ...]:
        """Return the parts of the batch and its mask, bool of shape (batch,)."""
        parts = batch if isinstance(batch, tuple) and not hasattr(batch, "_fields") else (batch,)
        return (*parts, info.position + np.arange(self.batch_size) * info.world_size < self.n)


def mask_as_weights(batch: Any, mask: Any) -> tuple[Any, Any, Any]:
    """Return a batch `(x, y)` or `(x, y, sample_weight)` for Keras, with the mask in the weights.

    Raises:
        TypeError: A batch without targets: Keras would take the mask for them.
    """
    if not isinstance(batch, tuple) or len(batch) not in (2, 3):
        found = f"{len(batch)} parts" if isinstance(batch, tuple) else type(batch).__name__
        raise TypeError(
            f"tail='mask': Keras takes a mask as weights of batches (x, y), found {found}; 'uneven' repeats no samples"
        )
    x, y, *weights = batch
    masked = np.asarray(mask, np.float32)
    for given in weights:
        weight = np.asarray(given)
        masked = weight * masked.reshape(-1, *[1] * (weight.ndim - 1)).astype(weight.dtype)
    return x, y, masked
