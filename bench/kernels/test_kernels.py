# SPDX-License-Identifier: MIT
"""The kernels on each instruction set: one thread, data that fits the caches, one batch per epoch.

    python -m pytest bench/kernels --benchmark-enable --benchmark-group-by=func

They are called through the loader, whose overhead (about 50 us per epoch) is small for a batch of megabytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

fastbatch = pytest.importorskip("fastbatch")

SIDE = 224
SMALL = {"threads": 1, "prefetch": 1}


@pytest.fixture(params=fastbatch._core.supported_targets())
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    before = fastbatch._core.active_target()
    fastbatch._core.narrow_targets(request.param)
    yield request.param
    fastbatch._core.narrow_targets(before)


def epochs(benchmark: Any, loader: Any) -> Any:
    """Time whole epochs of one batch, and report the batch's bytes per second."""

    def epoch() -> Any:
        (batch,) = loader
        return batch[0] if isinstance(batch, tuple) else batch

    with loader:
        batch = benchmark.pedantic(epoch, rounds=20, warmup_rounds=3)
    if benchmark.stats:  # absent when benchmarks are disabled
        benchmark.extra_info["gb_per_s"] = round(batch.nbytes / benchmark.stats.stats.median / 1e9, 2)
    return batch


@pytest.mark.parametrize("row_bytes", [64, 784, 3136])
def test_gather(benchmark: Any, target: str, row_bytes: int) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (4 * 2**20 // row_bytes, row_bytes), np.uint8)
    batch = epochs(benchmark, fastbatch.arrays(rows, batch_size=len(rows), shuffle=True, **SMALL))
    assert batch.sum() == rows.sum()


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_normalise(benchmark: Any, target: str, dtype: str, layout: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, SIDE, SIDE, 3), np.uint8)
    conversion = {"dtype": dtype, "scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    batch = epochs(benchmark, fastbatch.arrays(images, batch_size=8, layout=layout, **conversion, **SMALL))
    assert batch.shape == ((8, 3, SIDE, SIDE) if layout == "NCHW" else images.shape)


@pytest.mark.parametrize("source", ["uint8", "int16", "int64", "float64"])
def test_cast_to_float32(benchmark: Any, target: str, source: str) -> None:
    rows = np.random.default_rng(0).integers(0, 100, (1024, 1024)).astype(source)
    batch = epochs(benchmark, fastbatch.arrays(rows, batch_size=len(rows), dtype="float32", **SMALL))
    assert np.array_equal(batch, rows)


@pytest.mark.parametrize("size", [SIDE, (375, 500)], ids=["resized", "as it is"])
def test_decode_jpeg(benchmark: Any, target: str, size: Any, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    across, down = np.meshgrid(np.arange(500), np.arange(375))
    (tmp_path / "waves").mkdir()
    for i in range(8):
        waves = [127 + 120 * np.sin(across / (5 + i) + down / (9 + c)) for c in range(3)]
        image.fromarray(np.stack(waves, 2).astype(np.uint8)).save(tmp_path / "waves" / f"{i}.jpg", quality=95)
    loader = fastbatch.images(tmp_path, size=size, dtype="uint8", batch_size=8, **SMALL)
    assert len(epochs(benchmark, loader)) == 8
