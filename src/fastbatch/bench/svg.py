# SPDX-License-Identifier: MIT
"""The bars of a race as SVG, for the HTML report."""

from __future__ import annotations

from html import escape
from typing import Any

from .labels import label
from .verdict import is_ours, limit_of

WIDTH, NAMES, FIGURES, ROW, BAR = 960, 300, 250, 34, 18  # pixels of the view box
_MOST = 38  # letters beside a bar
_LAST = 10  # of them for the end of a name, in which contestants of one library differ: "no workers"


def bars(race: dict[str, Any]) -> str:
    """Return a bar for each contestant that ran, the fastest first, with a line for the limit."""
    ran = [(name, one) for name, one in race["contestants"].items() if one.get("rates")]
    if not ran:
        return ""
    ran.sort(key=lambda item: -item[1]["median"])
    most = max(one["max"] for _, one in ran)
    scale = (WIDTH - NAMES - FIGURES) / most
    rows = [_row(name, one, i, scale, race["unit"]) for i, (name, one) in enumerate(ran)]
    height = ROW * len(ran) + 8
    limit = limit_of(race)
    mark = ""
    if limit is not None:
        x = NAMES + race["contestants"][limit]["median"] * scale
        mark = f'<line class="mark" x1="{x:.1f}" y1="2" x2="{x:.1f}" y2="{height - 2}"/>'
    words = ", ".join(f"{label(name)} {one['median']:,.0f} {race['unit']}" for name, one in ran)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(words, quote=True)}">'
        + "".join(rows)
        + mark
        + "</svg>"
    )


def kind(contestant: str) -> str:
    """Return the class of a contestant's bar: `ours`, `own` (plain Python and variants), `limit` or `other`."""
    if contestant.startswith("limit"):
        return "limit"
    return "ours" if contestant == "fastbatch" else "own" if is_ours(contestant) else "other"


def _row(name: str, one: dict[str, Any], i: int, scale: float, unit: str) -> str:
    top = ROW * i + 4
    middle, width = top + BAR / 2 + 4, max(one["median"] * scale, 1)
    low, high = NAMES + one["min"] * scale, NAMES + one["max"] * scale
    weight = "bold" if name == "fastbatch" else ""
    words, check = label(name), one["check"]
    right = WIDTH - FIGURES + 12
    return (
        f'<text class="{weight}" x="{NAMES - 12}" y="{middle + 2}" text-anchor="end">{_short(words, _LAST)}</text>'
        f'<rect class="{kind(name)}" x="{NAMES}" y="{top + 4}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        f'<line class="whisker" x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}"/>'
        f'<text class="{weight}" x="{right}" y="{middle - 3}">{one["median"]:,.0f} {escape(unit)}</text>'
        f'<text class="soft" x="{right}" y="{middle + 11}" style="font-size:11px">{_short(check)}</text>'
    )


def _short(words: str, n_last: int = 0) -> str:
    """Return the words, or their beginning and last letters if there is no room; all of them appear under the mouse."""
    if len(words) <= _MOST:
        return escape(words)
    begin, last = words[: _MOST - 1 - n_last], words[len(words) - n_last :].strip()
    return f"{escape(begin)}…{escape(f' {last}' if last else '')}<title>{escape(words)}</title>"
