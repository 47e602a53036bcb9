# SPDX-License-Identifier: MIT
"""A profile as a picture: threads over time, coloured by stage, and the queue below. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .events import ADVISE, DECODE, TAKE, WAIT

if TYPE_CHECKING:
    from .profile import Profile

MOST_BARS = 4000  # more of them are not distinguishable; a part of the time is drawn then
_COLUMNS = ("#3c6fb0", "#4a9aa8", "#7a5aa6", "#a85a7a")
_ADVISE, _WAIT, _TRAIN, _MAP = "#8a8f3c", "#c8553d", "#d9dfe5", "#c98a2b"


def draw(profile: Profile, path: Path) -> None:
    """Write the picture of a profile."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('a picture of a profile needs matplotlib: pip install "fastbatch[plot]"') from error
    begin_s, end_s = _window(profile)
    rows = profile.threads + 1
    figure = Figure(figsize=(11, 2.2 + 0.42 * rows), layout="constrained")
    threads, queue = figure.subplots(2, 1, sharex=True, height_ratios=[max(2.0, 0.8 * rows), 1])
    shown: dict[str, str] = {}
    for row, name, color, bars in _tracks(profile, begin_s, end_s):
        if len(bars):
            threads.broken_barh(bars, (row - 0.4, 0.8), facecolors=color, linewidth=0)
            shown.setdefault(name, color)
    names = ["consumer", *(f"thread {i}" for i in range(profile.threads))]
    threads.set_yticks(range(rows), names)
    threads.invert_yaxis()
    threads.tick_params(length=0)
    handles = [_patch(color) for color in shown.values()]
    threads.legend(handles, list(shown), ncols=6, loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=9)
    _draw_queue(profile, queue)
    queue.set_xlim(begin_s, end_s)
    for axes in (threads, queue):
        axes.spines[["top", "right"]].set_visible(False)
    facts = profile.summary()
    part = (
        ""
        if end_s - begin_s > 0.99 * profile.elapsed_s
        else f"; {end_s - begin_s:.2g} of {profile.elapsed_s:.2g} s shown"
    )
    figure.suptitle(
        f"{facts['next_share']:.0%} of the time in next(); threads busy {facts['busy_share']:.0%}{part}",
        x=0.01,
        ha="left",
        fontsize=12,
    )
    figure.savefig(path, dpi=130)


def _patch(color: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=color)


def _window(profile: Profile) -> tuple[float, float]:
    """Return the seconds to draw: all, or as many events from the middle on as can be told apart."""
    events = profile.events
    if len(events) <= MOST_BARS:
        return 0.0, max(profile.elapsed_s, 1e-6)
    begins = np.sort(events["begin_ns"])
    first = (len(begins) - MOST_BARS) // 2
    return tuple((float(begins[i]) - profile.begin_ns) / 1e9 for i in (first, first + MOST_BARS - 1))  # type: ignore[return-value]


def _tracks(profile: Profile, begin_s: float, end_s: float) -> list[tuple[int, str, str, list[tuple[float, float]]]]:
    """Return (row, name, colour, bars) of each kind of work of each thread; the consumer is row 0."""
    events, made = profile.events, []
    spans = {name: [] for name in ("work between batches", "next()")}  # type: dict[str, list[tuple[int, int]]]
    last_end: int | None = None
    steps: dict[str, list[tuple[int, int]]] = {}
    for name, begin, end, _ in profile.spans:
        if name != "next":
            steps.setdefault(name, []).append((begin, end))
            continue
        if last_end is not None:
            spans["work between batches"].append((last_end, begin))
        spans["next()"].append((begin, end))
        last_end = end
    made.append((0, "work between batches", _TRAIN, _bars(profile, spans["work between batches"], begin_s, end_s)))
    made.append((0, "next()", _WAIT, _bars(profile, spans["next()"], begin_s, end_s)))
    for name, pairs in steps.items():
        made.append((0, name, _MAP, _bars(profile, pairs, begin_s, end_s)))
    for thread in range(profile.threads + 1):
        own = events[events["thread"] == thread]
        row = 0 if thread == profile.threads else thread + 1
        for column, name in enumerate(profile.columns):
            part = own[(own["kind"] == DECODE) & (own["column"] == column)]
            color = _COLUMNS[column % len(_COLUMNS)]
            made.append((row, f"{name} {column}", color, _bars(profile, _pairs(part), begin_s, end_s)))
        made.append((row, "advise", _ADVISE, _bars(profile, _pairs(own[own["kind"] == ADVISE]), begin_s, end_s)))
        if not profile.spans:
            made.append((row, "waiting", _WAIT, _bars(profile, _pairs(own[own["kind"] == WAIT]), begin_s, end_s)))
    return made


def _pairs(events: Any) -> list[tuple[int, int]]:
    return list(zip(events["begin_ns"].tolist(), events["end_ns"].tolist(), strict=True))


def _bars(profile: Profile, pairs: list[tuple[int, int]], begin_s: float, end_s: float) -> list[tuple[float, float]]:
    """Return (begin, width) in seconds of those that lie in the window."""
    bars = []
    for begin, end in pairs:
        start, width = (begin - profile.begin_ns) / 1e9, (end - begin) / 1e9
        if start < end_s and start + width > begin_s:
            bars.append((start, width))
    return bars


def _draw_queue(profile: Profile, axes: Any) -> None:
    taken = profile.events[profile.events["kind"] == TAKE]
    if len(taken):
        order = np.argsort(taken["begin_ns"])
        times = (taken["begin_ns"][order] - profile.begin_ns) / 1e9
        axes.step(times, taken["count"][order], where="post", color="#2a7f73", linewidth=1)
        axes.fill_between(times, taken["count"][order], step="post", color="#2a7f73", alpha=0.25, linewidth=0)
    axes.set_ylim(bottom=0)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("ready\nbatches")
    axes.set_xlabel("seconds")
