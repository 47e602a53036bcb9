# SPDX-License-Identifier: MIT
"""The sentences of a report: what was found, why, and what to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastbatch.checks import n_of

from .verdict import LIMITS, NOTHING_TO_GAIN, Diagnosis, LoopReport

_OTHERS = 0.1  # of all CPUs, from which on other programs are named
ADVICE = {
    "start": "Each pass begins with a wait: processes are started, files are listed. `persistent_workers=True` keeps "
    "torch's workers; the threads of a fastbatch loader live as long as the loader.",
    "decode": "Decoding is what fastbatch does in native threads, without worker processes.",
    "transform": "The usual transforms run natively in fastbatch, on the threads that decode.",
    "python": "Your own code makes the batches, in one thread at a time. What it does per sample may be an option of a "
    "fastbatch loader; otherwise run it ahead: `fb.restartable(..., prefetch=2)`, or `fb.DataGenerator` with threads.",
    "library": "Python code of a library makes the batches, in one thread at a time.",
    "collate": "Samples are stacked one by one; fastbatch writes each sample into its place in the batch.",
    "disk": "The files are not in memory, and are read when needed. fastbatch tells the kernel ahead what comes "
    "next; a faster disk, or more memory, helps any loader.",
    "waiting": "The loader sleeps: on a network file system, a lock, a queue, `sleep`. Making batches ahead hides it.",
    "cpu": "More workers would not help, but less work: decoding at a smaller scale, fewer copies.",
    "hand-over": "Workers are idle while the loop waits: batches are passed on between processes or threads. "
    "The threads of fastbatch write into the batch itself.",
    "unknown": "TensorFlow takes the batches inside its graph. Its own profiler sees them; `for batch in dataset` "
    "shows how fast the data are.",
    "short": "Run more batches.",
}


@dataclass(frozen=True)
class Gain:
    """What a faster loader would change.

    Attributes:
        faster: Batches per second of the loader of fastbatch, of those of the script's, alone.
        step_s: Seconds for a batch and the work on it, now.
        best_s: The same if batches were made by fastbatch while the loop works: at best.
    """

    faster: float
    step_s: float
    best_s: float

    @property
    def saved(self) -> float:
        """The share of a step that is saved at best; where the loop is not known, of making a batch."""
        return 1 - (self.best_s / self.step_s if self.step_s else 1 / self.faster)


def headline(diagnosis: Diagnosis) -> str:
    """Return the verdict in one sentence or two."""
    if not diagnosis.loops:
        ended = diagnosis.observed.exit_code
        return (f"The command ended with exit code {ended}. " if ended else "") + "No loop over batches was seen."
    loop = diagnosis.loops[0]
    if diagnosis.observed.alone and loop.total_s > 0:
        why = f" The limit is {LIMITS[loop.limit]}." if loop.parts else ""
        return f"Alone, the loader makes {loop.batches / loop.total_s:,.1f} batches/s.{why}"
    if loop.limit == "short":
        return f"Only {n_of(loop.batches, 'batch was', 'batches were')} taken: too few to judge."
    if loop.limit == "unknown":
        return "Whether training waits for data is not visible: the batches are taken inside TensorFlow."
    if loop.limit == "none":
        waits = "" if loop.share is None else f": {percent(loop.share)} of the loop"
        return f"Training does not wait for data{waits}. There is nothing to gain from a faster loader."
    if loop.share is None:
        return (
            f"The loader works all the time: {percent(loop.busy or 0)} of the loop. The limit is {LIMITS[loop.limit]}."
        )
    who = f"The loop at {loop.place}" if len(diagnosis.loops) > 1 and loop.place else "Training"
    return f"{who} waits for data {percent(loop.share)} of the time. The limit is {LIMITS[loop.limit]}."


def details(loop: LoopReport) -> list[tuple[str, str]]:
    """Return what is known of a loop as names and values."""
    rows = [("loop", loop.place or "inside a library"), ("loader", loop.name)]
    rows.append(("batches", f"{loop.batches:,} in {n_of(loop.passes, 'pass', 'passes')}"))
    if loop.share is None:
        rows.append(("loop took", f"{seconds(loop.total_s)}, {seconds(loop.total_s / max(1, loop.batches))} a batch"))
    else:
        n = max(1, loop.batches)
        rows.append(("waiting", f"{seconds(loop.wait_s)} = {percent(loop.share)}; {seconds(loop.wait_s / n)} a batch"))
        rows.append(("working", f"{seconds(loop.work_s)}; {seconds(loop.work_s / n)} a batch"))
        if loop.first_work_s > 5 * loop.work_s / n:
            rows.append(("first step", f"{seconds(loop.first_work_s)} more, left out: it may compile"))
    if loop.workers and loop.busy is not None:
        rows.append(("workers", f"{loop.workers}, busy {percent(loop.busy)} of the time"))
    if loop.parts and loop.limit != "none":
        shares = ", ".join(f"{NAMES[kind]} {percent(share)}" for kind, share in loop.parts.items())
        rows.append(("making a batch", shares))
        if loop.queue > 0.1:
            rows.append(("queue for a CPU", f"{percent(loop.queue)} of that time, while all CPUs were busy"))
        if loop.line:
            rows.append(("most often at", loop.line))
    return rows


NAMES = {
    "decode": "decoding",
    "transform": "transforms",
    "python": "your Python code",
    "library": "library code in Python",
    "collate": "stacking samples",
    "hand-over": "handing over",
    "disk": "waiting for the disk",
    "waiting": "other waiting",
}


def advice(loop: LoopReport) -> str:
    """Return what to do about a loop."""
    if loop.limit == "none":
        return ""
    if loop.is_ours:
        return "It is a loader of fastbatch: `loader.stats()` and `fastbatch profile` say what its threads do."
    return ADVICE[loop.limit]


def machine(diagnosis: Diagnosis) -> list[str]:
    """Return sentences on CPUs, disk and memory."""
    usage, observed = diagnosis.observed.usage, diagnosis.observed
    if usage is None or diagnosis.cpu_share is None:
        return ["CPU time, disk and page faults are not measured on this system."]
    busy = usage.cpu_s / max(1e-9, observed.elapsed_s)
    faults = n_of(usage.major_faults, "page fault")
    lines = [
        f"{busy:.1f} of {n_of(observed.cpus, 'CPU')} used on average; {megabytes(usage.read_bytes)} read from a disk; "
        f"{faults} that waited for a disk; peak of memory {megabytes(usage.peak_bytes)}."
    ]
    if usage.queue_s > 0.2 * usage.cpu_s and usage.others_s > _OTHERS * observed.elapsed_s * observed.cpus:
        lines.append("Other programs took CPU time meanwhile. On an idle machine the loop waits less.")
    return lines


def files(diagnosis: Diagnosis) -> list[str]:
    """Return sentences on the files that were opened for batches."""
    times = diagnosis.files
    if not times.count:
        return []
    head = f"{n_of(times.count, 'file')} opened by Python: half take less than {seconds(times.median_s)}, 99 % less "
    head += f"than {seconds(times.p99_s)}."
    if not times.slow:
        return [f"{head} None is slow."]
    slow = n_of(times.slow, "is", "are")
    slow = f"{slow} slow (5 times the median, 20 ms): {seconds(times.slow_s)} in all. The slowest:"
    return [head, slow, *(f"  {seconds(time_s):>8}  {path}" for time_s, path in times.slowest[:5])]


def gain(loops: Iterable[LoopReport], comparison: dict[str, Any]) -> Gain | None:
    """Return what would be gained, if both loaders were timed."""
    theirs, ours = comparison.get("theirs_per_s"), comparison.get("ours_per_s")
    if not theirs or not ours:
        return None
    same = [loop for loop in loops if loop.name == comparison["name"] and loop.batches]
    if not same and comparison.get("theirs", "").startswith("keras"):
        same = [loop for loop in loops if loop.kind == "keras" and loop.batches]
    loop = same[0] if same else None
    if loop is None or loop.share is None:
        return Gain(ours / theirs, 0.0, 0.0)
    work_s, step_s = loop.work_s / loop.batches, loop.total_s / loop.batches
    return Gain(ours / theirs, step_s, min(step_s, max(work_s, 1 / ours)))


def compared(comparison: dict[str, Any], gained: Gain | None) -> list[str]:
    """Return sentences on a comparison."""
    if comparison.get("problem"):
        lines = [f"Not compared: {comparison['problem']}."]
        return lines + ([f"Instead: {comparison['advice']}."] if comparison.get("advice") else [])
    if not comparison["same"]:
        return [f"The batches differ, so it is not recommended: {comparison['difference']}."]
    same = f"equal but for rounding ({comparison['difference']})" if comparison["difference"] else "the same bytes"
    lines = [f"{n_of(comparison['compared'], 'batch', 'batches')} compared: {same}."]
    if gained is None:
        return lines
    lines.append(
        f"Alone: {comparison['theirs_per_s']:,.1f} batches/s now, {comparison['ours_per_s']:,.1f} with fastbatch "
        f"({gained.faster:.1f} times)."
    )
    if gained.step_s:
        if gained.saved < NOTHING_TO_GAIN:
            lines.append("The loop would not be faster.")
        else:
            lines.append(
                f"A step with its batch takes {seconds(gained.step_s)} now, and at best {seconds(gained.best_s)}: "
                f"{percent(gained.saved)} less."
            )
    return lines


def diffs(diagnosis: Diagnosis) -> list[str]:
    """Return the lines to change for the loaders that would be faster."""
    found: dict[str, None] = {}
    for one in diagnosis.observed.beside:
        gained = gain(diagnosis.loops, one)
        if one.get("diff") and (gained is None or gained.saved >= NOTHING_TO_GAIN):
            found[one["diff"]] = None
    return list(found)


def title(diagnosis: Diagnosis) -> str:
    """Return what ran, how long, and how it ended."""
    observed = diagnosis.observed
    return f"{shlex.join(observed.command)}: {seconds(observed.elapsed_s)}, exit code {observed.exit_code}"


def percent(share: float) -> str:
    """Return `63 %`, `0.4 %`."""
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def seconds(value: float) -> str:
    """Return `1.23 s`, `48 ms`, `0.9 ms`."""
    if value >= 99.5:
        return f"{value:,.0f} s"
    if value >= 0.9995:
        return f"{value:.3g} s"
    return f"{value * 1e3:.0f} ms" if value >= 0.00995 else f"{value * 1e3:.2g} ms"


def megabytes(n_bytes: int) -> str:
    """Return `310 MB`."""
    return f"{n_bytes / 1e6:,.0f} MB"
