# SPDX-License-Identifier: MIT
"""A profile as a trace that ui.perfetto.dev and chrome://tracing open: the Trace Event Format, in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .events import ADVISE, DECODE, TAKE, WAIT

if TYPE_CHECKING:
    from .profile import Profile

_PROCESS = 1


def write(profile: Profile, path: Path) -> None:
    """Write the trace of a profile."""
    content = {"traceEvents": entries(profile), "displayTimeUnit": "ms", "otherData": {"summary": profile.summary()}}
    path.write_text(json.dumps(content), encoding="utf-8")


def entries(profile: Profile) -> list[dict[str, Any]]:
    """Return the events of a trace: names of threads, events with begin and duration, the queue as a counter."""
    consumer = profile.threads
    made = [_named("process_name", 0, "fastbatch"), _named("thread_name", consumer, "consumer: next()")]
    made += [_named("thread_name", thread, f"worker {thread}") for thread in range(profile.threads)]
    for event in profile.events.tolist():
        begin, end, batch, sample, count, kind, thread, column, minor, major = event
        if kind == TAKE:
            counter = {"ph": "C", "pid": _PROCESS, "name": "ready batches", "args": {"ready": count}}
            made.append({**counter, "ts": (begin - profile.begin_ns) / 1e3})
            continue
        facts: dict[str, Any] = {"batch": batch}
        if kind == DECODE:
            name = profile.columns[column] if column < len(profile.columns) else "decode"
            facts.update(samples=count, first_sample=sample)
            if count == 1:
                facts["name"] = profile.name_of(sample)
        else:
            name = {ADVISE: "advise", WAIT: "wait"}[kind]
        if minor or major:
            facts.update(minor_faults=minor, major_faults=major)
        made.append(_complete(profile, name, begin, end, thread, facts))
    for name, begin, end, batch in profile.spans:
        made.append(_complete(profile, name, begin, end, consumer, {"batch": batch}))
    return made


def _named(kind: str, thread: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "pid": _PROCESS, "tid": thread, "name": kind, "args": {"name": name}}


def _complete(profile: Profile, name: str, begin: int, end: int, thread: int, facts: dict[str, Any]) -> dict[str, Any]:
    times = {"ts": (begin - profile.begin_ns) / 1e3, "dur": (end - begin) / 1e3}
    return {"ph": "X", "pid": _PROCESS, "tid": thread, "name": name, "cat": "fastbatch", **times, "args": facts}
