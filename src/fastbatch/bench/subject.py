# SPDX-License-Identifier: MIT
"""Shared by the measurements: the package under test, and the memory of a process."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

MIB = 2**20


def package(name: str) -> ModuleType:
    """Return `fastbatch` or `fastbatch.pure`."""
    return importlib.import_module(name)


def memory(field: str) -> float:
    """Return one line of /proc/self/status in MiB: VmHWM is the peak, RssAnon the anonymous memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(field)
