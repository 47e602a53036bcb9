# SPDX-License-Identifier: MIT
"""Compares a rival's batches with the expected ones, before its time counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbatch.bench.job import Job

TOLERANCE = 2e-5  # of a mean or a projection of normalised samples: a few float32 rounding errors
TILES = 7
MEANS_APART = 0.1  # of the mean of an epoch's normalised values, when each crop is drawn differently
AMBIGUOUS = 2  # an expected sample is a candidate if it is at most this many times as far away as the closest one


@dataclass
class Digest:
    """A summary of an epoch: each sample's label, hash of its bytes, and features that are similar for similar data."""

    layout: str = "NCHW"
    shapes: set[tuple[int, ...]] = field(default_factory=set)
    dtypes: set[str] = field(default_factory=set)
    labels: list[NDArray[Any]] = field(default_factory=list)
    hashes: list[NDArray[np.uint64]] = field(default_factory=list)
    features: list[NDArray[np.float32]] = field(default_factory=list)

    @property
    def samples(self) -> int:
        return sum(len(one) for one in self.labels)

    def add(self, x: Any, y: Any) -> None:
        x, y = np.asarray(x), np.asarray(y)
        if self.layout == "NHWC" and x.ndim == 4:
            x = x.transpose(0, 3, 1, 2)
        if y.ndim == 2:  # tokens with targets: one sample; its number is in the first two tokens
            x, y = np.concatenate([x, y], 1), x[:, 0] + (x[:, 1] << 16)
        self.shapes.add(x.shape[1:])
        self.dtypes.add(str(x.dtype))
        self.labels.append(y.astype(np.int64))
        self.hashes.append(_hashes(x))
        self.features.append(_features(x))

    def save(self, path: str | Path) -> None:
        with Path(path).open("wb") as file:
            np.savez(
                file,
                shape=np.array(sorted(self.shapes)),
                dtype=np.array(sorted(self.dtypes)),
                labels=np.concatenate(self.labels),
                hashes=np.concatenate(self.hashes),
                features=np.concatenate(self.features),
            )


@cache
def _weights(n: int) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Return n odd numbers, and n x 4 random signs, scaled so that a projection has the magnitude of the values."""
    odd = np.random.default_rng(7).integers(0, 2**63, n, np.uint64) * np.uint64(2) + np.uint64(1)
    signs = np.random.default_rng(8).choice([-1.0, 1.0], (n, 4)).astype(np.float32) / np.float32(np.sqrt(n))
    return odd, signs


def _hashes(x: NDArray[Any]) -> NDArray[np.uint64]:
    words = np.ascontiguousarray(x).reshape(len(x), -1).view(np.uint32)
    odd, _ = _weights(words.shape[1])
    step = max(1, 2**17 // words.shape[1])  # the products of a whole batch of images would not fit the caches
    parts = [(words[i : i + step] * odd).sum(1, np.uint64) for i in range(0, len(words), step)]
    return np.concatenate(parts)


def _features(x: NDArray[Any]) -> NDArray[np.float32]:
    flat = x.reshape(len(x), -1).astype(np.float32)
    projections = flat @ _weights(flat.shape[1])[1]
    if x.ndim != 4:
        return projections
    n, channels, height, width = x.shape
    tiles = x.reshape(n, channels, TILES, height // TILES, TILES, width // TILES).mean((3, 5), dtype=np.float32)
    return np.concatenate([projections, tiles.reshape(n, -1)], 1)


def expect(job: Job) -> Digest:
    """Return the expected samples of an epoch, computed in the simplest way, in the order of the data."""
    from fastbatch.bench.rivals.numpy import A, B, list_jpegs, read_jpeg

    digest = Digest()
    if job.kind == "jpeg":
        for path, label in list_jpegs(job.data):
            digest.add((read_jpeg(path, job).astype(np.float32).transpose(2, 0, 1) * A + B)[None], [label])
        return digest
    if job.kind in ("windows", "tokens"):
        from fastbatch.bench.rivals.numpy import cut

        x, y = cut(job)
        for start in range(0, job.n, 1000):
            part = slice(start, min(start + 1000, job.n))
            digest.add(x[part].astype(np.int64) if job.kind == "tokens" else x[part], y[part].astype(np.int64))
        return digest
    data, ids = np.load(job.data, mmap_mode="r"), np.load(job.ids)
    for start in range(0, job.n, 1000 if job.kind == "rows" else 20):
        part = slice(start, start + (1000 if job.kind == "rows" else 20))
        x = np.array(data[part])
        if job.kind == "images":
            x = x.astype(np.float32).transpose(0, 3, 1, 2) * A + B
        digest.add(x, ids[part])
    return digest


@dataclass(frozen=True)
class Verdict:
    """Whether the rival's time counts, and how its samples compare."""

    is_sound: bool
    words: str


def compare(expected: Path, found: Path, other_work: str, has_ids: bool, own_draws: bool = False) -> Verdict:
    """Compare two saved digests: shape, dtype, each sample exactly once with its own label, and the values.

    For a rival with its own random draws: the labels as a whole, and the mean of all values.
    """
    want, got = np.load(expected), np.load(found)
    for what in ("shape", "dtype"):
        if want[what].tolist() != got[what].tolist():
            return Verdict(False, f"{what}: expected {want[what].tolist()}, found {got[what].tolist()}")
    if len(got["labels"]) != len(want["labels"]):
        return Verdict(False, f"expected {len(want['labels'])} samples, found {len(got['labels'])}")
    if own_draws:
        return _compare_means(want, got, other_work)
    place = got["labels"] if has_ids else _nearest(want, got)
    if not np.array_equal(np.sort(place), np.arange(len(want["labels"]))):
        return Verdict(False, f"expected every sample once, found {len(np.unique(place))} different ones")
    wrong = np.count_nonzero(want["labels"][place] != got["labels"])
    if wrong:
        return Verdict(False, f"{wrong} samples have another one's label")
    but = f", but {other_work}" if other_work else ""
    if np.array_equal(want["hashes"][place], got["hashes"]):
        return Verdict(True, f"same bytes{but}")
    distance = float(np.abs(want["features"][place] - got["features"]).max())
    if distance <= TOLERANCE:
        return Verdict(True, f"same within {distance:.0e}{but}")
    if other_work:
        return Verdict(True, f"other work: {other_work} (up to {distance:.1g} apart)")
    return Verdict(False, f"values are up to {distance:.2g} apart")


def _compare_means(want: Any, got: Any, other_work: str) -> Verdict:
    if not np.array_equal(np.sort(want["labels"]), np.sort(got["labels"])):
        return Verdict(False, "the labels are not those of the samples")
    distance = abs(float(want["features"][:, 4:].mean() - got["features"][:, 4:].mean()))
    if distance > MEANS_APART:
        return Verdict(False, f"values are {distance:.2g} apart on average")
    return Verdict(True, "random crops of its own" + (f"; {other_work}" if other_work else ""))


def _nearest(want: Any, got: Any) -> NDArray[np.int64]:
    """Return for each found sample the index of the closest expected one, for labels that are not unique."""
    by_hash = {int(value): i for i, value in enumerate(want["hashes"])}
    place: NDArray[np.int64] = np.array([by_hash.get(int(value), -1) for value in got["hashes"]], np.int64)
    other = np.flatnonzero(place < 0)
    tiles = want["features"][:, 4:].astype(np.float64)
    apart = np.array([np.square(tiles - one[4:]).sum(1) for one in got["features"][other]]).reshape(
        len(other), len(tiles)
    )
    place[other] = apart.argmin(1)
    is_doubled = len(np.unique(got["hashes"])) < len(place)
    return place if is_doubled or len(np.unique(place)) == len(place) else _shared_out(place, other, apart)


def _shared_out(place: NDArray[np.int64], other: NDArray[np.int64], apart: NDArray[np.float64]) -> NDArray[np.int64]:
    """Reassign found samples that share the closest expected one, for example two shots of one photograph.

    Args:
        other: The found samples with different bytes; `apart`: their squared distances to all expected ones.
    """
    from scipy.optimize import linear_sum_assignment

    free = np.setdiff1d(np.arange(len(place)), np.delete(place, other))
    rows, columns = linear_sum_assignment(apart[:, free])
    out: NDArray[np.int64] = place.copy()
    close = apart[rows, free[columns]] <= AMBIGUOUS**2 * apart.min(1)[rows]
    out[other[rows[close]]] = free[columns[close]]
    return out
