# SPDX-License-Identifier: MIT
"""Single images: decode a file, resize an array, probe and verify files, in native code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastbatch import _core
from fastbatch.decode.single_image import Array, Box, turned_upright
from fastbatch.errors import DecodeError
from fastbatch.source.local_file import open_regular
from fastbatch.source.pool import submit, thread_pool
from fastbatch.source.remote.samples import ObjectSamples

from . import pillow
from .columns import core_samples

if TYPE_CHECKING:
    from fastbatch.source.samples import SampleSource

_REQUESTS = 32  # to a store, at once
_AT_ONCE = 4096  # files between two checks for Ctrl-C


def decode_image(
    path: bytes | None, content: Any, mode: str | None, exif: str, max_pixels: int, fills: bool = False
) -> Array:
    """Return the pixels of a file, or of encoded bytes if there is no path; with `fills` also of a truncated image."""
    name = mode or ""
    try:
        decoded = (
            _core.decode_bytes(content, name, max_pixels) if path is None else _core.decode_file(path, name, max_pixels)
        )
    except DecodeError as error:
        if not fills:
            raise
        return pillow.fill(bytes(content) if path is None else _read_file(path), mode, exif, max_pixels, error)
    if isinstance(decoded, str):  # the reason why the core cannot decode it
        given = bytes(content) if path is None else _read_file(path)
        return pillow.decode(given, mode, exif, decoded, max_pixels, fills)
    pixels, stored_mode, orientation = decoded
    if mode == "I":
        pixels = pixels.astype(np.int32)
    elif mode is None and stored_mode == "1":
        pixels = pixels.view(np.bool_) if pixels.max(initial=0) <= 1 else pixels != 0
    return turned_upright(pixels, orientation) if exif == "apply" else pixels


def _read_file(path: bytes) -> bytes:
    with open_regular(path) as file:
        return file.read()


def resize_image(pixels: Array, height: int, width: int, filter: str, box: Box | None) -> Array:
    """Return a checked image, resized."""
    return _core.resize_array(np.ascontiguousarray(pixels), height, width, filter, box)


def probe_images(samples: SampleSource, threads: int | None, max_pixels: int) -> list[tuple[Any, ...]]:
    """Return one record per sample without decoding pixels."""
    source = core_samples(samples)
    found: list[tuple[Any, ...]] = []
    for first in range(0, len(samples), _AT_ONCE):
        n = min(_AT_ONCE, len(samples) - first)
        n_threads = threads or _core.available_cpus()
        for i, record in enumerate(_core.probe_images(source, first, n, n_threads, max_pixels), first):
            needs_pillow, reason = record[-1], record[-2] or ""
            found.append(pillow.probe(samples, i, reason, max_pixels) if needs_pillow else record[:-1])
    return found


def verify_images(
    samples: SampleSource, first: int, n: int, threads: int | None, max_pixels: int
) -> list[tuple[int, str | None]]:
    """Return bytes and reason of each sample, None for a good one: natively, or by Pillow."""
    waits = isinstance(samples, ObjectSamples)
    n_threads = threads or (_REQUESTS if waits else _core.available_cpus())
    records = _core.verify_images(core_samples(samples), first, n, n_threads, max_pixels)
    found = [(n_bytes, reason) for n_bytes, reason, _, _ in records]
    others = [i for i, record in enumerate(records) if record[-1]]
    if others:
        with thread_pool(n_threads, "fastbatch-verify") as pool:
            asked = [submit(pool, pillow.verify, samples, first + i, records[i][1] or "", max_pixels) for i in others]
            for i, one in zip(others, asked, strict=True):
                found[i] = one.result()
    return found
