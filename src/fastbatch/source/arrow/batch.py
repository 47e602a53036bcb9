# SPDX-License-Identifier: MIT
"""Batches of a table: a dict of columns, and the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fastbatch.batch.column import digest_of
from fastbatch.batch.tree import PerSample

N_PROBES = 16  # values of a column by which a loader knows its data again


class Gathered(Protocol):
    """A column whose values are gathered when a batch is due."""

    def take(self, rows: Any) -> list[Any]:
        """Return the values of some rows."""


Place = int | Gathered  # the column of the batch, or the values that are gathered


@dataclass(frozen=True)
class PackTable:
    """Makes the dict of a batch.

    Attributes:
        features: The place of each name.
        targets: The same for the targets; a single one is not in a dict; None without targets.
        rows: The column of the batch with the numbers of its rows, if values are gathered.
        index: The column of the batch that becomes its last part, with `with_index`; or None.
    """

    features: Mapping[str, Place]
    targets: Mapping[str, Place] | Place | None = None
    rows: int | None = None
    index: int | None = None

    def __call__(self, columns: Sequence[Any]) -> Any:
        rows = None if self.rows is None else columns[self.rows]
        parts: list[Any] = [{name: _values(place, columns, rows) for name, place in self.features.items()}]
        if isinstance(self.targets, Mapping):
            parts.append({name: _values(place, columns, rows) for name, place in self.targets.items()})
        elif self.targets is not None:
            parts.append(_values(self.targets, columns, rows))
        if self.index is not None:
            parts.append(columns[self.index])
        return tuple(parts) if len(parts) > 1 else parts[0]


def _values(place: Place, columns: Sequence[Any], rows: Any) -> Any:
    return columns[place] if isinstance(place, int) else PerSample(place.take(rows))


def digest_of_values(values: Sequence[Gathered], n: int) -> str:
    """Return a digest of some values of columns that are gathered, by which a loader knows its data again."""
    probes = sorted({i * (n - 1) // (N_PROBES - 1) for i in range(N_PROBES)}) if n else []
    return digest_of(repr(one.take(probes)).encode() for one in values)
