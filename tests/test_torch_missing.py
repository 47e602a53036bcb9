# SPDX-License-Identifier: MIT
"""Without PyTorch, the door says what it needs, and nothing else of the package asks for it."""

import subprocess
import sys

CODE = """
import sys
sys.modules["torch"] = None
import fastbatch, fastbatch.pure
dataset = fastbatch.TimeSeriesDataset([[1], [2], [3]], [0, 1, 2], 2)
assert len(dataset) == 2 and dataset.fastbatch_columns()[0].shape == (2, 2, 1)
try:
    import fastbatch.torch
except ModuleNotFoundError as error:
    assert error.name == "torch"
    print(error)
"""


def test_the_error_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("fastbatch.torch needs PyTorch (")
    assert done.stdout.endswith("): pip install torch\n")


def test_fastbatch_does_not_import_torch():
    code = "import sys, fastbatch; fastbatch.arrays([1, 2]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
