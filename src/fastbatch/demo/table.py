# SPDX-License-Identifier: MIT
"""Terminal output: lines, progress bars and the table; plain text when the output is not a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .job import Result


@dataclass(frozen=True)
class Comparison:
    """The same work with plain Python and with fastbatch."""

    title: str
    pure: Result
    fast: Result

    @property
    def same(self) -> bool:
        """Whether both feeds gave the same batches, byte for byte."""
        return self.first_difference is None

    @property
    def first_difference(self) -> int | None:
        """The number of the first batch that differs or exists in one feed only, or None."""
        pairs = zip_longest(self.pure.digests, self.fast.digests)
        return next((k for k, (pure, fast) in enumerate(pairs) if pure != fast), None)


class Screen:
    """Standard output; colours and progress bars only on a terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)

    def line(self, text: str = "") -> None:
        """Print one line without wrapping, so that a path stays in one piece."""
        self._console.print(text, soft_wrap=True, markup=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """Show a bar, updated by the yielded `progress(done, total)`, and finally a line with the elapsed time."""
        start = time.perf_counter()
        columns = (TextColumn("  {task.description:<40}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(
            *columns,
            console=self._console,
            transient=True,
            refresh_per_second=5,  # each refresh takes CPU time from the measured process
            disable=not self._console.is_terminal,
        ) as bars:
            bar = bars.add_task(title, total=None)
            yield lambda done, total: bars.update(bar, completed=done, total=total)
        self.line(f"  {title:<44} {time.perf_counter() - start:6.1f} s")

    def table(self, comparisons: Sequence[Comparison]) -> None:
        """Print plain Python and fastbatch side by side."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("")
        table.add_column("plain Python", justify="right")
        table.add_column("fastbatch", justify="right", style="bold green")
        table.add_column("", justify="right")
        for comparison in comparisons:
            table.add_row(Text(comparison.title, style="bold"))
            for row in _rows(comparison):
                table.add_row(*row)
            table.add_section()
        self._console.print(table)
        self.line("  Peak memory: plain Python holds two batches, fastbatch four (two are made ahead).")


def _rows(comparison: Comparison) -> list[tuple[str, ...]]:
    pure, fast = comparison.pure, comparison.fast
    speed, start = fast.samples_per_s / pure.samples_per_s, pure.first_batch_s / fast.first_batch_s
    extra = [megabytes(result.peak_bytes - result.imports_bytes) for result in (pure, fast)]
    same = "yes" if comparison.same else "[bold red]NO[/bold red]"
    return [
        ("  loading, samples/s", f"{pure.samples_per_s:,.0f}", f"{fast.samples_per_s:,.0f}", ratio(speed)),
        ("  time to first batch", duration(pure.first_batch_s), duration(fast.first_batch_s), ratio(start)),
        ("  peak memory", megabytes(pure.peak_bytes), megabytes(fast.peak_bytes), ""),
        ("    of it above the imports", *extra, ""),
        ("  accuracy on held-out data", f"{pure.accuracy:.1%}", f"{fast.accuracy:.1%}", ""),
        ("  same batches", "", same, f"{len(pure.digests)} compared"),
    ]


def ratio(value: float) -> str:
    """Return `4.2 x`, `13 x`."""
    return f"{value:.1f} x" if value < 9.95 else f"{value:,.0f} x"


def duration(seconds: float) -> str:
    """Return `0.91 ms`, `48 ms`, `1.23 s`."""
    if seconds >= 0.9995:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.00995 else f"{seconds * 1e3:.2f} ms"


def megabytes(n_bytes: int) -> str:
    """Return `310 MB`."""
    return f"{n_bytes / 1e6:,.0f} MB"
