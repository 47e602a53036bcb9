# SPDX-License-Identifier: MIT
"""What a loader that is waited for is doing: the samples that are read and decoded, or a place in Python code."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from fastbatch.checks import shown

if TYPE_CHECKING:
    from .loader import Loader

MOST_SHOWN = 4  # samples, or threads
PACKAGE = str(Path(__file__).parents[1])
IDLE = ("fastbatch watchdog", "fastbatch store")  # threads that wait for others
STATES = {"R": "computing", "D": "waiting for a disk", "S": "waiting"}  # Linux's, of a thread


def what_is_slow(loader: Loader, batches: Iterator[Any], caller: int) -> str:
    """Return in words what a loader is doing.

    Args:
        loader: The loader.
        batches: Its iterator.
        caller: The identity of the thread that waits in `next(batches)`.
    """
    run, progress = getattr(batches, "_run", None), getattr(batches, "_progress", None)
    found = loader._under_way(run, progress) if run is not None and progress is not None else []
    found = found or python_places(caller)
    more = f" and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
    return "; ".join(found[:MOST_SHOWN]) + more if found else f"no thread of {shown(loader)} has anything to do"


def thread_state(thread: int) -> str:
    """Return in words what a thread does, by Linux's number of it; "" if that is not known."""
    try:
        fields = Path(f"/proc/self/task/{thread}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return STATES.get(fields[0], "")


def python_places(caller: int) -> list[str]:
    """Return the places in Python code at which the caller's `next()` and the package's threads are."""
    frames = sys._current_frames()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    found = []
    for ident, frame in frames.items():
        name = names.get(ident, "")
        is_own = name.startswith("fastbatch") and name not in IDLE
        if (ident == caller or is_own) and (place := _place(frame, ident == caller)):
            found.append(place)
    return found


def _place(frame: FrameType | None, is_caller: bool) -> str:
    """Return the innermost place in a user's code, below `next()`; else the innermost one of the package."""
    inside = ""
    while frame is not None:
        code = frame.f_code
        if is_caller and code.co_name == "__next__" and code.co_filename.endswith("watching.py"):
            break
        if "threading.py" not in code.co_filename:
            place = f"{code.co_name} in {code.co_filename}, line {frame.f_lineno}"
            if not code.co_filename.startswith(PACKAGE):
                return place
            inside = inside or place
        frame = frame.f_back
    return "" if is_caller else inside
