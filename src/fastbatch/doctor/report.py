# SPDX-License-Identifier: MIT
"""The report in the terminal, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import words

if TYPE_CHECKING:
    from rich.console import Console

    from .verdict import Diagnosis

_MOST_LOOPS = 4


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return all facts of a diagnosis as plain numbers and text."""
    observed = diagnosis.observed
    return {
        "command": list(observed.command),
        "exit_code": observed.exit_code,
        "elapsed_s": observed.elapsed_s,
        "verdict": words.headline(diagnosis),
        "loops": [{**asdict(loop), "advice": words.advice(loop)} for loop in diagnosis.loops],
        "files": asdict(diagnosis.files),
        "comparisons": list(observed.beside),
        "machine": {
            "cpus": observed.cpus,
            "cpu_share": diagnosis.cpu_share,
            **({} if observed.usage is None else vars(observed.usage)),
        },
    }


def show(diagnosis: Diagnosis, console: Console) -> None:
    """Print a diagnosis."""
    from rich import box
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style=style), soft_wrap=True)

    loops = diagnosis.loops[:_MOST_LOOPS]
    is_good = bool(loops) and loops[0].limit == "none"
    console.print()
    console.print(
        Panel(
            Text(words.headline(diagnosis), style="bold green" if is_good else "bold yellow" if loops else "bold"),
            title=Text("fastbatch doctor"),
            subtitle=Text(words.title(diagnosis), style="dim"),
        )
    )
    for loop in loops:
        table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in words.details(loop):
            table.add_row(Text(name), Text(value))
        if words.advice(loop):
            table.add_row(Text("advice"), Text(words.advice(loop)))
        console.print(table)
    if len(diagnosis.loops) > _MOST_LOOPS:
        say(f"{len(diagnosis.loops) - _MOST_LOOPS} shorter loops are left out.")
    for line in [*words.files(diagnosis), *words.machine(diagnosis)]:
        say(line)
    for comparison in diagnosis.observed.beside:
        console.print()
        say(f"With fastbatch: {comparison['name']}", "bold")
        for line in words.compared(comparison, words.gain(diagnosis.loops, comparison)):
            say(line)
    for diff in words.diffs(diagnosis):
        console.print()
        say("The lines to change:", "bold")
        for line in diff.splitlines():
            is_head = line.startswith(("+++ ", "--- "))
            say(line, "dim" if is_head else {"+": "green", "-": "red"}.get(line[:1], "dim"))
