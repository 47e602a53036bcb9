# SPDX-License-Identifier: MIT
"""torch.utils.data.DataLoader over tensors in memory, or over JPEG files through Pillow.

Variants: `w0`, `w2`: the number of worker processes (kept between epochs), one sample at a time and the default
collation; `batched-w0`, `batched-w2`: its fastest form for arrays, a BatchSampler as `sampler`, so that the data set is
indexed by whole batches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from fastbatch.bench.job import MEAN, STD, Feed, Job
from fastbatch.bench.rivals.numpy import list_jpegs, normalise, read_jpeg

A = torch.tensor([1 / (255 * s) for s in STD]).reshape(3, 1, 1)
B = torch.tensor([-m / s for m, s in zip(MEAN, STD, strict=True)]).reshape(3, 1, 1)


def _normalised(x: torch.Tensor) -> torch.Tensor:
    x = x.movedim(-1, -3)
    return torch.mul(x, A, out=torch.empty(x.shape, dtype=torch.float32)).add_(B)


class _Arrays(Dataset[Any]):
    def __init__(self, job: Job) -> None:
        self.x = torch.from_numpy(np.load(job.data))
        self.ids = torch.from_numpy(np.load(job.ids))
        self.is_image = job.kind == "images"

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Any) -> Any:
        x = self.x[index]
        return (_normalised(x) if self.is_image else x), self.ids[index]


class _Windows(Dataset[Any]):
    """A slice of the series and the last label, as in PyTorch's examples of time series."""

    def __init__(self, job: Job) -> None:
        self.x = torch.from_numpy(np.load(job.data))
        self.y = torch.from_numpy(np.load(job.ids))
        self.n, self.length, self.stride = job.n, job.length, job.stride
        self.offsets = torch.arange(job.length)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            first = torch.tensor(index) * self.stride
            return self.x[first[:, None] + self.offsets], self.y[first + self.length - 1]
        first = index * self.stride
        return self.x[first : first + self.length], self.y[first + self.length - 1]


class _Tokens(Dataset[Any]):
    """Slices of the mapped file, widened, as in nanoGPT."""

    def __init__(self, job: Job) -> None:
        self.tokens = np.load(job.data, mmap_mode="r")
        self.n, self.length, self.stride = job.n, job.length, job.stride

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Any:
        first = index * self.stride
        x = self.tokens[first : first + self.length].astype(np.int64)
        y = self.tokens[first + 1 : first + 1 + self.length].astype(np.int64)
        return torch.from_numpy(x), torch.from_numpy(y)


class _Jpegs(Dataset[Any]):
    def __init__(self, job: Job) -> None:
        self.job = job
        self.files = list_jpegs(job.data)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        path, label = self.files[index]
        return torch.from_numpy(normalise(read_jpeg(path, self.job)[None])[0]), label


def open_feed(variant: str, job: Job) -> Feed:
    workers = int(variant.rpartition("w")[2])
    kinds: dict[str, Any] = {"jpeg": _Jpegs, "windows": _Windows, "tokens": _Tokens}
    data: Dataset[Any] = kinds.get(job.kind, _Arrays)(job)
    options: dict[str, Any] = {"num_workers": workers, "persistent_workers": workers > 0}
    if variant.startswith("batched"):
        order = RandomSampler(data) if job.shuffle else SequentialSampler(data)  # type: ignore[arg-type]
        loader = DataLoader(data, sampler=BatchSampler(order, job.batch_size, False), batch_size=None, **options)
        config = f"BatchSampler as sampler, batch_size=None, num_workers={workers}"
    else:
        loader = DataLoader(data, batch_size=job.batch_size, shuffle=job.shuffle, **options)
        config = f"default collate, num_workers={workers}{', Pillow' if job.kind == 'jpeg' else ''}"
    own_draws = job.draws
    return Feed(epoch=lambda: loader, config=config, own_draws=own_draws)
