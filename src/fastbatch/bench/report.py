# SPDX-License-Identifier: MIT
"""Turns measurements into ratios, judged targets, and tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from .job import Target

OURS = ("fastbatch", "pure", "limit")


def ratio(top: list[float], bottom: list[float]) -> float:
    """Return the median over the rounds of top / bottom, each computed within one round."""
    return median(a / b for a, b in zip(top, bottom, strict=True))


def fastest_rival(race: dict[str, Any]) -> str | None:
    """Return the contestant with the highest median that is neither fastbatch nor a limit."""
    rates = {
        name: one["median"]
        for name, one in race["contestants"].items()
        if "median" in one and name.partition("-")[0] not in OURS
    }
    return max(rates, key=lambda name: rates[name]) if rates else None


def judge_race(race: dict[str, Any], targets: Iterable[Target]) -> list[dict[str, Any]]:
    """Return each target with its value and whether it was reached; None if a contestant is missing."""
    rows = []
    for target in targets:
        to = fastest_rival(race) if target.to == "fastest rival" else target.to
        pair = [race["contestants"].get(name, {}).get("rates") for name in (target.of, to)]
        value = ratio(*pair) if all(pair) else None
        rows.append(_judged(target, value, note=f"{to}" if to != target.to else ""))
    return rows


def judge_values(values: dict[str, float], targets: Iterable[Target]) -> list[dict[str, Any]]:
    """Return each target of a measurement with its value and whether it was reached."""
    return [_judged(target, values.get(target.of)) for target in targets]


def _judged(target: Target, value: float | None, note: str = "") -> dict[str, Any]:
    bound = f">= {target.at_least}" if target.at_least is not None else f"<= {target.at_most}"
    return {
        "target": target.name,
        "note": note,
        "bound": bound,
        "unit": target.unit,
        "value": value,
        "reached": None if value is None else target.is_reached(value),
    }


def show(name: str, result: dict[str, Any]) -> None:
    """Print one scenario's table and targets."""
    print(f"\n## {name}\n{result['question']}\n")
    if "skipped" in result:
        print(f"skipped: {result['skipped']}")
        return
    if "contestants" in result:
        _show_race(result)
    for key, value in result.get("values", {}).items():
        print(f"  {key:<68} {value:12.3f}")
    if "verdict" in result:
        print(f"\n  {result['verdict']['words']}")
    print()
    for one in result["targets"]:
        if one["value"] is None:
            print(f"  not measured  {one['target']} {one['bound']} {one['unit']}")
        else:
            word = "reached" if one["reached"] else "MISSED"
            note = f" ({one['note']})" if one["note"] else ""
            print(f"  {word:<12}  {one['target']}{note}: {one['value']:.3g} {one['unit']}, wanted {one['bound']}")


def _show_race(race: dict[str, Any]) -> None:
    contestants = race["contestants"]
    best = fastest_rival(race)
    columns = [name for name in ("limit", best, "torch-w2") if name and "rates" in contestants.get(name, {})]
    columns = list(dict.fromkeys(columns))
    head = "".join(f" {'/ ' + name:>18}" for name in columns)
    measured = f"{race['unit']:>12} {'min':>10} {'max':>10} {'cores':>5} {'per CPU s':>11}"
    print(f"{'contestant':<20} {measured}{head}  batches; set-up")
    for name, one in sorted(contestants.items(), key=lambda item: -item[1].get("median", 0)):
        if "rates" not in one:
            print(f"{name:<20} {one['skipped']}")
            continue
        ratios = "".join(f" {ratio(one['rates'], contestants[other]['rates']):>18.3f}" for other in columns)
        measured = f"{one['median']:>12,.0f} {one['min']:>10,.0f} {one['max']:>10,.0f}"
        measured += f" {one['cores']:>5.1f} {one['per_cpu_s']:>11,.0f}"
        print(f"{name:<20} {measured}{ratios}  {one['check']}; {one['config']}")
