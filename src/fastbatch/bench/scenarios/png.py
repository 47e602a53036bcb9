# SPDX-License-Identifier: MIT
"""How much faster than libpng are 8-bit PNG files decoded, on one thread?"""

from __future__ import annotations

import ctypes
import ctypes.util
import io
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastbatch.bench import data
from fastbatch.bench.job import Job, Skipped, Target
from fastbatch.bench.subject import package

TARGETS = (Target(of="RGB / libpng", at_least=2),)
FORMATS = {"RGB": 0x02, "RGBA": 0x03, "L": 0x00}  # PNG_FORMAT_FLAG_ALPHA | PNG_FORMAT_FLAG_COLOR
VERSION = 1


class PngImage(ctypes.Structure):
    """libpng's png_image, of its simplified API."""

    _fields_ = (
        ("opaque", ctypes.c_void_p),
        *((name, ctypes.c_uint32) for name in ("version", "width", "height", "format", "flags", "entries", "error")),
        ("message", ctypes.c_char * 64),
    )


def job(folder: Path, threads: int, smoke: bool) -> Job:
    return Job(kind="jpeg", data=str(data.jpegs(folder, 20)), n=2 if smoke else 10, batch_size=1, threads=1)


def measure(subject: str, job: Job) -> dict[str, float]:
    """Take turns with libpng on photographs of about 500 x 375; return the median of the photographs' ratios."""
    from PIL import Image

    fastbatch = package(subject)
    name = ctypes.util.find_library("png16")
    if name is None:
        raise Skipped("libpng is not on this machine")
    libpng = ctypes.CDLL(name)
    values = {}
    for mode, png_format in FORMATS.items():
        ratios = []
        for path in sorted(Path(job.data).rglob("*.jpg"))[: job.n]:
            file = io.BytesIO()
            Image.open(path).convert(mode).save(file, "PNG")
            content = file.getvalue()
            read = reader(libpng, content, png_format)
            if not np.array_equal(read(), fastbatch.decode(content, mode)):
                raise RuntimeError(f"{path}: {mode}: the pixels are not libpng's")
            ratios.append(_time(read) / _time(lambda c=content, m=mode: fastbatch.decode(c, m)))
        values[f"{mode} / libpng"] = median(ratios)
    return values


def reader(libpng: Any, content: bytes, png_format: int) -> Callable[[], Any]:
    """Return a function that decodes `content` with libpng."""
    size = ctypes.c_size_t(len(content))

    def read() -> Any:
        image = PngImage(version=VERSION)
        libpng.png_image_begin_read_from_memory(ctypes.byref(image), content, size)
        image.format = png_format
        channels = {0x00: 1, 0x02: 3, 0x03: 4}[png_format]
        shape = (image.height, image.width, channels)[: 2 if channels == 1 else 3]
        pixels = np.empty(shape, np.uint8)
        libpng.png_image_finish_read(ctypes.byref(image), None, pixels.ctypes.data_as(ctypes.c_void_p), 0, None)
        return pixels

    return read


def _time(call: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(8):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best
