# SPDX-License-Identifier: MIT
"""A transform in Cython; build() does the work of a setup.py."""

import importlib.util
import tempfile
from pathlib import Path

import numpy as np

import fastbatch as fb


def build(folder):
    """Compile jitter.pyx into a folder and return the function, as a capsule."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    source = Path(__file__).with_name("jitter.pyx")
    module = Extension("jitter", [str(source)], include_dirs=[fb.get_include()])
    package = str(Path(fb.__file__).parents[1])  # the folder in which Cython finds fastbatch/transform.pxd
    compiled = cythonize([module], include_path=[package], build_dir=str(folder), quiet=True)
    command = Distribution({"ext_modules": compiled}).get_command_obj("build_ext")
    command.build_lib = command.build_temp = str(folder)
    command.ensure_finalized()
    command.run()
    spec = importlib.util.spec_from_file_location("jitter", command.get_ext_fullpath("jitter"))
    built = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(built)
    return built.__pyx_capi__["jitter"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        images = np.ones((1000, 3, 64, 64), np.float32)
        for batch in fb.arrays(images, transform=build(folder), batch_size=250):
            print(batch.mean(axis=(1, 2, 3))[:5])
