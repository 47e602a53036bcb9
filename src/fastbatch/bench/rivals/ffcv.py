# SPDX-License-Identifier: MIT
"""FFCV: its own file of photographs, written once beside the folder, and its compiled pipelines in threads.

The file has the photographs as JPEGs that it encodes itself, at its default quality. Its decoders crop and do not
stretch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ffcv.fields import IntField, RGBImageField
from ffcv.fields.decoders import IntDecoder
from ffcv.fields.rgb_image import CenterCropRGBImageDecoder, RandomResizedCropRGBImageDecoder
from ffcv.loader import Loader, OrderOption
from ffcv.transforms import NormalizeImage, RandomHorizontalFlip, Squeeze, ToTensor, ToTorchImage
from ffcv.writer import DatasetWriter
from PIL import Image

from fastbatch.bench import data
from fastbatch.bench.job import MEAN, SIDE, STD, Feed, Job, Skipped
from fastbatch.bench.rivals.numpy import list_jpegs


class _Photos:
    def __init__(self, job: Job) -> None:
        self.files = list_jpegs(job.data)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        path, label = self.files[index]
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB")), label


def _written(job: Job) -> Path:
    def write(path: Path) -> None:
        fields = {"image": RGBImageField(write_mode="jpg"), "label": IntField()}
        DatasetWriter(str(path), fields, num_workers=job.threads).from_indexed_dataset(_Photos(job))

    return data.once(Path(f"{job.data}.beton"), write)


def open_feed(variant: str, job: Job) -> Feed:
    if job.kind != "jpeg" or job.crop == "none":
        raise Skipped("its decoders crop photographs, and do not stretch them")
    side = (SIDE, SIDE)
    decoder = (
        RandomResizedCropRGBImageDecoder(side)
        if job.crop == "random_resized"
        else CenterCropRGBImageDecoder(side, ratio=SIDE / job.resize)
    )
    mean, std = (255 * np.array(one) for one in (MEAN, STD))
    flip = [RandomHorizontalFlip()] if job.flip else []
    normalised = [NormalizeImage(mean, std, np.float32), ToTensor(), ToTorchImage(channels_last=False)]
    loader: Any = Loader(
        str(_written(job)),
        batch_size=job.batch_size,
        num_workers=job.threads,
        order=OrderOption.RANDOM if job.shuffle else OrderOption.SEQUENTIAL,
        os_cache=True,
        drop_last=False,
        pipelines={"image": [decoder, *flip, *normalised], "label": [IntDecoder(), ToTensor(), Squeeze()]},
    )
    return Feed(
        epoch=lambda: loader,
        config=f"its file of JPEGs, Loader with num_workers={job.threads}",
        other_work="encoded again by itself; resized by OpenCV (area)",
        own_draws=job.draws,
    )
