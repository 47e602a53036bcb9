# SPDX-License-Identifier: MIT
"""How much faster does a shuffled `TensorDataset` (200,000 x 784 float32) become by changing the loader's import?"""

from __future__ import annotations

from pathlib import Path

from fastbatch.bench.job import Job, Target

TARGETS = (
    Target(of="times torch, 2 workers", at_least=20),
    Target(of="times torch, 0 workers", at_least=10),
    Target(of="fallback, of torch", at_least=0.97),
)


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="rows", data="", n=2_000 if smoke else 200_000, columns=784, batch_size=256, threads=threads)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Time whole epochs in turns; the fallback is a Python dataset, which both loaders run in the same way."""
    import torch
    from torch.utils.data import DataLoader, Dataset, TensorDataset

    import fastbatch.torch
    from fastbatch.bench.torch_race import in_turns, ratio, same_batches, seconds

    class Samples(Dataset[tuple[torch.Tensor, torch.Tensor]]):
        def __len__(self) -> int:
            return job.n // 4

        def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
            return x[i], y[i]

    x, y = torch.randn(job.n, job.columns), torch.arange(job.n)
    dataset = TensorDataset(x, y)
    options = {"batch_size": job.batch_size, "shuffle": True}
    ours = fastbatch.torch.DataLoader(dataset, **options, threads=job.threads)
    wrapped = DataLoader(fastbatch.torch.dataset(dataset, threads=job.threads), **options)
    torch_0 = DataLoader(dataset, **options)
    torch_2 = DataLoader(dataset, **options, num_workers=2, persistent_workers=True)
    if not ours.explain().native:
        raise AssertionError(str(ours.explain()))
    for loader in (ours, wrapped):
        same_batches(loader, torch_0)
    fallback, plain = fastbatch.torch.DataLoader(Samples(), **options), DataLoader(Samples(), **options)
    same_batches(fallback, plain)
    loaders = {
        "ours": ours,
        "wrapped": wrapped,
        "torch, 0": torch_0,
        "torch, 2": torch_2,
        "fallback": fallback,
        "plain": plain,
    }
    for loader in loaders.values():
        seconds(loader)
    found = in_turns({name: lambda one=loader: seconds(one) for name, loader in loaders.items()}, 5)
    return {
        "times torch, 2 workers": ratio(found["torch, 2"], found["ours"]),
        "times torch, 0 workers": ratio(found["torch, 0"], found["ours"]),
        "dataset() in torch's own loader, of ours": ratio(found["ours"], found["wrapped"]),
        "fallback, of torch": ratio(found["plain"], found["fallback"]),
        "rows/s": job.n / sorted(found["ours"])[2],
    }
