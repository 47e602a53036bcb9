# SPDX-License-Identifier: MIT
"""Turns measurements into numbers, tables and a result file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

from job import Target

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


def machine() -> dict[str, Any]:
    """Return the properties of the machine that affect the results."""
    cpu = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "cpu": cpu,
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_at_start": os.getloadavg()[0],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": sys.version.split()[0],
    }


def code(environment: dict[str, str]) -> dict[str, Any]:
    """Return the version of the measured code, and the instruction set of its kernels."""
    here = Path(__file__).resolve().parent
    return {
        "commit": _output(["git", "rev-parse", "HEAD"], here),
        "is_modified": bool(_output(["git", "status", "--porcelain", "--untracked-files=no"], here)),
        "simd": _output([sys.executable, "-c", SIMD], here, environment),
    }


SIMD = "import fastbatch; from fastbatch import _core; print(_core.active_target())"


def _output(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str | None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    return done.stdout.strip() if done.returncode == 0 else None


def save(results: dict[str, Any], folder: Path) -> Path:
    """Write a result file named by the time."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    return path
