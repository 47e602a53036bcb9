# SPDX-License-Identifier: MIT
"""What a profile comes to: shares by stage, the queue, page faults, the slowest samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch.checks import n_of

from .events import ADVISE, DECODE, TAKE, WAIT

if TYPE_CHECKING:
    from .profile import Profile

N_SLOWEST = 10


def column_name(column: Any) -> str:
    """Return what the work on a column is: "image", "array", "mask", "index" ..."""
    inner = getattr(column, "inner", column)
    return type(inner).__name__.removesuffix("Column").lower() or "column"


def seconds(events: Any) -> float:
    """Return the sum of the durations of events."""
    return float((events["end_ns"] - events["begin_ns"]).sum()) / 1e9


def summary(profile: Profile) -> dict[str, Any]:
    """Return the summary of a profile; see `Profile.summary`."""
    events, elapsed_s = profile.events, max(profile.elapsed_s, 1e-9)
    decoded, taken = events[events["kind"] == DECODE], events[events["kind"] == TAKE]
    stages = {}
    for column, name in enumerate(profile.columns):
        part = decoded[decoded["column"] == column]
        if len(part):
            stages[f"{name} {column}"] = seconds(part)
    advised = events[events["kind"] == ADVISE]
    if len(advised):
        stages["advise"] = seconds(advised)
    in_next = sum(end - begin for name, begin, end, _ in profile.spans if name == "next") / 1e9
    for name in dict.fromkeys(name for name, *_ in profile.spans if name != "next"):
        stages[name] = sum(end - begin for other, begin, end, _ in profile.spans if other == name) / 1e9
    workers = events[(events["thread"] < profile.threads) & (events["kind"] <= ADVISE)] if profile.threads else decoded
    ready = taken["count"]
    n_next = sum(name == "next" for name, *_ in profile.spans)
    return {
        "elapsed_s": profile.elapsed_s,
        "batches": max(len(taken), n_next),
        "samples": int(decoded[decoded["column"] == 0]["count"].sum()),
        "threads": profile.threads,
        "overwritten": profile.overwritten,
        "next_share": min(1.0, in_next / elapsed_s),
        "wait_share": min(1.0, seconds(events[events["kind"] == WAIT]) / elapsed_s),
        "busy_share": min(1.0, seconds(workers) / (elapsed_s * max(1, profile.threads))),
        "stages": stages,
        "ready": {
            "mean": float(ready.mean()) if len(ready) else 0.0,
            "none_share": float((ready <= 1).mean()) if len(ready) else 0.0,
        },
        "minor_faults": int(events["minor_faults"].sum()),
        "major_faults": int(events["major_faults"].sum()),
        "slowest": _slowest(profile, decoded),
    }


def _slowest(profile: Profile, decoded: Any) -> list[dict[str, Any]]:
    """Return the samples that take longest, all columns together. Samples that were decoded in groups are left out."""
    single = decoded[decoded["count"] == 1]
    if not len(single):
        return []
    samples, place = np.unique(single["sample"], return_inverse=True)
    times: Any = np.bincount(place, (single["end_ns"] - single["begin_ns"]) / 1e9)
    first_column = single["column"] == single["column"].min()
    times /= np.maximum(1, np.bincount(place[first_column], minlength=len(samples)))  # how often it was decoded
    order = np.argsort(-times)[:N_SLOWEST]
    return [
        {"seconds": float(times[i]), "sample": int(samples[i]), "name": profile.name_of(int(samples[i]))} for i in order
    ]


def text(facts: dict[str, Any]) -> str:
    """Return a summary as lines of text."""
    total_s = facts["elapsed_s"] * max(1, facts["threads"])
    threads = n_of(facts["threads"], "thread") if facts["threads"] else "no threads of its own"
    busy = (
        f"threads busy {facts['busy_share']:.0%}" if facts["threads"] else f"making batches {facts['busy_share']:.0%}"
    )
    lines = [
        f"{n_of(facts['batches'], 'batch', 'batches')}, {n_of(facts['samples'], 'sample')} in "
        f"{facts['elapsed_s']:.3g} s; {threads}",
        f"{facts['next_share']:.0%} of the time in next(), {facts['wait_share']:.0%} waiting there for threads; {busy}",
    ]
    lines += [f"  {name:<12} {time_s:8.3f} s  {time_s / total_s:5.1%}" for name, time_s in facts["stages"].items()]
    ready = facts["ready"]
    if facts["threads"]:
        lines.append(
            f"{ready['mean']:.1f} batches were ready on average; in {ready['none_share']:.0%} only the one taken"
        )
    lines.append(
        f"page faults: {facts['minor_faults']:,} of memory alone, {facts['major_faults']:,} waiting for a disk"
    )
    if facts["overwritten"]:
        older = n_of(facts["overwritten"], "older event was", "older events were")
        lines.append(f"{older} overwritten: profile(events=...) keeps more")
    lines += [f"  {one['seconds'] * 1e3:8.2f} ms  {one['name']}" for one in facts["slowest"][:5]]
    return "\n".join(lines)
