# SPDX-License-Identifier: MIT
"""The iterator of an epoch that is being profiled: it notes the time of each `next()` and of each function of `map`."""

from __future__ import annotations

from time import monotonic_ns
from typing import Any

from .epoch import Epoch


class ProfiledEpoch(Epoch):
    """An `Epoch` that notes what it does in the loader's profile. Other loaders' epochs cost nothing."""

    def __next__(self) -> Any:
        begin = monotonic_ns()
        batch = super().__next__()
        self._note("next", begin)
        return batch

    def _map(self, batch: Any, number: int) -> Any:
        begin = monotonic_ns()
        batch = super()._map(batch, number)
        self._note("map", begin, number)
        return batch

    def _note(self, name: str, begin: int, number: int | None = None) -> None:
        profile = self._loader._profile
        if profile is not None:
            profile.span(name, begin, monotonic_ns(), self._progress.batches if number is None else number)
