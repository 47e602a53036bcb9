# SPDX-License-Identifier: MIT
"""Parts of the core that doors and commands use: image batches in memory, CPUs, instruction sets."""

from __future__ import annotations

from fastbatch._core import (
    DecodeWorker,
    active_target,
    available_cpus,
    change_batch,
    supported_targets,
    warp_batch,
)

__all__ = ["DecodeWorker", "active_target", "available_cpus", "change_batch", "supported_targets", "warp_batch"]
