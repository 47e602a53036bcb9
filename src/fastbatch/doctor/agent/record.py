# SPDX-License-Identifier: MIT
"""What is recorded of each source of batches: how long `next` took, and how long the loop worked in between."""

from __future__ import annotations

import os
import sys
import threading
from threading import get_ident
from time import perf_counter, thread_time
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))


class Samples:
    """What the code of a thread was at, each time that the sampler looked. Threads: the sampler's writes."""

    def __init__(self) -> None:
        self.kinds: dict[str, int] = {}
        self.lines: dict[str, int] = {}  # "kind file:line function" -> samples

    def add(self, kind: str, line: str) -> None:
        """Count one look."""
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        key = f"{kind} {line}"
        if key in self.lines or len(self.lines) < 1000:
            self.lines[key] = self.lines.get(key, 0) + 1

    def to_dict(self) -> dict[str, dict[str, int]]:
        """Return the counts; of the lines, the most frequent ones."""
        most = sorted(self.lines.items(), key=lambda item: -item[1])[:12]
        return {"kinds": dict(self.kinds), "lines": dict(most)}


class Source:
    """One loader or loop of the user's.

    Threads: those that iterate it; each adds to the counters without a lock, and may lose one of another's additions.

    Attributes:
        kind: "torch", "keras", "tf.data", "fastbatch" or "loop".
        name: In words: class and options.
        place: file:line of the loop in the user's code, or "".
        tag: The same for the fetches of its worker processes.
        wait_s: Seconds in `next`; of it `cpu_s` is CPU time of the calling thread, `first_s` was the first of a pass.
        work_s: Seconds between two batches of a pass: training. The first step, which may compile, is `first_work_s`.
        owns: Sources inside its `next` are parts of it.
    """

    def __init__(
        self, kind: str, name: str, place: str = "", *, tag: str = "", owns: bool = False, **facts: Any
    ) -> None:
        self.kind, self.name, self.place, self.tag, self.owns, self.facts = kind, name, place, tag, owns, facts
        self.batches = self.passes = 0
        self.wait_s = self.cpu_s = self.first_s = self.work_s = self.first_work_s = self.longest_s = 0.0
        self.samples = Samples()
        self.holds_arrays = kind != "loop"
        self.is_inside = False  # of another source
        self.inner = ""  # the place of a recognised source that its `next` asks
        self.object: Any = None  # what a comparison needs

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain numbers and text."""
        plain = {key: value for key, value in vars(self).items() if key not in ("object", "samples")}
        return {**plain, "facts": dict(self.facts), "samples": self.samples.to_dict()}


# thread -> the innermost source whose `next` it runs, or the `Work` on a batch that it does for one
INSIDE: dict[int, Any] = {}
NATIVE: dict[int, int] = {}  # thread -> its number in the system
SOURCES: list[Source] = []


def known(source: Source) -> Source:
    """Return the source of the same loop that is known already, or this one from now on."""
    for other in SOURCES:
        if (other.kind, other.name, other.place) == (source.kind, source.name, source.place):
            if source.object is not None:
                other.object = source.object
            return other
    SOURCES.append(source)
    return source


def enter_thread(source: Any) -> None:
    """Let the sampler look at this thread."""
    thread = get_ident()
    if thread not in NATIVE:
        NATIVE[thread] = threading.get_native_id()
    INSIDE[thread] = source


def pieces_to_an_answer(n: int, seconds: float) -> int:
    """Return to how many pieces of work the system's next answer about CPU time applies, after `n` pieces.

    An answer takes a microsecond, and several where it is seldom asked for. So short pieces share one. Which piece is
    asked about does not depend on its own length. The number is a prime: every seventh piece is not always the first of
    those that a loader makes ahead.
    """
    return 7 if n >= 70 and seconds < 2e-3 * n else 1


class Pass:
    """One pass over a source: times each `next`. Threads: one at a time.

    A CPU's caches are full of the user's data when `enter` and `leave` run: the less these touch, the less they cost.
    """

    __slots__ = ("_asks_in", "_begin", "_cpu", "_end", "_outer", "_stands_for", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self._begin = self._cpu = 0.0
        self._asks_in = self._stands_for = 1  # the system is asked for CPU time at each `next`, or at some
        self._end = -1.0  # of the previous `next`
        self._outer: Source | None = None

    def enter(self) -> bool:
        """Begin a `next`. False if an outer source counts it, and `leave` must not be called."""
        source = self.source
        thread = get_ident()
        outer = INSIDE.get(thread)
        if outer is not None:
            if outer.owns or source.kind == "loop" or outer.kind not in ("loop", "keras"):
                source.is_inside = True
                return False
            outer.inner = source.name
        elif thread not in NATIVE:
            NATIVE[thread] = threading.get_native_id()
        self._outer = outer
        INSIDE[thread] = source
        self._asks_in -= 1
        if not self._asks_in:
            self._cpu = thread_time()
        self._begin = perf_counter()
        return True

    def leave(self, got_batch: bool) -> None:
        """End a `next`."""
        end = perf_counter()
        source = self.source
        if not self._asks_in:
            source.cpu_s += (thread_time() - self._cpu) * self._stands_for
            self._asks_in = self._stands_for = pieces_to_an_answer(source.batches, source.wait_s + source.work_s)
        if self._outer is None:
            INSIDE.pop(get_ident(), None)
        else:
            INSIDE[get_ident()] = self._outer
        wait_s = end - self._begin
        source.wait_s += wait_s
        if self._end < 0:
            source.passes += 1
            source.first_s += wait_s
        else:
            work_s = self._begin - self._end
            if source.passes == 1 and source.batches == 1:
                source.first_work_s = work_s
            else:
                source.work_s += work_s
            if wait_s > source.longest_s:
                source.longest_s = wait_s
        if got_batch:
            self._end = end
            source.batches += 1
        else:
            self._end = -1.0  # the iterator may begin another pass, as that of persistent workers does


ROOT = [os.getcwd() + os.sep]  # the folder of the user's own code


def is_users_own(path: str) -> bool:
    """Return whether a file of code is the user's own: in the folder of the script, and not in an environment there."""
    return path.startswith(ROOT[0]) and "site-packages" not in path and not path.startswith(HERE)


def place_of_caller() -> str:
    """Return file:line of the innermost frame in the user's own code, or ""."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if is_users_own(os.path.abspath(path)) if path[:1] != "<" else False:
            return f"{path}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def arrays_in(item: Any, depth: int = 3) -> bool:
    """Return whether a batch holds arrays, and not parameters of a model."""
    if isinstance(item, (tuple, list)):
        return depth > 0 and any(arrays_in(part, depth - 1) for part in item[:8])
    if isinstance(item, dict):
        return depth > 0 and any(arrays_in(part, depth - 1) for part in list(item.values())[:8])
    return hasattr(item, "shape") and hasattr(item, "dtype") and not getattr(item, "requires_grad", False)
