# SPDX-License-Identifier: MIT
"""Compares two result files; exits with 1 if the second is worse by more than the margin.

    python bench/compare.py OLD.json NEW.json [--margin 0.1]
    fastbatch bench --compare OLD.json

Ratios are compared, not rates: they carry over between machines and between quiet and busy hours. For a race, these
are fastbatch against the limit and against each rival; for a measurement, each value with a target.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .report import OURS, ratio


def ratios(results: dict[str, Any]) -> Iterator[tuple[str, float, bool]]:
    """Yield (name, value, whether more is better) for all values that can be compared."""
    for scenario, result in results["scenarios"].items():
        contestants = {name: one["rates"] for name, one in result.get("contestants", {}).items() if "rates" in one}
        for name, rates in contestants.items():
            if name.partition("-")[0] == "fastbatch":
                for other, against in contestants.items():
                    if other == "limit" or other.partition("-")[0] not in OURS:
                        yield f"{scenario}: {name} / {other}", ratio(rates, against), True
        for one in result.get("targets", []):
            # Ratios of races are yielded above, except those between two of our own contestants.
            name = f"{scenario}: {one['target']}"
            if one["value"] is not None and ("contestants" not in result or "/ fastbatch" in name):
                yield name, one["value"], one["bound"].startswith(">=")


def worse_by(old: float, new: float, more_is_better: bool) -> float:
    """Return the relative loss of `new` against `old`; negative for a gain."""
    if more_is_better:
        return 1 - new / old if old > 0 else 0.0
    return new / old - 1 if old > 0 else float(new > 0)


def compare(old: dict[str, Any], new: dict[str, Any], margin: float) -> tuple[list[str], int]:
    """Return a line for each ratio of the old results, and how many are worse by more than the margin."""
    after = {name: value for name, value, _ in ratios(new)}
    lines, failures = [], 0
    for name, before, more_is_better in ratios(old):
        if name not in after:
            # Only scenarios and rivals that were run in both are compared.
            lines.append(f"not measured  {name}")
            continue
        loss = worse_by(before, after[name], more_is_better)
        failures += loss > margin
        word = "WORSE" if loss > margin else "better" if loss < -margin else "same"
        lines.append(f"{word:<12}  {name}: {before:.3g} -> {after[name]:.3g}")
    if old["smoke"] or new["smoke"]:
        lines.append("a smoke run was compared: its figures mean nothing")
    return lines, failures


def main() -> int:
    """Print every ratio of both files; return 1 if one is worse by more than the margin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument(
        "--margin", type=float, default=0.1, help="fraction by which a ratio may be worse (default 0.1)"
    )
    arguments = parser.parse_args()
    old, new = (json.loads(path.read_text()) for path in (arguments.old, arguments.new))
    lines, failures = compare(old, new, arguments.margin)
    print("\n".join(lines))
    return 1 if failures else 0
