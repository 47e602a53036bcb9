# SPDX-License-Identifier: MIT
"""Batches of a table: a dict of columns, and the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.batch.column import digest_of
from fastbatch.batch.tree import PerSample

from .column import Values

N_PROBES = 16  # values of a column by which a loader knows its data again


@dataclass(frozen=True)
class PackTable:
    """Makes the dict of a batch.

    Attributes:
        features: The column of the batch for each name, or the values that are gathered.
        targets: The same for the targets; a single one is not in a dict; None without targets.
    """

    features: Mapping[str, int | Values]
    targets: Mapping[str, int | Values] | int | Values | None = None

    def __call__(self, columns: Sequence[Any]) -> Any:
        rows = columns[-1][:, 0] if _gathers(self) else None
        features = {name: _values(column, columns, rows) for name, column in self.features.items()}
        if self.targets is None:
            return features
        if isinstance(self.targets, Mapping):
            return features, {name: _values(column, columns, rows) for name, column in self.targets.items()}
        return features, _values(self.targets, columns, rows)


def _gathers(pack: PackTable) -> bool:
    targets = pack.targets.values() if isinstance(pack.targets, Mapping) else [pack.targets]
    return any(isinstance(one, Values) for one in [*pack.features.values(), *targets])


def _values(column: int | Values, columns: Sequence[Any], rows: Any) -> Any:
    return columns[column] if isinstance(column, int) else PerSample(column.take(rows))


def numbered(values: Sequence[Values], n: int) -> NDArray[np.int64]:
    """Return a row for each row of the table: its number, and a checksum of some values that are gathered."""
    probes = sorted({i * (n - 1) // (N_PROBES - 1) for i in range(N_PROBES)}) if n else []
    digest = digest_of(repr(one.take(probes)).encode() for one in values)
    rows = np.empty((n, 2), np.int64)
    rows[:, 0] = np.arange(n)
    rows[:, 1] = int(digest[:15], 16)
    return rows
