# SPDX-License-Identifier: MIT
"""What the scenarios `torch_*` share: loaders of torch and of `fastbatch.torch`, compared first and timed in turns."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any

from fastbatch.bench.job import Skipped

try:
    import torch
except ImportError:
    raise Skipped("torch is not installed") from None


def same_batches(one: Iterable[Any], other: Iterable[Any]) -> None:
    """Raise AssertionError when two loaders differ in a batch: types, shapes or any byte."""
    torch.manual_seed(1)
    ours = list(one)
    torch.manual_seed(1)
    for k, (mine, theirs) in enumerate(zip(ours, other, strict=True)):
        if type(mine) is not type(theirs) or not all(map(torch.equal, mine, theirs)):
            raise AssertionError(f"batch {k} differs")


def seconds(loader: Iterable[Any]) -> float:
    """Return how long an epoch takes whose batches are only counted."""
    start = time.perf_counter()
    for _ in loader:
        pass
    return time.perf_counter() - start


def in_turns(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return what each contestant measures in each round; their order changes from round to round."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for k in range(rounds):
        names = list(contestants)
        random.Random(k).shuffle(names)
        for name in names:
            found[name].append(contestants[name]())
    return found


def recipe_epochs(dataset: Any, batch_size: int, threads: int, **more: dict[str, Any]) -> dict[str, list[float]]:
    """Return the seconds of five epochs of a torchvision dataset for each loader, after comparing every byte of one.

    Args:
        more: Options of further loaders of ours with 2 workers, by name; their batches are not compared.
    """
    from torch.utils.data import DataLoader

    import fastbatch.torch

    options: dict[str, Any] = {"batch_size": batch_size, "shuffle": True}
    workers: dict[str, Any] = {**options, "num_workers": 2, "persistent_workers": True}
    ours = fastbatch.torch.DataLoader(dataset, **workers, threads=threads)
    if not ours.explain().native:
        raise AssertionError(str(ours.explain()))
    loaders = {
        "ours": ours,
        "none": fastbatch.torch.DataLoader(dataset, **options, threads=threads),
        "wrapped": DataLoader(fastbatch.torch.dataset(dataset, threads=threads), **options),
        "torch, 2": DataLoader(dataset, **workers),
    }
    loaders |= {
        name: fastbatch.torch.DataLoader(dataset, **workers, threads=threads, **own) for name, own in more.items()
    }
    same_batches(fastbatch.torch.DataLoader(dataset, **workers), DataLoader(dataset, **workers))
    same_batches(loaders["wrapped"], loaders["none"])
    same_batches(loaders["none"], DataLoader(dataset, **options))
    for loader in loaders.values():
        seconds(loader)
    return in_turns({name: lambda one=loader: seconds(one) for name, loader in loaders.items()}, 5)


def ratio(slow: list[float], fast: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return median(a / b for a, b in zip(slow, fast, strict=True))
