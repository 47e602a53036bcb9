# SPDX-License-Identifier: MIT
"""The comparison of machines: instruction sets give the same digests, and a difference is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import digests
import numpy as np
import pytest

from fastbatch import _core

pytestmark = pytest.mark.behavior


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Files that all runs read."""
    return tmp_path_factory.mktemp("digests")


@pytest.fixture(scope="module")
def best(data):
    """The digests on this processor's best instruction set."""
    return write(data, _core.supported_targets()[0])


def write(data, target):
    path = data / f"{target}.json"
    command = [sys.executable, str(Path(digests.__file__)), "write", str(data), str(path)]
    subprocess.run(command, env={**os.environ, "FASTBATCH_SIMD": target}, check=True, capture_output=True)
    return path


def test_without_simd_all_loaders_give_the_same_bytes(data, best, capsys):
    assert digests.compare([best, write(data, "scalar")]), capsys.readouterr().out


def test_a_difference_is_named(best, tmp_path, capsys):
    content = json.loads(best.read_text())
    content["digests"]["packs"] = "other bytes"
    del content["digests"]["tokens"]
    (tmp_path / "other.json").write_text(json.dumps(content))
    assert not digests.compare([best, tmp_path / "other.json"])
    assert capsys.readouterr().out.splitlines()[1:] == ["  tokens", "  packs"]


@pytest.mark.parametrize(
    "other",
    [np.ones(4, "f4"), np.ones((2, 2), "f8"), np.full((2, 2), 2, "f4"), (np.ones((2, 2), "f4"),), {"x": np.ones(4)}],
)
def test_type_shape_structure_and_bytes_count(other):
    assert digest(other) != digest(np.ones((2, 2), "f4"))


def digest(batch):
    import hashlib

    one = hashlib.sha256()
    digests.add(one, batch)
    return one.digest()
