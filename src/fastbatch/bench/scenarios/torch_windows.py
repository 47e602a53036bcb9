# SPDX-License-Identifier: MIT
"""How much faster are the windows of a `TimeSeriesDataset` than those of torch over the same class in Python?"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench.job import Job, Target

TARGETS = (
    Target(of="times torch, 2 workers", at_least=25),
    Target(of="times torch, 0 workers", at_least=10),
)
COLUMNS, LENGTH = 8, 128


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="windows", data="", n=2_000 if smoke else 200_000, columns=COLUMNS, batch_size=256, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Time whole epochs of shuffled windows in turns."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    import fastbatch
    import fastbatch.torch
    from fastbatch.bench.torch_race import in_turns, ratio, same_batches, seconds

    class TimeSeriesDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
        """As in the user's document."""

        def __init__(self, data: torch.Tensor, labels: torch.Tensor, seq_length: int) -> None:
            self.data, self.labels, self.seq_length = data, labels, seq_length

        def __len__(self) -> int:
            return len(self.data) - self.seq_length + 1

        def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
            return self.data[i : i + self.seq_length], self.labels[i + self.seq_length - 1]

    data, labels = torch.randn(job.n, job.columns), torch.arange(job.n)
    options = {"batch_size": job.batch_size, "shuffle": True}
    theirs = TimeSeriesDataset(data, labels, LENGTH)
    ours = fastbatch.torch.DataLoader(fastbatch.TimeSeriesDataset(data, labels, LENGTH), **options, threads=job.threads)
    torch_0 = DataLoader(theirs, **options)
    torch_2 = DataLoader(theirs, **options, num_workers=2, persistent_workers=True)
    if not ours.explain().native:
        raise AssertionError(str(ours.explain()))
    same_batches(ours, torch_0)
    loaders = {"ours": ours, "torch, 0": torch_0, "torch, 2": torch_2}
    for loader in loaders.values():
        seconds(loader)
    found = in_turns({name: lambda one=loader: seconds(one) for name, loader in loaders.items()}, 5)
    return {
        "times torch, 2 workers": ratio(found["torch, 2"], found["ours"]),
        "times torch, 0 workers": ratio(found["torch, 0"], found["ours"]),
        "windows/s": len(theirs) / sorted(found["ours"])[2],
    }
