# SPDX-License-Identifier: MIT
"""The lines that the doctor says to change, and whether two batches are the same."""

import textwrap

import numpy as np
import pytest

from fastbatch.doctor.beside.lines import changed, diff_of
from fastbatch.doctor.beside.race import batches_per_s, race
from fastbatch.doctor.beside.same import difference, is_rounding


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from torch.utils.data import DataLoader", "from fastbatch.torch import DataLoader"),
        (
            "from torch.utils.data import DataLoader as Loader, Dataset",
            "from fastbatch.torch import DataLoader as Loader\nfrom torch.utils.data import Dataset",
        ),
        (
            "if True:\n    from torch.utils.data import (\n  Dataset,\n  DataLoader,\n    )\nD",
            "if True:\n    from fastbatch.torch import DataLoader\n    from torch.utils.data import Dataset\nD",
        ),
        (
            "import torch\nx = torch.utils.data.DataLoader(d)\n",
            "import torch\nimport fastbatch.torch\nx = fastbatch.torch.DataLoader(d)\n",
        ),
        (
            "import torch.utils.data as data\nx = data.DataLoader(d)\n",
            "import torch.utils.data as data\nimport fastbatch.torch\nx = fastbatch.torch.DataLoader(d)\n",
        ),
        (
            "from torch.utils import data\nx = data.DataLoader(d), my.DataLoader\n",
            "from torch.utils import data\nimport fastbatch.torch\nx = fastbatch.torch.DataLoader(d), my.DataLoader\n",
        ),
    ],
)
def test_names_of_torch_are_taken_from_fastbatch(before, after):
    assert changed(before, "DataLoader").strip() == after.strip()


@pytest.mark.parametrize(
    "text",
    [
        "from mine import DataLoader",
        "from .data import DataLoader",
        "from torch.utils.data import Dataset",
        "import torch\ntorch.utils.data.Dataset",
        "from keras.preprocessing.image import ImageDataGenerator",  # another name was asked for
        "x = DataLoader()",
        "",
    ],
)
def test_other_names_stay(text):
    assert changed(text, "DataLoader") == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "from keras.src.legacy.preprocessing.image import ImageDataGenerator",
            "from fastbatch.keras import ImageDataGenerator",
        ),
        (
            "from tensorflow.keras.preprocessing.image import ImageDataGenerator",
            "from fastbatch.keras import ImageDataGenerator",
        ),
        (
            "import keras\nx = keras.preprocessing.image.ImageDataGenerator()\n",
            "import keras\nimport fastbatch.keras\nx = fastbatch.keras.ImageDataGenerator()\n",
        ),
    ],
)
def test_names_of_keras(before, after):
    assert changed(before, "ImageDataGenerator").strip() == after.strip()


def test_a_diff_has_the_lines_alone(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(
        textwrap.dedent("""\
        import os
        from torch.utils.data import DataLoader

        print(os, DataLoader)
        """)
    )
    assert diff_of(path, "train.py", "DataLoader").splitlines() == [
        "--- train.py",
        "+++ train.py",
        "@@ -2 +2 @@",
        "-from torch.utils.data import DataLoader",
        "+from fastbatch.torch import DataLoader",
    ]
    assert diff_of(path, "train.py", "ImageDataGenerator") == ""


X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    ("theirs", "ours", "text"),
    [
        (X, X.copy(), ""),
        (X, X.astype(np.float64), r"batch: expected float32 (2, 3), found float64 (2, 3)"),
        (X, X[:1], "batch: expected float32 (2, 3), found float32 (1, 3)"),
        (X, X + 1, "batch: values differ by up to 1"),
        ((X, 1), (X, 2), "batch[1]: 1 of 1 values differ"),
        ((X, 1), (X,), "batch: expected 2 parts, found 1 parts"),
        ({"a": X}, {"b": X}, "batch: expected the keys ['a'], found the keys ['b']"),
        ({"a": [X, X]}, {"a": [X, X * 2]}, "batch['a'][1]: values differ by up to 5"),
        (np.array([0.0, np.nan]), np.array([-0.0, np.nan]), ""),
        (X, [X], "batch: expected float32 (2, 3), found float32 (1, 2, 3)"),
    ],
)
def test_what_differs_is_named(theirs, ours, text):
    assert difference(theirs, ours) == text


def test_rounding_is_told_from_differences():
    assert is_rounding((X, 1), (X + np.float32(1e-7), 1))
    assert not is_rounding((X, 1), (X + np.float32(1e-3), 1))
    assert not is_rounding((X, 1), (X, 2))
    assert not is_rounding({"a": X}, {"b": X})


def test_loaders_that_disagree_are_not_timed():
    found = race(lambda: iter([X, X + 1]), lambda: iter([X, X]), 0.1)
    assert (found["same"], found["difference"]) == (False, "batch 1: values differ by up to 1")
    assert "ours_per_s" not in found
    found = race(lambda: [X] * 3, lambda: [X] * 2, 0.1)
    assert (found["same"], found["difference"]) == (False, "expected 3 batches, found 2")


def test_loaders_that_agree_are_timed():
    found = race(lambda: [X] * 100, lambda: [X] * 100, 0.1)
    assert found["same"]
    assert found["ours_per_s"] > 0 < found["theirs_per_s"]
    assert batches_per_s(list, 0.1) == 0


def test_global_generators_are_put_back():
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    race(lambda: [np.random.random(3)], lambda: [np.random.random(3)], 0.02)
    assert np.random.random() == expected
