# SPDX-License-Identifier: MIT
"""Hugging Face datasets: a column of images, `set_transform`, torch's DataLoader with workers, as its documents say.

Variant `w2`: the number of worker processes.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import datasets
import numpy as np
import torch
from torch.utils.data import DataLoader

from fastbatch.bench.job import Feed, Job, Skipped
from fastbatch.bench.rivals.numpy import fit, list_jpegs, normalise


def open_feed(variant: str, job: Job) -> Feed:
    if job.kind != "jpeg":
        raise Skipped("its adapter reads JPEGs only")
    workers = int(variant[1:])
    files = list_jpegs(job.data)
    columns = {"image": [path for path, _ in files], "label": [label for _, label in files]}
    rows = datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())

    def transform(batch: Any) -> Any:
        images = [normalise(fit(image.convert("RGB"), job)[None])[0] for image in batch["image"]]
        return {"x": [torch.from_numpy(image) for image in images], "y": np.array(batch["label"])}

    rows.set_transform(transform)
    loader = DataLoader(
        rows,
        batch_size=job.batch_size,
        shuffle=job.shuffle,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=_stacked,
    )
    return Feed(
        epoch=lambda: loader,
        config=f"Image column, set_transform, DataLoader with num_workers={workers}, Pillow",
        own_draws=job.draws,
    )


def _stacked(rows: Any) -> Any:
    return torch.stack([one["x"] for one in rows]), torch.tensor([int(one["y"]) for one in rows])
