# SPDX-License-Identifier: MIT
"""Annotations that are transformed with their images: masks, boxes, keypoints.

A hidden column of the batch holds each sample's matrix from file coordinates to slot coordinates. The consumer's thread
applies the matrices to the boxes and keypoints of the whole batch.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastbatch.batch.tree import PerSample
from fastbatch.checks import limited, listed, refuse_masked, shown, whole
from fastbatch.source.chunks import ChunkedSamples
from fastbatch.source.image_folder import as_paths, known_extensions
from fastbatch.source.local_file import path_bytes
from fastbatch.source.patterns import matching
from fastbatch.source.ranges import RangeSamples
from fastbatch.source.samples import EncodedSamples, FileSamples, JoinedSamples, SampleSource

from .conversion import Field, make_conversion
from .image_options import ImageOptions

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Ragged:
    """A variable number of rows per sample: the rows of sample i are rows[starts[i]:starts[i + 1]]."""

    rows: Array  # float64
    starts: Array  # int64

    def take(self, indices: Array) -> tuple[Array, Array]:
        """Return the concatenated rows of the given samples, and the number of rows of each."""
        counts = self.starts[indices + 1] - self.starts[indices]
        ends = np.cumsum(counts)
        where = np.arange(ends[-1] if len(ends) else 0) + np.repeat(self.starts[indices] - (ends - counts), counts)
        return self.rows[where], counts


def make_ragged(name: str, given: Any, n: int, columns: int) -> Ragged:
    """Return the rows of `n` samples, each of at least `columns` numbers.

    Raises:
        ValueError: The wrong number of samples, rows of different lengths, coordinates that are not finite.
    """
    samples = listed(name, given, "a list of rows for each image")
    if len(samples) != n:
        raise ValueError(f"{name}: expected rows for each of {n} files, found {len(samples)}")
    width: int | None = None
    parts: list[Array | None] = []
    for i, sample in enumerate(samples):
        refuse_masked(f"{name}: sample {i}", sample)
        if sample is None or len(sample) == 0:
            parts.append(None)
            continue
        try:
            rows = np.asarray(sample, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: sample {i}: {error}") from None
        if rows.ndim != 2 or rows.shape[1] < columns or rows.shape[1] != (width or rows.shape[1]):
            wanted = f"(n, {width})" if width else f"(n, {columns} or more)"
            raise ValueError(f"{name}: sample {i}: expected shape {wanted}, found {rows.shape}")
        if not np.isfinite(rows[:, :columns]).all():
            raise ValueError(f"{name}: sample {i}: expected finite coordinates, found {shown(rows.tolist())}")
        further = rows[:, columns:]
        with np.errstate(over="ignore"):
            lost = (further == np.rint(further)) & (further.astype(np.float32) != further)
        if lost.any():
            found = f"{further[lost][0]:.0f}"
            raise ValueError(f"{name}: sample {i}: expected whole numbers that float32 holds, found {found}")
        width = rows.shape[1]
        parts.append(rows)
    empty = np.empty((0, width or columns))
    kept = [empty if part is None else part for part in parts]
    starts = np.concatenate([[0], np.cumsum([len(part) for part in kept], dtype=np.int64)]).astype(np.int64)
    return Ragged(np.concatenate([empty, *kept]), starts)


@dataclass(frozen=True)
class Boxes:
    """The boxes of all samples: x0, y0, x1, y1, and any further numbers of the user.

    Attributes:
        height, width: Size of the slot to which boxes are clipped.
        min_area: Drop boxes whose clipped area is not larger; None keeps all.
    """

    ragged: Ragged
    height: int
    width: int
    min_area: float | None = None

    def move(self, indices: Array, matrices: Array) -> list[Array]:
        """Return the boxes of a batch, the bounding boxes of the moved corners: per sample float32 (n, 4 or more)."""
        rows, counts = self.ragged.take(indices)
        of = np.repeat(np.arange(len(counts)), counts)
        corners = rows[:, [[0, 1], [2, 1], [0, 3], [2, 3]]]  # (boxes, 4, 2)
        moved = _apply(matrices[of][:, None], corners)
        limits = np.array([self.width, self.height], dtype=np.float64)
        out = rows.astype(np.float32)
        out[:, :2] = np.clip(moved.min(axis=1), 0, limits)
        out[:, 2:4] = np.clip(moved.max(axis=1), 0, limits)
        if self.min_area is not None:
            left = (out[:, 2] - out[:, 0]) * (out[:, 3] - out[:, 1]) > self.min_area
            out, of = out[left], of[left]
            counts = np.bincount(of, minlength=len(counts))
        return _split(out, counts)


@dataclass(frozen=True)
class Points:
    """The keypoints of all samples: x, y, and any further numbers of the user."""

    ragged: Ragged

    def move(self, indices: Array, matrices: Array) -> list[Array]:
        """Return the keypoints of a batch: per sample float32 (n, 2 or more), including those outside the slot."""
        rows, counts = self.ragged.take(indices)
        of = np.repeat(np.arange(len(counts)), counts)
        out = rows.astype(np.float32)
        out[:, :2] = _apply(matrices[of], rows[:, :2])
        return _split(out, counts)


def _apply(matrices: Array, points: Array) -> Array:
    """Return the points (..., 2) transformed by the matrices (..., 2, 3)."""
    x, y = points[..., 0], points[..., 1]
    moved = [matrices[..., i, 0] * x + matrices[..., i, 1] * y + matrices[..., i, 2] for i in (0, 1)]
    return np.stack(moved, axis=-1)


def _split(rows: Array, counts: Array) -> list[Array]:
    parts = np.split(rows, np.cumsum(counts)[:-1]) if len(counts) else []
    return PerSample(part.copy() for part in parts)


def make_moved(
    n: int, options: ImageOptions, boxes: Any, min_box_area: float | None, keypoints: Any
) -> tuple[Boxes | Points, ...]:
    """Return the boxes and keypoints that are transformed with `n` images."""
    moved: list[Boxes | Points] = []
    if boxes is not None:
        ragged = make_ragged("boxes", boxes, n, 4)
        least = None if min_box_area is None else limited("min_box_area", min_box_area, 0, math.inf)
        moved.append(Boxes(ragged, options.height, options.width, least))
    elif min_box_area is not None:
        raise ValueError("min_box_area: there are no boxes")
    if keypoints is not None:
        moved.append(Points(make_ragged("keypoints", keypoints, n, 2)))
    return tuple(moved)


def mask_options(options: ImageOptions, dtype: DTypeLike, pad_value: int) -> ImageOptions:
    """Return the options of the mask of an image: the same geometry, but nearest-neighbour and unscaled."""
    shape = (options.height, options.width)
    conversion = make_conversion(np.dtype("u1"), shape, Field(None, dtype))
    deep, ints, uints = (
        make_conversion(np.dtype(one), shape, Field(None, dtype)) if np.can_cast(one, conversion.dtype) else None
        for one in ("u2", "i4", "u4")
    )
    pad = _mask_pad(pad_value, conversion.dtype)
    is_byte = 0 <= pad <= 255
    return replace(
        options,
        conversion=conversion,
        deep=deep,
        floats=None,
        ints=ints,
        uints=uints,
        channels=0,
        pad_value=(pad if is_byte else 0,),
        pad_outside=None if is_byte else conversion.dtype.type(pad),
        filter="nearest",
        color="index",
        exact=True,
    )


def _mask_pad(value: Any, dtype: np.dtype[Any]) -> int:
    """Return the checked `mask_pad_value`: an integer that the masks' type holds."""
    if dtype.kind == "b":
        return whole("mask_pad_value", value, 0, 255)
    if dtype.kind == "f":
        most = 2 ** (np.finfo(dtype).nmant + 1)  # all integers up to it
        return whole("mask_pad_value", value, -most, most)
    limits = np.iinfo(dtype)
    return whole("mask_pad_value", value, int(limits.min), int(limits.max))


@dataclass(frozen=True)
class PackPairs:
    """Assembles a batch: the visible columns, and the boxes and keypoints that the hidden columns transform.

    Attributes:
        n_shown: Number of visible columns, which come first; then the samples' indices and matrices, if needed.
        has_index: The last column is the last element of the batch.
    """

    n_shown: int
    moved: tuple[Boxes | Points, ...]
    has_index: bool = False

    @property
    def n_parts(self) -> int:
        """Number of elements in a batch."""
        return self.n_shown + len(self.moved) + int(self.has_index)

    def __call__(self, columns: Sequence[Any]) -> Any:
        shown = list(columns[: self.n_shown])
        if self.moved:
            indices, matrices = columns[self.n_shown : self.n_shown + 2]
            shown += [one.move(indices, matrices) for one in self.moved]
        if self.has_index:
            shown.append(columns[-1])
        return tuple(shown) if len(shown) > 1 else shown[0]


def mask_samples(given: Any, images: SampleSource, image_root: Any) -> SampleSource:
    """Return the mask of each image: samples in memory, paths, a pattern, or files of the same names in a folder.

    Raises:
        ValueError: A list of the wrong length, an image with no mask or with several.
        OSError: The folder cannot be read.
    """
    files = matching("masks", given) if isinstance(given, str | os.PathLike) else None
    if files is None and isinstance(given, str | bytes | os.PathLike):
        if image_root is None or not isinstance(images, FileSamples):
            raise ValueError("masks: a folder of masks goes with a folder of images, or with a list below `root`")
        root = os.path.join(path_bytes("root", image_root), b"")
        return FileSamples(_masks_in(path_bytes("masks", given), images.paths, root))
    sources = EncodedSamples | RangeSamples | JoinedSamples | FileSamples | ChunkedSamples
    samples = given if isinstance(given, sources) else FileSamples(files or as_paths("masks", given))
    if len(samples) != len(images):
        raise ValueError(f"masks: expected one for each of {len(images)} files, found {len(samples)}")
    return samples


def _masks_in(folder: bytes, images: list[bytes], root: bytes) -> list[bytes]:
    """Return for each image below `root` the file in `folder` with the same name, or with `_mask` behind it.

    Extensions may differ.
    """
    names: dict[bytes, dict[bytes, list[bytes]]] = {}  # folder -> name without extension -> names
    paths = []
    for image in images:
        relative = image[len(root) :] if image.startswith(root) else os.path.relpath(image, root)
        below, name = os.path.split(relative)
        if below not in names:
            names[below] = _images_by_stem(os.path.join(folder, below))
        stem = name.rpartition(b".")[0]
        found = names[below].get(stem) or names[below].get(stem + b"_mask", [])
        if name in found:
            found = [name]
        if len(found) != 1:
            what = " and ".join(map(os.fsdecode, found)) or "none"
            raise ValueError(f"masks: expected one for {os.fsdecode(relative)} in {os.fsdecode(folder)}, found {what}")
        paths.append(os.path.join(folder, below, found[0]))
    return paths


def _images_by_stem(folder: bytes) -> dict[bytes, list[bytes]]:
    kinds = {extension.encode() for extension in known_extensions()}
    names: dict[bytes, list[bytes]] = {}
    for one in sorted(map(os.fsencode, os.listdir(os.fsdecode(folder)))):  # str: for its error message
        stem, _, end = one.rpartition(b".")
        if end.lower() in kinds:
            names.setdefault(stem, []).append(one)
    return names
