# SPDX-License-Identifier: MIT
"""Methods of other libraries' loaders that ours do not have, and what to do instead."""

from __future__ import annotations

METHODS = {
    "as_numpy_iterator": "batches are NumPy arrays; iterate over the loader",
    "batch": "the function that made the loader has batch_size=",
    "cache": "data is read from the files, which the system keeps in memory",
    "concatenate": "use fastbatch.concat(a, b)",
    "enumerate": "use enumerate(loader), or with_index=True of the function that made the loader",
    "filter": "use select(indices), or weights= of the function that made the loader",
    "interleave": "use fastbatch.mix({a: share, b: share})",
    "cutmix": "use fastbatch.cutmix(loader)",
    "mixup": "use fastbatch.mixup(loader)",
    "prefetch": "batches are made ahead; the function that made the loader has prefetch=",
    "reset": "each loop over the loader begins an epoch",
    "shuffle": "the function that made the loader has shuffle=True",
    "unbatch": "map(function, each='sample') gets single samples",
}
