# SPDX-License-Identifier: MIT
"""From what was observed to what it means: which loop waits for data, how long, and why. Pure functions."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .slow_files import FileTimes, file_times

if TYPE_CHECKING:
    from .watch import Observed

NOTHING_TO_GAIN = 0.05  # share of waiting below which a faster loader changes nothing that one would notice
_SHARE_OF_RUN = 0.05  # loops that take less of the run are left out
_JUDGED = 5  # batches
_BEGINNING = 0.6  # share of the waiting that is for the first batches of passes, from which on these are the limit
_QUEUE = 0.25  # share of the making of batches in which it waits for a CPU, ...
_SATURATED = 0.8  # and share of the CPUs that this program uses, from which on these are the limit
_BUSY = 0.75  # share of the time in which worker processes make batches, from which on they are the limit

LIMITS = {
    "none": "nothing to gain from a faster loader",
    "start": "the first batch of each pass",
    "decode": "decoding",
    "transform": "transforms",
    "python": "Python code of your own",
    "library": "Python code of a library",
    "collate": "collecting samples into batches",
    "disk": "the disk",
    "waiting": "waiting that is neither for a CPU nor for a disk: sleep, network, locks",
    "cpu": "the CPUs: this program keeps all of them busy",
    "hand-over": "handing batches over between processes",
    "unknown": "not visible from outside",
    "short": "too few batches to judge",
}


@dataclass(frozen=True)
class LoopReport:
    """One loop over data.

    Attributes:
        name, place: Its loader, in words, and file:line.
        kind: "torch", "keras", "tf.data", "fastbatch" or "loop".
        batches, passes: How many.
        wait_s, work_s: Seconds in `next`, and between two of them, but for the first step.
        first_work_s: Of the first step, which may compile.
        share: `wait_s` of both; None where the wait is not visible.
        limit: A key of `LIMITS`: why it waits.
        parts: Shares of the time that making batches takes, by kind of work, the largest first.
        line: "file:line function" that it spends most time in, or "".
        workers: Worker processes or threads of the loader.
        busy: Share of the time in which they make batches; None without workers.
        queue: Share of that time in which the code was ready to run, and all CPUs were busy. The other shares contain
            it.
        is_ours: It is a loader of fastbatch already.
        batch_size: Samples in a batch; 0 if unknown.
    """

    name: str
    place: str
    kind: str
    batches: int
    passes: int
    wait_s: float
    work_s: float
    share: float | None
    limit: str
    parts: dict[str, float] = field(default_factory=dict)
    line: str = ""
    workers: int = 0
    busy: float | None = None
    queue: float = 0.0
    first_work_s: float = 0.0
    is_ours: bool = False
    batch_size: int = 0

    @property
    def total_s(self) -> float:
        """Seconds that the loop took."""
        return self.wait_s + self.work_s

    @property
    def lost_s(self) -> float:
        """Seconds that a faster loader could save at most; 0 if the wait does not matter."""
        if self.limit in ("none", "unknown"):
            return 0.0
        return self.total_s * (self.busy or 0.0) if self.share is None else self.wait_s


@dataclass(frozen=True)
class Diagnosis:
    """All that the report says.

    Attributes:
        loops: The one that waited longest first.
        files: The times of the files that Python opened for batches.
        cpu_share: CPU time of all processes, of what the CPUs could give; None if unknown.
    """

    observed: Observed
    loops: tuple[LoopReport, ...]
    files: FileTimes
    cpu_share: float | None


def diagnose(observed: Observed) -> Diagnosis:
    """Return what the observation means."""
    records = observed.records
    work: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        for tag, made in record["work"].items():
            work.setdefault(tag, []).append({**made, "scheduled": record["scheduled"]})
    loops = []
    for record in records:
        for source in record["sources"]:
            if _is_shown(source, observed.elapsed_s):
                makers = work.get(source["tag"], []) if source["tag"] else []
                loops.append(_loop({**source, "scheduled": record["scheduled"]}, makers, observed))
    loops.sort(key=lambda loop: (-loop.lost_s, -loop.total_s))
    return Diagnosis(observed, tuple(loops), file_times(record["files"] for record in records), _cpu_share(observed))


def _is_shown(source: dict[str, Any], elapsed_s: float) -> bool:
    """Return whether a source is a loop over data, which is not a part of another one that is shown."""
    if source["is_inside"] or source["inner"] or source["batches"] < 1:
        return False
    wait_s, total_s = source["wait_s"], source["wait_s"] + source["work_s"]
    if source["kind"] != "loop":
        return True
    if source["batches"] < 2 or total_s < _SHARE_OF_RUN * elapsed_s:
        return False
    return bool(source["holds_arrays"] or wait_s > _SHARE_OF_RUN * elapsed_s)


def _loop(source: dict[str, Any], makers: Sequence[dict[str, Any]], observed: Observed) -> LoopReport:
    wait_s, work_s, facts = source["wait_s"], source["work_s"], source["facts"]
    total_s = wait_s + work_s
    hides = bool(facts.get("hides_wait"))
    share = None if hides else wait_s / total_s if total_s > 0 else 0.0
    workers = int(facts.get("workers", 0) or 0)
    busy = None
    if makers and total_s > 0:
        busy = min(1.0, sum(made["busy_s"] for made in makers) / (total_s * max(1, workers)))
        making = _making(makers, "busy_s")
    else:
        making = _making([source if workers else _without_hand_over(source)], "wait_s")
    if source["kind"] == "fastbatch" or (facts.get("is_ours") and not makers):
        making = Making()  # its threads are not Python's
    return LoopReport(
        source["name"],
        _short(source["place"]),
        source["kind"],
        source["batches"],
        source["passes"],
        wait_s,
        work_s,
        share,
        _limit(source, share, workers, busy, making, _cpu_share(observed)),
        making.parts,
        making.line,
        workers,
        busy,
        making.queue,
        source["first_work_s"],
        bool(facts.get("is_ours")),
        int(facts.get("batch_size", 0) or 0),
    )


def _without_hand_over(source: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a loader without workers: what its own code does is a library's work."""
    kinds = dict(source["samples"]["kinds"])
    own = kinds.pop("hand-over", 0)
    if own:
        kinds["library"] = kinds.get("library", 0) + own
    return {**source, "samples": {**source["samples"], "kinds": kinds}}


def _cpu_share(observed: Observed) -> float | None:
    usage = observed.usage
    return None if usage is None else usage.cpu_s / max(1e-9, observed.elapsed_s * observed.cpus)


def _limit(
    source: dict[str, Any],
    share: float | None,
    workers: int,
    busy: float | None,
    making: Making,
    cpu_share: float | None,
) -> str:
    if source["batches"] < _JUDGED:
        return "short"
    if share is None and busy is None:
        return "unknown"
    if (share is not None and share < NOTHING_TO_GAIN) or (share is None and busy is not None and busy < _BUSY):
        return "none"
    if share is not None and source["first_s"] > _BEGINNING * source["wait_s"]:
        return "start"
    if share is not None and workers and busy is not None and busy < _BUSY * (1.0 - making.queue):
        return "hand-over"  # where all CPUs are busy, workers between two batches may wait for one, too
    first = next(iter(making.parts), "unknown")
    if first not in ("disk", "waiting") and making.queue > _QUEUE and (cpu_share or 0.0) > _SATURATED:
        return "cpu"
    return first


@dataclass(frozen=True)
class Making:
    """How the time in which batches are made divides: `parts`, `line` and `queue` of `LoopReport`."""

    parts: dict[str, float] = field(default_factory=dict)
    line: str = ""
    queue: float = 0.0


def _making(makers: Sequence[dict[str, Any]], time: str) -> Making:
    """Divide a time of some threads: into CPU work of several kinds, as the samples were, the disk, and other waiting.

    Work that is ready to run and waits for a CPU counts as this work.
    """
    wall_s, cpu_s = (sum(made[key] for made in makers) for key in (time, "cpu_s"))
    if wall_s <= 0:
        return Making()
    run_s, queue_s = (sum(made["scheduled"][key] for made in makers) for key in ("run_s", "queue_s"))
    cpu = min(1.0, cpu_s / wall_s)
    queue = min(1.0 - cpu, cpu * queue_s / run_s) if run_s > 0 else 0.0
    kinds: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for made in makers:
        kinds.update(made["samples"]["kinds"])
        lines.update(made["samples"]["lines"])
    n = sum(kinds.values())
    disk = min(1.0 - cpu - queue, kinds.pop("disk", 0) / max(1, n))
    n = sum(kinds.values())
    parts = {kind: (cpu + queue) * count / n for kind, count in kinds.items()} if n else {"library": cpu + queue}
    parts.update(disk=disk, waiting=max(0.0, 1.0 - cpu - queue - disk))
    ranked = {kind: share for kind, share in sorted(parts.items(), key=lambda item: -item[1]) if share >= 0.01}
    return Making(ranked, _line_of(lines, next(iter(ranked), "")), queue)


def _line_of(lines: Counter[str], kind: str) -> str:
    """Return the line that most samples of this kind of work were at; of waiting, that most samples were at."""
    of_kind = [(line, n) for line, n in lines.most_common() if line.startswith(f"{kind} ")]
    found: Iterable[tuple[str, int]] = of_kind or lines.most_common(1)
    line = next((line.partition(" ")[2] for line, _ in found), "")
    return _short(line)


def _short(path: str) -> str:
    """Return a path relative to this folder, or to the folder of packages that it is in."""
    here = os.getcwd().rstrip(os.sep) + os.sep
    return re.sub(r"^.*/(site-packages|lib/python3\.\d+t?)/", "", path.removeprefix(here))
