# SPDX-License-Identifier: MIT
"""What a run of the benchmarks measures, and how its progress is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fastbatch.system import available_cpus

from . import data

# Enough to see how fast fastbatch is on a machine; all scenarios take half an hour and more.
SHORT = ("rows_shuffled", "windows", "tokens", "images_normalise", "jpeg_crop")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a run.

    Attributes:
        scenarios: Their names, in the order in which they run.
        rivals: Contestants (`torch-w2`) or whole libraries (`torch`); None for all that are installed.
        rounds: Timed epochs of each contestant.
        threads: The numbers of threads; each scenario runs once for each.
        simd: Instruction sets; fastbatch takes part once for each. Empty for the best that the CPU has.
        smoke: Tiny sizes: shows that everything works; the figures mean nothing.
        images: A folder of the user's photographs for the scenarios that read JPEGs; None for those that are made.
        subject: What the measurements measure: `fastbatch` or `fastbatch.pure`.
        data: The folder of the data sets.
    """

    scenarios: tuple[str, ...] = SHORT
    rivals: tuple[str, ...] | None = None
    rounds: int = 7
    threads: tuple[int, ...] = field(default_factory=lambda: (available_cpus(),))
    simd: tuple[str, ...] = ()
    smoke: bool = False
    images: Path | None = None
    subject: str = "fastbatch"
    data: Path = field(default_factory=data.default_folder)


class Watch(Protocol):
    """Is told how far a run is."""

    def begin(self, scenario: str, steps: int) -> None:
        """A scenario of this many steps begins."""

    def step(self, what: str) -> None:
        """A step is done; `what` is next."""

    def end(self) -> None:
        """The scenario has ended; steps that were left out are done."""


class Silent:
    """A watch that shows nothing."""

    def begin(self, scenario: str, steps: int) -> None:
        pass

    def step(self, what: str) -> None:
        pass

    def end(self) -> None:
        pass
