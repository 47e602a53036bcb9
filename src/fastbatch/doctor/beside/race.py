# SPDX-License-Identifier: MIT
"""Two loaders of the same batches: compared first, then timed in turns."""

from __future__ import annotations

import contextlib
import itertools
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .same import difference, is_rounding

N_COMPARED = 4  # batches
_TURNS = 2
SEED = 0

Make = Callable[[], Any]  # returns an iterable over batches, from the beginning


def race(theirs: Make, ours: Make, seconds: float) -> dict[str, Any]:
    """Return whether the batches agree, and how many each makes in a second.

    `theirs` and `ours` are called with the same seeds. Loaders that disagree are not timed.
    """
    with seeds():
        expected = list(itertools.islice(iter(theirs()), N_COMPARED))
    with seeds():
        found = list(itertools.islice(iter(ours()), N_COMPARED))
    result: dict[str, Any] = {"compared": len(expected), "same": True, "difference": ""}
    if len(expected) != len(found):
        result.update(same=False, difference=f"expected {len(expected)} batches, found {len(found)}")
    for k, (one, other) in enumerate(zip(expected, found, strict=False)):
        text = difference(one, other, f"batch {k}")
        if text and result["same"]:
            result.update(same=is_rounding(one, other), difference=text)
    del expected, found
    if result["same"] and result["compared"]:
        rates: dict[str, list[float]] = {"theirs": [], "ours": []}
        for _ in range(_TURNS):
            for name, make in (("theirs", theirs), ("ours", ours)):
                with seeds():
                    rates[name].append(batches_per_s(make, seconds / (2 * _TURNS)))
        result.update({f"{name}_per_s": statistics.median(values) for name, values in rates.items()})
    return result


def batches_per_s(make: Make, seconds: float) -> float:
    """Return the rate of a loader whose batches are not used, from its first batch on, over passes as needed."""
    n, begin, end = -1, 0.0, 0.0
    while True:
        is_empty = True
        for _ in make():
            is_empty = False
            end = time.perf_counter()
            if n < 0:
                begin = end
            n += 1
            if n > 0 and end - begin > seconds:
                return n / (end - begin)
        if is_empty:
            return 0.0


@contextlib.contextmanager
def seeds() -> Iterator[None]:
    """Set the global generators of Python, NumPy and torch, and put back their states."""
    kept, kept_numpy = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    kept_torch = None if torch is None else torch.random.get_rng_state()
    random.seed(SEED)
    np.random.seed(SEED)
    if torch is not None:
        torch.manual_seed(SEED)
    try:
        yield
    finally:
        random.setstate(kept)
        np.random.set_state(kept_numpy)
        if torch is not None:
            torch.random.set_rng_state(kept_torch)
