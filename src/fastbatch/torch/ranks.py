# SPDX-License-Identifier: MIT
"""The rank of this process and the number of ranks, for `shard=` of PyTorch's loaders."""

from __future__ import annotations

import os

from fastbatch.plan.ranks import find_ranks, torch_ranks

SHARDS = ("torch", "auto")  # and None


def ranks(shard: str | None = "torch") -> tuple[int, int]:
    """Return this process's rank and the world size, as torch.distributed has them; (0, 1) without it.

    Args:
        shard: "auto" asks other sources too, as `shard="auto"` of fastbatch's loaders does; None: (0, 1).
    """
    if shard is None:
        return 0, 1
    found = find_ranks(os.environ) if shard == "auto" else torch_ranks()
    return (0, 1) if found is None else (found.rank, found.world_size)
