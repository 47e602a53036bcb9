# SPDX-License-Identifier: MIT
"""A progress bar on standard error, if that is a terminal and Rich is installed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Protocol

from .options import Option

# For every subcommand that Ray can do.
Ray = Annotated[
    str | None, Option("let Ray do it: the address of a cluster, auto for the running one, local for a new one")
]


class Bar(Protocol):
    """What is told of the progress."""

    def print(self, lines: list[str]) -> None:
        """Print results to standard output."""

    def move(self, done: int, total: int, note: str = "") -> None:
        """So much of all is done."""


class NoBar:
    """Prints results only."""

    def print(self, lines: list[str]) -> None:
        for line in lines:
            print(line, flush=True)

    def move(self, done: int, total: int, note: str = "") -> None:
        pass


class RichBar(NoBar):
    """A bar on the terminal, with the results above it."""

    def __init__(self, progress: Any, title: str) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=None, note="")

    def print(self, lines: list[str]) -> None:
        if lines:
            self._progress.stop()  # they may go to the same terminal, or to a file
            super().print(lines)
            self._progress.start()

    def move(self, done: int, total: int, note: str = "") -> None:
        self._progress.update(self._task, completed=done, total=total, note=note)


@contextmanager
def progress_bar(title: str, is_wanted: bool = True) -> Iterator[Bar]:
    """Yield a bar; where there is none, one that prints results only."""
    if not is_wanted or not sys.stderr.isatty() or importlib.util.find_spec("rich") is None:
        yield NoBar()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    words = TextColumn("{task.description}"), TextColumn("{task.fields[note]}")
    columns = (words[0], BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), TimeRemainingColumn(), words[1])
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield RichBar(progress, title)
