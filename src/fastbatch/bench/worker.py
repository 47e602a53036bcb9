# SPDX-License-Identifier: MIT
"""The process of one rival: it executes each line of standard input and answers with a line of JSON.

    python -m fastbatch.bench.worker race <rival> <job as JSON>        then lines: `check FILE`, `epoch`, `quit`
    python -m fastbatch.bench.worker measure <scenario> <subject> <job as JSON>

`drive.py` starts it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from fastbatch.bench import rivals
from fastbatch.bench.check import Digest
from fastbatch.bench.job import Feed, Job, Skipped


def cpu_seconds() -> float:
    """Return the CPU time used by this process and all its descendants."""
    ticks, pids = 0, [os.getpid()]
    try:
        while pids:
            pid = pids.pop()
            if pid != os.getpid():
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
            for task in Path(f"/proc/{pid}/task").iterdir():
                pids += [int(child) for child in (task / "children").read_text().split()]
    except OSError:  # no /proc, or a process that has just exited
        pass
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def run_epoch(feed: Feed) -> int:
    """Consume one epoch and return its number of samples."""
    samples = 0
    for x, _ in feed.epoch():
        samples += x.shape[0]
    return samples


def answer(channel: Any, **what: Any) -> None:
    channel.write(json.dumps(what) + "\n")
    channel.flush()


def race(channel: Any, rival: str, job: Job) -> None:
    """Serve one rival until standard input ends."""
    open_feed = rivals.find(rival)
    feed: Feed | None = open_feed(job)
    assert feed is not None
    about = {"config": feed.config, "other_work": feed.other_work, "own_draws": feed.own_draws}
    about["versions"] = rivals.versions(rival)
    if job.is_cold:
        feed.close()
        feed = None
        gc.collect()  # a mapping in a reference cycle would keep its pages from being dropped
    # Nothing may run after an answer: the process is stopped as soon as the answer is read.
    answer(channel, ready=True, **about)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "quit":
            break
        cpu, start = cpu_seconds(), time.perf_counter()
        feed = feed or open_feed(job)
        if command == "check":
            digest = Digest(feed.layout)
            for x, y in feed.epoch():
                digest.add(x, y)
            digest.save(argument)
            samples = digest.samples
        else:
            samples = run_epoch(feed)
        seconds = time.perf_counter() - start
        spent = cpu_seconds() - cpu
        if job.is_cold:
            feed.close()
            feed = x = y = None  # closes the mapping: mapped pages cannot be dropped from the page cache
            gc.collect()
        answer(channel, samples=samples, seconds=seconds, cpu_s=spent)
    if feed is not None:
        feed.close()


def main() -> None:
    # Libraries may print; their output must not get between the answers.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        if sys.argv[1] == "race":
            race(channel, sys.argv[2], Job(**json.loads(sys.argv[3])))
        else:
            scenario = importlib.import_module(f"fastbatch.bench.scenarios.{sys.argv[2]}")
            rivals.need(sys.argv[3])
            answer(channel, values=scenario.measure(sys.argv[3], Job(**json.loads(sys.argv[4]))))
    except Skipped as reason:
        answer(channel, skipped=str(reason))
    except ModuleNotFoundError as error:  # a library that this scenario needs, and the package does not
        if str(error.name).split(".")[0] == "fastbatch":
            raise
        answer(channel, skipped=f"{error.name} is not installed")


if __name__ == "__main__":
    main()
