# SPDX-License-Identifier: MIT
"""A transform in plain C, compiled with the system's compiler and loaded by ctypes."""

import ctypes
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import fastbatch as fb


def build(folder):
    """Compile jitter.c into a folder and return the function."""
    library = Path(folder, "jitter.so")
    compiler = shlex.split(os.environ.get("CC", "cc"))
    source = Path(__file__).with_name("jitter.c")
    subprocess.run(
        [*compiler, "-O3", "-shared", "-fPIC", f"-I{fb.get_include()}", str(source), "-o", str(library)], check=True
    )
    return ctypes.CDLL(str(library)).jitter


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        images = np.ones((1000, 3, 64, 64), np.float32)
        strength = np.array([0.5])
        for batch in fb.arrays(images, transform=(build(folder), strength), batch_size=250):
            print(batch.mean(axis=(1, 2, 3))[:5])
