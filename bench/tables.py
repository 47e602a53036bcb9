# SPDX-License-Identifier: MIT
"""Writes the tables of README.md and docs/performance.md from result files.

    python bench/tables.py bench/results/20260101-120000.json            # prints the tables
    python bench/tables.py OLD.json NEW.json --write                     # replaces them between their marks

Each scenario comes from the last file that has it. Figures are the medians of that run; ratios are taken within its
rounds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from fastbatch.bench.report import fastest_rival, ratio

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- bench/tables.py: begin -->", "<!-- bench/tables.py: end -->"
SUMMARY = ("rows_shuffled", "windows", "tokens", "images_normalise", "jpeg_crop", "jpeg_large")
RACES = {
    "rows_shuffled": "200,000 x 784 float32, batch 256, shuffled",
    "rows_sequential": "the same in file order",
    "windows": "128 x 8 float32, batch 256, shuffled",
    "tokens": "1,024 uint16 to int64, batch 64, shuffled",
    "images_normalise": "uint8 HWC to float32 CHW, 224, batch 64",
    "cold_rows": "128 KiB rows, page cache dropped",
    "cold_small_rows": "3,136-byte rows, page cache dropped",
    "jpeg_folder": "500 x 375, exact resize to 224",
    "jpeg_crop": "500 x 375, random crop to 224, flip",
    "jpeg_crop_exact": "the same with Pillow's pixels",
    "jpeg_center": "resize 256, centre 224",
    "jpeg_large": "4,000 x 3,000, random crop to 224",
    "affine_augmentation": "JPEGs, rotated, sheared, zoomed",
}


def load(paths: list[Path]) -> dict[str, Any]:
    """Return the scenarios of all files, and the machine and code of the last one."""
    found: dict[str, Any] = {"scenarios": {}}
    for path in paths:
        results = json.loads(path.read_text())
        done = {name: one for name, one in results["scenarios"].items() if "skipped" not in one}
        found = {**results, "scenarios": {**found["scenarios"], **done}}
    return found


def origin(results: dict[str, Any]) -> str:
    """Return a sentence on where the figures come from."""
    machine, code = results["machine"], results["code"]
    changed = ", changed since" if code["is_modified"] else ""
    return (
        f"Medians of one run of {results['rounds']} rounds, `--threads {results['threads']}`: {machine['cpu']}, "
        f"{machine['cpus']} CPUs, kernels `{code['simd']}`, load {machine['load_at_start']:.1f} at the start, commit "
        f"{str(code['commit'])[:7]}{changed}."
    )


def race_rows(results: dict[str, Any], names: tuple[str, ...] | None = None) -> list[str]:
    """Return the table of the races; a dash where a contestant did not take part."""
    rows = [
        "| scenario | the limit | fastbatch / limit | the same per CPU second | / fastest rival | / torch, 2 workers |",
        "|---|---|---|---|---|---|",
    ]
    for name, work in RACES.items():
        race = results["scenarios"].get(name)
        if race is None or (names and name not in names) or "rates" not in race["contestants"].get("fastbatch", {}):
            continue
        ran = {contestant: one for contestant, one in race["contestants"].items() if "rates" in one}
        ours, limit, best = ran["fastbatch"], ran.get("limit"), fastest_rival(race)
        cells = ["-", "-", "-", "-", "-"]
        if limit:
            cells[0] = f"{short(limit['median'])} {race['unit']}"
            cells[1] = figure(ratio(ours["rates"], limit["rates"]))
            cells[2] = figure(ours["per_cpu_s"] / limit["per_cpu_s"])
        if best:
            cells[3] = f"{figure(ratio(ours['rates'], ran[best]['rates']))} x ({best})"
        if "torch-w2" in ran:
            cells[4] = f"{figure(ratio(ours['rates'], ran['torch-w2']['rates']))} x"
        rows.append(f"| `{name}`: {work} | {' | '.join(cells)} |")
    return rows


def value_rows(results: dict[str, Any]) -> list[str]:
    """Return the table of the measurements that are no races."""
    rows = ["| scenario | measured | |", "|---|---|---|"]
    for name, one in results["scenarios"].items():
        rows += [f"| `{name}` | {what} | {figure(value)} |" for what, value in one.get("values", {}).items()]
    return rows if len(rows) > 2 else []


def figure(value: float) -> str:
    """Return a number with two or three significant digits."""
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def short(rate: float) -> str:
    """Return a rate in thousands or millions."""
    return f"{rate / 1e6:.2f} M" if rate >= 1e6 else f"{rate / 1e3:.1f} k" if rate >= 1e4 else f"{rate:,.0f}"


def replace(path: Path, lines: list[str]) -> None:
    """Replace what stands between the marks of a page."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{path}: expected the lines {BEGIN} and {END}")
    path.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--write", action="store_true", help="replace the tables in README.md and docs/performance.md")
    arguments = parser.parse_args()
    results = load(arguments.results)
    summary = [origin(results), "", *race_rows(results, SUMMARY)]
    values = value_rows(results)
    everything = [origin(results), "", *race_rows(results), *([""] if values else []), *values]
    if arguments.write:
        replace(ROOT / "README.md", summary)
        replace(ROOT / "docs" / "performance.md", everything)
    else:
        print("\n".join(everything))


if __name__ == "__main__":
    main()
