# SPDX-License-Identifier: MIT
"""Races on the terminal, by Rich: bars, the verdict, and a progress bar with the time left."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from .labels import label, title
from .settings import Settings
from .svg import kind

BAR = 20  # characters
STYLES = {"ours": "bold green", "own": "green", "limit": "yellow", "other": ""}


class ProgressBar:
    """A progress bar over all scenarios; a `Watch`."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._planned = {name: _steps(name, settings) for name in settings.scenarios}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            speed_estimate_period=3600,
        )
        total = sum(self._planned.values()) * len(settings.threads)
        self._task = self._progress.add_task("starting", total=total)
        self._total, self._done, self._end, self._name = total, 0, 0, ""

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Hide the bar while something is printed, perhaps by another console to the same terminal."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def begin(self, scenario: str, steps: int) -> None:
        """A scenario begins; its steps replace those that were planned for it."""
        if self._end <= self._done:  # the first time that its steps are known
            self._end = self._done + self._planned[scenario]
        self._total += self._done + steps - self._end
        self._end, self._name = self._done + steps, scenario
        self._progress.update(self._task, description=scenario, total=self._total)

    def step(self, what: str) -> None:
        """A step is done; `what` is next."""
        self._done = min(self._done + 1, self._end)
        self._progress.update(self._task, completed=self._done, description=f"{self._name}: {label(what)}")

    def end(self) -> None:
        """The scenario has ended."""
        self._done = self._end
        self._progress.update(self._task, completed=self._done)


def _steps(name: str, settings: Settings) -> int:
    scenario = importlib.import_module(f"fastbatch.bench.scenarios.{name}")
    return (len(getattr(scenario, "RIVALS", ())) + 1) * (1 + settings.rounds)


def show(name: str, result: dict[str, Any], console: Console) -> None:
    """Print one scenario: a bar for each contestant and the verdict, or the values."""
    console.rule(f"[bold]{name}", align="left")
    console.print(title(name, result["question"]), highlight=False)
    if "skipped" in result:
        console.print(f"skipped: {result['skipped']}", highlight=False)
        return
    if "contestants" in result:
        console.print(_bars(result))
        console.print(f"[bold]{result['verdict']['words']}", highlight=False)
    for what, value in result.get("values", {}).items():
        console.print(f"  {what:<68} {value:12.3f}", highlight=False)
    console.print()


def _bars(race: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column("loader", overflow="fold")
    table.add_column(race["unit"], justify="right")
    table.add_column("", no_wrap=True, min_width=BAR)
    table.add_column("batches", overflow="fold")
    most = max((one["median"] for one in race["contestants"].values() if "rates" in one), default=1)
    for name, one in sorted(race["contestants"].items(), key=lambda item: -item[1].get("median", 0)):
        if "rates" not in one:
            table.add_row(label(name), "-", "", one["skipped"], style="dim")
            continue
        filled = "█" * max(1, round(BAR * one["median"] / most))
        table.add_row(label(name), f"{one['median']:,.0f}", filled, one["check"], style=STYLES[kind(name)])
    return table
