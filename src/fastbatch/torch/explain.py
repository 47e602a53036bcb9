# SPDX-License-Identifier: MIT
"""The table that says which parts of a loader run natively, which in Python, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        part: Of the loader: "dataset", "order", "collate_fn", "batches".
        runs: "native", "threads" (of Python), or "torch": unchanged.
        why: In words.
    """

    part: str
    runs: str
    why: str


class Explanation(tuple[Row, ...]):
    """Rows, printed as a table.

    `explanation["dataset"]` is the row of that part; `explanation.native` says whether batches are made natively.
    """

    def __getitem__(self, key: Any) -> Any:
        """Return a row by its number, or by its part's name."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        for row in self:
            if row.part == key:
                return row
        raise KeyError(key)

    @property
    def native(self) -> bool:
        """Whether the core makes the batches."""
        return bool(self["batches"].runs == "native")

    def __repr__(self) -> str:
        rows = [("part", "runs", "why"), *((row.part, row.runs, row.why) for row in self)]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        return "\n".join(f"{part:{widths[0]}}  {runs:{widths[1]}}  {why}" for part, runs, why in rows)
