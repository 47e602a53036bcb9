# SPDX-License-Identifier: MIT
"""torchvision's own decoder and transforms of tensors, in the workers of DataLoader, as its documents advise.

Variant `w2`: the number of worker processes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from fastbatch.bench import torchvision_import  # noqa: F401 - raises Skipped where it is missing
from fastbatch.bench.job import MEAN, SIDE, STD, Feed, Job, Skipped
from fastbatch.bench.rivals.numpy import list_jpegs

from torchvision.io import ImageReadMode, decode_jpeg, read_file  # isort: skip
from torchvision.transforms import v2  # isort: skip


class _Photos(Dataset[Any]):
    def __init__(self, job: Job) -> None:
        self.files = list_jpegs(job.data)
        self.transform = v2.Compose(
            [*_geometry(job), v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(MEAN), list(STD))]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        path, label = self.files[index]
        return self.transform(decode_jpeg(read_file(path), ImageReadMode.RGB)), label


def _geometry(job: Job) -> list[Any]:
    flip = [v2.RandomHorizontalFlip()] if job.flip else []
    if job.crop == "random_resized":
        return [v2.RandomResizedCrop(SIDE, antialias=True), *flip]
    if job.crop == "center":
        return [v2.Resize(job.resize, antialias=True), v2.CenterCrop(SIDE), *flip]
    return [v2.Resize((SIDE, SIDE), antialias=True), *flip]


def open_feed(variant: str, job: Job) -> Feed:
    if job.kind != "jpeg":
        raise Skipped("its adapter reads JPEGs only")
    workers = int(variant[1:])
    photos = _Photos(job)
    try:
        photos[0]
    except RuntimeError as error:
        if "image extension" in str(error) or "does not exist" in str(error):
            raise Skipped("its decoder does not load beside this build of PyTorch") from None
        raise
    loader: Any = DataLoader(
        photos,
        batch_size=job.batch_size,
        shuffle=job.shuffle,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    return Feed(
        epoch=lambda: loader,
        config=f"decode_jpeg and transforms.v2 of tensors, DataLoader with num_workers={workers}",
        other_work="resized with PyTorch's rounding",
        own_draws=job.draws,
    )
