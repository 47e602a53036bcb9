# SPDX-License-Identifier: MIT
"""Writes what this process has recorded into the doctor's folder: now and then, and at its end."""

from __future__ import annotations

import atexit
import contextlib
import json
import multiprocessing.process
import multiprocessing.util
import os
import sys
import threading
from time import perf_counter, thread_time
from typing import Any

from .files import FILES
from .record import INSIDE, NATIVE, SOURCES, Samples, pieces_to_an_answer


class Work:
    """The batches that a worker process has made of one data set.

    Threads: any may `add`, and two at once may lose one of their batches; one calls `begin` and `end`.
    """

    owns = True  # sources inside are parts of it

    def __init__(self) -> None:
        self.fetches = 0
        self.samples = Samples()
        self.busy_s = self.cpu_s = self.first_at = self.last_at = 0.0
        self._begin = self._cpu = 0.0
        self._asks_in = self._stands_for = 1  # the system is asked for CPU time at each batch, or at some

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain numbers and text."""
        plain = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        return {**plain, "samples": self.samples.to_dict()}

    def begin(self) -> None:
        """Begin a batch in the thread that makes all of them."""
        self._asks_in -= 1
        if not self._asks_in:
            self._cpu = thread_time()
        self._begin = perf_counter()

    def end(self) -> None:
        """Count the batch that was begun."""
        end, cpu_s = perf_counter(), 0.0
        if not self._asks_in:
            cpu_s = (thread_time() - self._cpu) * self._stands_for
            self._asks_in = self._stands_for = pieces_to_an_answer(self.fetches, self.busy_s)
        self.add(self._begin, end, cpu_s)

    def add(self, begin: float, end: float, cpu_s: float) -> None:
        """Count one batch."""
        if not self.fetches:
            self.first_at = begin
        self.fetches += 1
        self.busy_s += end - begin
        self.cpu_s += cpu_s
        self.last_at = end


class Works(dict[str, Work]):
    """The work of this process, by the tag of the data set."""

    def get(self, tag: str, _: Any = None) -> Work:
        """Return the record of a tag, made at first use."""
        if tag not in self:
            self[tag] = Work()
            if multiprocessing.process.parent_process() is not None:  # a worker process ends without `atexit`
                multiprocessing.util.Finalize(None, write, exitpriority=10)
        return self[tag]


WORK = Works()
_folder = ""
_began = perf_counter()
_is_finished = [False]
_writing = threading.Lock()  # the later record is the newer one


def install(folder: str) -> None:
    """Write into `folder` from now on, in forked children too."""
    global _folder
    _folder = folder
    atexit.register(write)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    """Begin anew in a forked child: what the parent has recorded is the parent's."""
    global _began, _writing
    _writing = threading.Lock()
    SOURCES.clear()
    WORK.clear()
    INSIDE.clear()
    NATIVE.clear()
    FILES.clear()
    _began = perf_counter()


def write() -> bool:
    """Write the record of this process. False if there is nothing to write. Threads: any."""
    with _writing:
        if _is_finished[0] or not (SOURCES or WORK or FILES.count):
            return False
        record = {
            "pid": os.getpid(),
            "argv": [str(argument) for argument in getattr(sys, "argv", [])],
            "elapsed_s": elapsed(),
            "sources": [source.to_dict() for source in SOURCES],
            "work": {tag: work.to_dict() for tag, work in list(WORK.items())},
            "files": FILES.to_dict(),
            "scheduled": scheduled(),
        }
        put(f"{os.getpid()}.json", record)
        return True


def scheduled() -> dict[str, float]:
    """Return the seconds that the loading threads ran, and those that they were ready to run but all CPUs were busy."""
    run_ns = queue_ns = 0
    for number in list(NATIVE.values()):
        with contextlib.suppress(OSError, ValueError), open(f"/proc/self/task/{number}/schedstat", "rb") as file:
            run, queue, _ = map(int, file.read(100).split())
            run_ns += run
            queue_ns += queue
    return {"run_s": run_ns / 1e9, "queue_s": queue_ns / 1e9}


def finish() -> None:
    """Write for the last time: what follows, in this process and in its children, is not the script's."""
    write()
    _is_finished[0] = True


def elapsed() -> float:
    """Return the seconds since this process began to be watched."""
    return perf_counter() - _began


def put(name: str, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    path = os.path.join(_folder, name)
    with contextlib.suppress(OSError, TypeError, ValueError):
        text = json.dumps(content)
        with open(f"{path}.{threading.get_ident()}", "w") as file:
            file.write(text)
        os.replace(f"{path}.{threading.get_ident()}", path)
