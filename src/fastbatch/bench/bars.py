# SPDX-License-Identifier: MIT
"""The bars of a race as a PNG picture, by Matplotlib (extra `plot`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .labels import label, title
from .svg import kind

COLOURS = {"ours": "#00796b", "own": "#80b8b0", "limit": "#b3541e", "other": "#90a0a5"}


def save(name: str, race: dict[str, Any], path: Path, machine: str) -> bool:
    """Write the picture of a race; return False if no contestant ran.

    Args:
        name: The scenario.
        race: Its result.
        path: Where the picture goes.
        machine: A line below the picture.
    """
    from matplotlib.figure import Figure

    ran = [(one, found) for one, found in race["contestants"].items() if found.get("rates")]
    if not ran:
        return False
    ran.sort(key=lambda item: item[1]["median"])
    figure = Figure(figsize=(10, 1.5 + 0.38 * len(ran)), layout="constrained")
    axes = figure.add_subplot()
    rates = [found["median"] for _, found in ran]
    below = [found["median"] - found["min"] for _, found in ran]
    above = [found["max"] - found["median"] for _, found in ran]
    colours = [COLOURS[kind(one)] for one, _ in ran]
    drawn = axes.barh([label(one) for one, _ in ran], rates, xerr=[below, above], color=colours, ecolor="#1c2526")
    axes.bar_label(drawn, labels=[f"{rate:,.0f}" for rate in rates], padding=6)
    axes.margins(x=0.12)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{race['unit']}: longer is better; the line goes from the slowest round to the fastest")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title(name, race["question"]), loc="left", fontsize=11, wrap=True)
    figure.text(0.005, -0.02, machine, fontsize=8, color="#5b6b6e")
    figure.savefig(path, dpi=150, bbox_inches="tight")
    return True
