# SPDX-License-Identifier: MIT
"""How fast are batches of documents of similar length, against PyTorch's `pad_sequence` and a loop over arrays?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.bench.job import Job, Target
from fastbatch.bench.subject import package

TARGETS = (
    Target(of="documents / NumPy loop", at_least=2),
    Target(of="documents / torch, no workers", at_least=2),
    Target(of="documents / torch, 2 workers", at_least=2),
    Target(of="padding by bucket", at_most=0.1, unit=""),
    Target(of="resume to the first batch", at_most=10, unit="ms"),
)
BUDGET = 16_384  # tokens of a batch
LONGEST = 2048
ROUNDS = 5

Array = NDArray[Any]
Epoch = Callable[[], Iterable[Array]]


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="documents", data="", n=2_000 if smoke else 50_000, batch_size=32, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns with the same batches: fastbatch draws them, and the rivals are given their documents.

    Documents are as long as in web text, log-normal, 150 tokens in the median. One epoch is compared before the time
    counts.
    """
    fastbatch = package(subject)
    generator = np.random.default_rng(1)
    lengths = np.minimum(generator.lognormal(5, 1, job.n).astype(np.int64) + 1, LONGEST)
    tokens = generator.integers(0, 50_000, int(lengths.sum()), dtype=np.uint16)
    options = {"lengths": lengths, "shuffle": True, "seed": 2, "threads": job.threads}
    loader = fastbatch.documents(tokens, max_tokens=BUDGET, **options)
    numbered = fastbatch.documents(tokens, max_tokens=BUDGET, with_index=True, **options)
    division = [index for _, index in numbered]
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    documents = [tokens[begin:end] for begin, end in pairwise(bounds.tolist())]

    def ours() -> Iterator[Array]:
        loader.set_epoch(0)
        return (batch["input_ids"] for batch in loader)

    epochs: dict[str, Epoch] = {"documents": ours, "NumPy loop": lambda: by_numpy(documents, division)}
    for workers, name in ((0, "torch, no workers"), (2, "torch, 2 workers")):
        made = by_torch(documents, division, workers)
        if made is not None:
            epochs[name] = made
    for name, epoch in epochs.items():
        check(name, epoch, documents, division)
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for _ in range(ROUNDS):
        for name, epoch in epochs.items():
            start = time.perf_counter()
            for _batch in epoch():
                pass
            seconds[name].append(time.perf_counter() - start)
    own = median(seconds.pop("documents"))
    by_bucket = sum(len(of) * int(lengths[of].max()) for of in division)
    mixed = fastbatch.documents(tokens, batch_size=max(1, round(job.n / len(division))), **options)
    by_chance = sum(batch["input_ids"].size for batch in mixed)
    n = int(lengths.sum())
    return {
        "million tokens/s": n / own / 1e6,
        **{f"documents / {name}": median(times) / own for name, times in seconds.items()},
        "padding by bucket": 1 - n / by_bucket,
        "padding without buckets": 1 - n / by_chance,
        "resume to the first batch": 1e3 * resume_s(loader),
    }


def by_numpy(documents: list[Array], division: list[Array]) -> Iterator[Array]:
    """Yield the padded batches, made in a loop over the documents."""
    for of in division:
        some = [documents[i] for i in of.tolist()]
        batch = np.zeros((len(some), max(map(len, some))), np.int64)
        for row, document in zip(batch, some, strict=True):
            row[: len(document)] = document
        yield batch


class TorchDocuments:
    """The documents as a dataset of PyTorch."""

    def __init__(self, documents: list[Array]) -> None:
        self._documents = documents

    def __len__(self) -> int:
        return len(self._documents)

    def __getitem__(self, index: int) -> Any:
        import torch

        return torch.from_numpy(self._documents[index].astype(np.int64))


def padded(some: list[Any]) -> Any:
    """Return the batch of some documents, as PyTorch pads them."""
    from torch.nn.utils.rnn import pad_sequence

    return pad_sequence(some, batch_first=True)


def by_torch(documents: list[Array], division: list[Array], workers: int) -> Epoch | None:
    """Return what begins an epoch of PyTorch's loader; None without PyTorch."""
    try:
        from torch.utils.data import DataLoader
    except ImportError:
        return None
    data: Any = TorchDocuments(documents)
    batches = [of.tolist() for of in division]
    loader: Any = DataLoader(
        data, batch_sampler=batches, collate_fn=padded, num_workers=workers, persistent_workers=workers > 0
    )
    return lambda: (batch.numpy() for batch in loader)


def check(name: str, epoch: Epoch, documents: list[Array], division: list[Array]) -> None:
    """Raise ValueError unless the batches are those of the NumPy loop."""
    for k, (found, expected) in enumerate(zip(epoch(), by_numpy(documents, division), strict=True)):
        if not np.array_equal(found, expected):
            raise ValueError(f"{name}: batch {k} is not that of its documents")


def resume_s(loader: Any) -> float:
    """Return the seconds from a state near the end of an epoch to the next batch."""
    state = {**loader.state_dict(), "epoch": 3, "position": len(loader) - 2}
    times = []
    for _ in range(20):
        start = time.perf_counter()
        loader.load_state_dict(state)
        next(iter(loader))
        times.append(time.perf_counter() - start)
    return median(times)
