# SPDX-License-Identifier: MIT
"""Python functions given as `transform=`: they replace the first part of each sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastbatch.decode.transform import NativeTransform

from .map import BatchInfo, Step, make_step, takes_info


@dataclass(frozen=True)
class FirstPart:
    """A Python transform: receives the first part of each sample and returns its replacement."""

    function: Callable[..., Any]
    alone: bool  # the sample has only this part

    def __call__(self, sample: Any, info: BatchInfo) -> Any:
        first = sample if self.alone else sample[0]
        made = self.function(first, info) if takes_info(self.function) else self.function(first)
        return made if self.alone else (made, *sample[1:])


def python_steps(transform: Any, native: NativeTransform | None, alone: bool) -> tuple[Step, ...]:
    """Return the steps that apply a Python transform; none for a C function.

    Args:
        alone: Samples have only one part; otherwise they are tuples.
    """
    if transform is None or native is not None:
        return ()
    return (make_step(FirstPart(transform, alone), "sample"),)
