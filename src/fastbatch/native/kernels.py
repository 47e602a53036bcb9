# SPDX-License-Identifier: MIT
"""Core functions for other packages: processing of image batches, number of CPUs, instruction sets."""

from __future__ import annotations

from fastbatch._core import (
    DecodeWorker,
    active_target,
    available_cpus,
    change_batch,
    narrow_targets,
    supported_targets,
    warp_batch,
)

__all__ = [
    "DecodeWorker",
    "active_target",
    "available_cpus",
    "change_batch",
    "narrow_targets",
    "supported_targets",
    "warp_batch",
]
