# SPDX-License-Identifier: MIT
"""Instruction sets: chosen by name, rejected by name, all with the same bytes."""

import os
import subprocess
import sys

import numpy as np
import pytest
from making import same_batches

import fastbatch
from fastbatch import _core, pure

pytestmark = pytest.mark.behavior

TARGETS = _core.supported_targets()


@pytest.fixture(params=TARGETS)
def target(request):
    """Select each instruction set in turn and restore the previous one."""
    before = _core.active_target()
    _core.narrow_targets(request.param)
    yield request.param
    _core.narrow_targets(before)


def test_the_override_takes_effect(target):
    assert _core.active_target() == target


def test_scalar_is_always_there():
    assert TARGETS[-1] == "scalar"


@pytest.mark.parametrize("name", ["mmx", "AVX2 ", "scalar,avx2"])
def test_unknown_names_are_refused(name):
    before = _core.active_target()
    with pytest.raises(ValueError, match=f"{name}.*scalar"):
        _core.narrow_targets(name)
    assert _core.active_target() == before


@pytest.mark.parametrize("name", TARGETS)
def test_the_environment_chooses(name):
    done = subprocess.run(
        [sys.executable, "-c", "from fastbatch import _core; print(_core.active_target())"],
        env={**os.environ, "FASTBATCH_SIMD": name},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == name + "\n"


@pytest.mark.parametrize("n", [0, 1, 2, 15, 16, 17, 63, 64, 65, 257])
@pytest.mark.parametrize("source", ["u1", "<i2", ">i2", "f4", ">f8", "f2"])
@pytest.mark.parametrize("dtype", ["u1", "f2", "f4", "f8"])
def test_rows_on_every_target(target, n, source, dtype):
    x = np.random.default_rng(n).integers(0, 200, (5, n)).astype(source)
    options = {"dtype": dtype, "scale": 0.37, "mean": -1.1, "shuffle": True, "batch_size": 2}
    same_batches(fastbatch.arrays(x, **options), pure.arrays(x, **options))


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_images_to_planes_on_every_target(target, channels):
    x = np.random.default_rng(0).integers(0, 255, (3, 19, 23, channels), dtype=np.uint8)
    options = {"dtype": "f4", "scale": 1 / 255, "mean": [0.1 * c for c in range(channels)], "layout": "NCHW"}
    same_batches(fastbatch.arrays(x, **options), pure.arrays(x, **options))


@pytest.mark.parametrize("name", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_resize_on_every_target(target, photos, name):
    options = {"size": (37, 29), "filter": name, "flip": True, "dtype": "uint8"}
    same_batches(fastbatch.images(photos, **options), pure.images(photos, **options))
