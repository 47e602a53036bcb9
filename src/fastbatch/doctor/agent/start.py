# SPDX-License-Identifier: MIT
"""Starts the agent in this process."""

from __future__ import annotations

import os

from . import files, imports, loops, output
from .sampler import SAMPLER

_started: list[str] = []


def start(folder: str) -> None:
    """Watch this process, once, and write what is recorded into `folder`."""
    if _started:
        return
    _started.append(folder)
    output.install(folder)
    files.install()
    loops.install()
    imports.install()
    SAMPLER.start()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=SAMPLER.forget)
