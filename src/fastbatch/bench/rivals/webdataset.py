# SPDX-License-Identifier: MIT
"""WebDataset over tar archives of the same files, read by torch's workers (`WebLoader`), as its documents recommend.

Variant `w2`: the number of worker processes. The archives are written once, beside the photographs.
"""

from __future__ import annotations

import io
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

import torch
import webdataset

from fastbatch.bench import data
from fastbatch.bench.job import Feed, Job, Skipped
from fastbatch.bench.rivals.numpy import fit, list_jpegs, normalise

SHARDS = 8


def open_feed(variant: str, job: Job) -> Feed:
    if job.kind != "jpeg":
        raise Skipped("its adapter reads JPEGs only")
    workers = int(variant[1:])
    urls = [str(path) for path in sorted(_shards(job).glob("*.tar"))]
    shards = webdataset.WebDataset(urls, shardshuffle=SHARDS if job.shuffle else False)
    rows = (shards.shuffle(1000) if job.shuffle else shards).decode("pil").to_tuple("jpg", "cls")
    rows = rows.map_tuple(partial(_prepared, job=job), int)
    # Batches are made in the main process: those of workers would be shorter at the end of each worker's part.
    loader = webdataset.WebLoader(rows, batch_size=None, num_workers=workers, persistent_workers=workers > 0)
    batched = loader.batched(job.batch_size, collation_fn=_stacked)
    return Feed(
        epoch=lambda: batched,
        config=f"{SHARDS} tar archives, shuffle(1000), WebLoader with num_workers={workers}, Pillow",
        own_draws=job.draws,
    )


def _prepared(image: Any, job: Job) -> Any:
    return torch.from_numpy(normalise(fit(image.convert("RGB"), job)[None])[0])


def _stacked(rows: Any) -> Any:
    x, y = zip(*rows, strict=True)
    return torch.stack(x), torch.tensor(y)


def _shards(job: Job) -> Path:
    def write(folder: Path) -> None:
        folder.mkdir(parents=True)
        files = list_jpegs(job.data)
        for shard in range(SHARDS):
            with tarfile.open(folder / f"{shard}.tar", "w") as archive:
                for i in range(shard, len(files), SHARDS):
                    path, label = files[i]
                    for suffix, content in (("jpg", Path(path).read_bytes()), ("cls", str(label).encode())):
                        member = tarfile.TarInfo(f"{i:06d}.{suffix}")
                        member.size = len(content)
                        archive.addfile(member, io.BytesIO(content))

    return data.once(Path(job.data).with_name(Path(job.data).name + f"-shards-{SHARDS}"), write)
